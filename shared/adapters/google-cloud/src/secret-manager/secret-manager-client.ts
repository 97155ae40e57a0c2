/** The file that speaks to @google-cloud/secret-manager. Loaded when a secret is first needed. */
import type { SecretManagerServiceClient } from '@google-cloud/secret-manager'
import { StartedClient, refusePlainEndpoint } from '../google-call.ts'
import { refuseUnsafeEnvironment } from '../unsafe-environment.ts'

export type SecretManagerClientOptions = NonNullable<ConstructorParameters<typeof SecretManagerServiceClient>[0]>

/** What AccessSecretVersion answered, nothing of it checked. */
export interface AccessedVersion {
  readonly name: unknown
  readonly data: unknown
  readonly checksum: unknown
}

export interface SecretManagerClient {
  /** `resource`: projects/P/secrets/S/versions/V. One attempt of at most `timeoutMs`. */
  access(resource: string, timeoutMs: number): Promise<AccessedVersion>
  close(): Promise<void>
}

/** `options` are the SDK's own; by default Google's endpoint with the process's own credentials. TypeError where they or the environment are unsafe. */
export function secretManagerClient(options: SecretManagerClientOptions = {}): SecretManagerClient {
  refuseUnsafeEnvironment()
  refusePlainEndpoint(options)
  const client = new StartedClient(async () => new (await import('@google-cloud/secret-manager')).SecretManagerServiceClient({ ...options }))
  return {
    async access(resource, timeoutMs) {
      // Without the library's own retries: it would go on for ten minutes.
      const [answer] = await (await client.get()).accessSecretVersion({ name: resource }, { timeout: timeoutMs, maxRetries: 0, retry: { retryCodes: [] } })
      return { name: answer.name, data: answer.payload?.data, checksum: answer.payload?.dataCrc32c }
    },
    close: () => client.close(),
  }
}
