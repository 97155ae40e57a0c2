import assert from 'node:assert/strict'
import { mkdtemp, rm } from 'node:fs/promises'
import { createServer, type Server } from 'node:https'
import type { AddressInfo } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { openSqlite, type SqliteStore } from '@lockkeeper/adapter-sqlite'
import { createPeopleDirectory } from '@lockkeeper/auth'
import { systemClock } from '@lockkeeper/domain'
import { isRefusal, LockkeeperError } from '@lockkeeper/domain/errors'
import { cloudEvent } from '@lockkeeper/domain/events'
import { collections, notifySchema } from '@lockkeeper/notifier'
import { openCertificateAuthority } from '@lockkeeper/proxy/certificate-authority'
import { createLogger } from '@lockkeeper/service-kit'
import { collector } from '@lockkeeper/testkit'
import type { LoadedConfig } from './load-config.ts'
import { createGatewayNotifier, slackTrust, type GatewayNotifier } from './notifier.ts'

const SECRETS: Readonly<Record<string, string>> = { hook: `whsec_${Buffer.alloc(32, 1).toString('base64')}`, signing: 'signing-canary', unrelated: 'unrelated-canary' }

describe('the notifier of the embedded edition', () => {
  const got = collector<string>()
  const logged = collector<string>()
  const log = createLogger('test', { destination: { write: (line) => logged.add(line) } })
  const asked: string[] = []
  const secrets = { access: async (name: string) => {
    asked.push(name)
    const value = SECRETS[name]
    if (value === undefined) throw new LockkeeperError('CREDENTIAL_UNAVAILABLE', 'none')
    return { value, version: '1' }
  } }
  const people = createPeopleDirectory([])
  let directory: string
  let authority: string
  let server: Server
  let store: SqliteStore
  before(async () => {
    directory = await mkdtemp(join(tmpdir(), 'lockkeeper-notifier-'))
    const made = await openCertificateAuthority(join(directory, 'ca'), ['localhost'], systemClock)
    authority = made.certificate
    server = createServer({ SNICallback: (name, done) => void made.contextFor(name).then((context) => done(null, context)) }, (request, response) => {
      got.add(request.headers['webhook-id'] as string)
      response.writeHead(204).end()
    })
    await new Promise<void>((resolve) => server.listen(0, 'localhost', resolve))
    store = await openSqlite({ file: join(directory, 'store.sqlite'), collections, clock: systemClock })
  })
  after(async () => {
    await store.close()
    server.closeAllConnections()
    server.close()
    await rm(directory, { recursive: true })
  })

  const loaded = (channels: readonly object[], more: object = {}): LoadedConfig => ({ config: { mode: 'real', listen: {}, notify: notifySchema.parse({ channels, ...more }) } } as unknown as LoadedConfig)
  const webhook = (name: string, changes: object) => ({ kind: 'webhook', name, secret: 'hook', url: `https://localhost:${(server.address() as AddressInfo).port}/hook`, locks: true, ...changes })
  const create = (config: LoadedConfig): GatewayNotifier => {
    const made = createGatewayNotifier(config, { documents: store.documents, events: store.events, secrets, people, clock: systemClock, log })
    assert.ok(made !== undefined)
    return made
  }

  it('in real mode a receiver is believed by its certificate, and a private address is dialled only where settings say so', async () => {
    const notifier = create(loaded([
      webhook('right', { allowPrivateAddresses: true, certificateAuthority: authority }), webhook('stranger', { allowPrivateAddresses: true }), webhook('private', { certificateAuthority: authority }),
    ]))
    await notifier.start()
    await store.events.publish('locks', [cloudEvent('lock.changed', '/approval', 'lock-1', systemClock.now(), { id: 'lock_1', state: 'set', scope: { kind: 'everything' }, by: 'bo', reason: 'r' })])
    try {
      await got.count(1)
      await logged.until((lines) => lines.filter((line) => line.includes('could not be delivered')).length >= 2)
    } finally {
      await notifier.drain()
    }
    assert.equal(got.items.length, 1)
    const problems = Object.fromEntries(notifier.status().map(({ name, problem }) => [name, problem]))
    assert.equal(problems['right'], undefined)
    assert.match(problems['stranger'] ?? '', /CERT|SELF_SIGNED|UNABLE_TO/)
    assert.match(problems['private'] ?? '', /loopback, link-local or private/)
  })

  it('invariant 7: the notifier is given its channels\' secrets, the approval service the signing secret, and neither the other\'s', async () => {
    const config = loaded([{ kind: 'slack', name: 's', token: 'signing', channel: 'C0CHAN' }], { listen: { port: 0 }, slack: { app: 'A0APP', team: 'T0TEAM', signingSecret: 'signing' } })
    assert.equal(await slackTrust(config, { secrets, people })?.signingSecret(), 'signing-canary')
    const hooks = loaded([webhook('right', {})], { listen: { port: 0 }, slack: { app: 'A0APP', team: 'T0TEAM', signingSecret: 'other' } })
    const refused = await slackTrust(hooks, { secrets, people })?.signingSecret().catch((cause: unknown) => cause instanceof LockkeeperError ? cause.refusal : undefined)
    assert.ok(isRefusal(refused))
    assert.equal(slackTrust(loaded([webhook('right', {})]), { secrets, people }), undefined)
    assert.equal(asked.includes('unrelated'), false)
  })

  it('without notify nothing is started', () => {
    assert.equal(createGatewayNotifier({ config: { mode: 'real' } } as unknown as LoadedConfig, { documents: store.documents, events: store.events, secrets, people, clock: systemClock, log }), undefined)
  })
})
