import assert from 'node:assert/strict'
import { once } from 'node:events'
import { createServer, type IncomingMessage, type Server } from 'node:http'
import type { AddressInfo } from 'node:net'
import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { tempDir } from '@lockkeeper/testkit'
import { CLIENT, startIdp, type StandInIdp } from '../test/stand-in-idp.ts'
import { consoleCloudSettingsSchema } from './cloud-settings.ts'
import { openConsole } from './wire.ts'

const quiet = (): void => undefined
const LOG = { debug: quiet, info: quiet, warn: quiet, error: quiet }

describe('the console as a process of its own', () => {
  let idp: StandInIdp
  let approval: Server
  let seen: IncomingMessage[]
  const directory = tempDir()
  before(async () => {
    idp = await startIdp()
    approval = createServer((request, response) => {
      seen.push(request)
      response.writeHead(200, { 'content-type': 'application/json' }).end('{"locks":[]}')
    }).listen(0, '127.0.0.1')
    await once(approval, 'listening')
    writeFileSync(join(directory, 'identity'), 'console.id.token\n', { mode: 0o600 })
    writeFileSync(join(directory, 'people.yaml'), JSON.stringify({ kind: 'People', people: [{ id: 'ada', name: 'Ada', groups: ['approvers'], identities: [{ issuer: 'people', subject: 'ada' }] }] }))
  })
  beforeEach(() => { seen = [] })
  after(async () => {
    approval.close()
    await idp.close()
  })

  it('it signs a person in and asks the services with its own token, sent twice, never with the person\'s', async () => {
    const place = `http://127.0.0.1:${(approval.address() as AddressInfo).port}`
    // The origin names the port, which has to be known first.
    const probe = createServer().listen(0, '127.0.0.1')
    await once(probe, 'listening')
    const { port } = probe.address() as AddressInfo
    probe.close()
    await once(probe, 'close')
    const origin = `http://localhost:${port}`
    const settings = consoleCloudSettingsSchema.parse({
      apiVersion: 'lockkeeper.dev/v1', kind: 'Console', mode: 'sandbox', project: 'acme-gateway', emulators: { firestore: '127.0.0.1:1', pubsub: '127.0.0.1:2' }, origin, people: 'people.yaml',
      approverIssuers: [{ name: 'people', issuer: idp.issuer, audience: CLIENT, jwks: idp.jwks, algorithms: ['EdDSA'] }], signIn: [{ issuer: 'people', clientId: CLIENT }],
      services: { approval: place, audit: place }, identity: { tokenFile: 'identity' },
    })
    const running = await openConsole({ settings, directory, port }, { log: LOG })
    try {
      assert.equal((await fetch(`${origin}/readyz`)).status, 200)
      const away = await fetch(`${origin}/sign-in/with/people`, { redirect: 'manual' })
      const back = idp.authorise(away.headers.get('location') ?? '')
      const login = away.headers.getSetCookie().map((cookie) => cookie.split(';')[0]).join('; ')
      const home = await fetch(back, { headers: { cookie: login }, redirect: 'manual' })
      const session = home.headers.getSetCookie().map((cookie) => cookie.split(';')[0]).join('; ')
      assert.equal((await fetch(`${origin}/api/locks`)).status, 401)
      assert.equal((await fetch(`${origin}/api/locks`, { headers: { cookie: session } })).status, 200)
      assert.deepEqual(seen.map(({ url, headers }) => [url, headers.authorization, headers['x-serverless-authorization'], headers.cookie]), [['/v1/locks', 'Bearer console.id.token', 'Bearer console.id.token', undefined]])
    } finally {
      await running.drain()
    }
  })
})
