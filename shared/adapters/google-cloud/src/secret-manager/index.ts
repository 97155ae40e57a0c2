export { secretKey32 } from './secret-key.ts'
export { secretManagerClient, type SecretManagerClient, type SecretManagerClientOptions } from './secret-manager-client.ts'
export { secretManagerSecrets, type SecretManagerDeps, type SecretManagerSecrets, type SecretManagerSettings } from './secret-manager-secrets.ts'
export type { SecretPin } from './secret-names.ts'
