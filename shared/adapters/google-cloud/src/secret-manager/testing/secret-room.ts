/** For tests: a Secret Manager with the secret `token` in two versions, and a source over it. */
import assert from 'node:assert/strict'
import { inspect } from 'node:util'
import { LockkeeperError } from '@lockkeeper/domain/errors'
import { manualClock, type ManualClock } from '@lockkeeper/testkit'
import { secretManagerClient, secretManagerSecrets, type SecretManagerSecrets, type SecretManagerSettings, type SecretPin } from '../index.ts'
import { startSecretManagerServer, type SecretManagerServer } from './secret-manager-server.ts'

export const resource = (name: string): string => `projects/gateway/secrets/${name}`
export const TOKEN = resource('token')

export class SecretRoom {
  readonly clock: ManualClock = manualClock()
  readonly lines: { readonly level: string, readonly facts: object, readonly text: string }[] = []
  readonly server: SecretManagerServer
  #secrets: SecretManagerSecrets | undefined

  constructor(server: SecretManagerServer) { this.server = server }

  static async open(): Promise<SecretRoom> {
    const server = await startSecretManagerServer()
    server.add(TOKEN, 'CANARY-1')
    server.add(TOKEN, 'CANARY-2\n')
    return new SecretRoom(server)
  }

  get secrets(): SecretManagerSecrets {
    assert.ok(this.#secrets !== undefined, 'no source was made')
    return this.#secrets
  }

  use(pin: SecretPin, settings: Partial<SecretManagerSettings> = {}): void {
    const note = (level: string) => (facts: object, text: string): void => { this.lines.push({ level, facts, text }) }
    this.#secrets = secretManagerSecrets({ secrets: { token: pin }, timeoutMs: 2000, ...settings }, { client: secretManagerClient(this.server.clientOptions), clock: this.clock, log: { info: note('info'), warn: note('warn') } })
  }

  async access(): Promise<string> {
    return (await this.secrets.access('token')).value
  }

  /** What an access fails with; no error may hold a secret. */
  async failure(): Promise<Error> {
    const error = await this.secrets.access('token').then(() => assert.fail('a secret came'), (reason: unknown) => reason)
    assert.ok(error instanceof Error)
    assert.ok(!inspect(error, { depth: 9, showHidden: true }).includes('CANARY'), 'the error holds a secret')
    return error
  }

  async isWithdrawn(): Promise<void> {
    const error = await this.failure()
    assert.ok(error instanceof LockkeeperError && error.reason === 'CREDENTIAL_UNAVAILABLE', inspect(error))
  }

  async close(): Promise<void> {
    await this.#secrets?.close()
    this.server.close()
  }
}
