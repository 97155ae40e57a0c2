export { kmsClient, type KmsClient, type KmsClientOptions } from './kms-client.ts'
export { openKmsSigner, type KmsSettings } from './kms-signer.ts'
