export { createCredentialSource, type CredentialDeps, type CredentialSettings } from './create-credential-source.ts'
export { adcSource, idTokenSource, impersonateSource, noneSource, secretSource, type IdTokenSettings, type ImpersonateSettings, type SecretSettings, type SourceDeps } from './credential-sources.ts'
