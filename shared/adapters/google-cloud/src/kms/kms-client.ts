/** The file that speaks to @google-cloud/kms. */
import type { KeyManagementServiceClient } from '@google-cloud/kms'
import { StartedClient, refusePlainEndpoint } from '../google-call.ts'
import { refuseUnsafeEnvironment } from '../unsafe-environment.ts'

export type KmsClientOptions = NonNullable<ConstructorParameters<typeof KeyManagementServiceClient>[0]>

/** What GetPublicKey answered, nothing of it checked. */
export interface PublicKeyAnswer { readonly name: unknown, readonly pem: unknown, readonly checksum: unknown, readonly algorithm: unknown }

/** What AsymmetricSign answered, nothing of it checked. */
export interface SignAnswer { readonly name: unknown, readonly signature: unknown, readonly checksum: unknown, readonly verifiedDigest: unknown, readonly verifiedData: unknown }

/** A SHA-256 digest or the data itself, with its CRC32C. */
export type SignInput = { readonly kind: 'digest' | 'data', readonly bytes: Uint8Array, readonly checksum: number }

export interface KmsClient {
  /** One attempt of at most `timeoutMs`, like `sign`. */
  publicKey(keyVersion: string, timeoutMs: number): Promise<PublicKeyAnswer>
  sign(keyVersion: string, input: SignInput, timeoutMs: number): Promise<SignAnswer>
  close(): Promise<void>
}

/** `options` are the SDK's own; by default Google's endpoint with the process's own credentials. TypeError where they or the environment are unsafe. */
export function kmsClient(options: KmsClientOptions = {}): KmsClient {
  refuseUnsafeEnvironment()
  refusePlainEndpoint(options)
  const client = new StartedClient(async () => new (await import('@google-cloud/kms')).KeyManagementServiceClient({ ...options }))
  // Without the library's own retries, whose deadline is minutes away.
  const once = (timeout: number) => ({ timeout, maxRetries: 0, retry: { retryCodes: [] } })
  return {
    async publicKey(name, timeoutMs) {
      const [answer] = await (await client.get()).getPublicKey({ name }, once(timeoutMs))
      return { name: answer.name, pem: answer.pem, checksum: answer.pemCrc32c, algorithm: answer.algorithm }
    },
    async sign(name, { kind, bytes, checksum }, timeoutMs) {
      const input = kind === 'digest' ? { digest: { sha256: bytes }, digestCrc32c: { value: checksum } } : { data: bytes, dataCrc32c: { value: checksum } }
      const [answer] = await (await client.get()).asymmetricSign({ name, ...input }, once(timeoutMs))
      return { name: answer.name, signature: answer.signature, checksum: answer.signatureCrc32c, verifiedDigest: answer.verifiedDigestCrc32c, verifiedData: answer.verifiedDataCrc32c }
    },
    close: () => client.close(),
  }
}
