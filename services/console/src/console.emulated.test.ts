import assert from 'node:assert/strict'
import { once } from 'node:events'
import { createServer, type IncomingMessage, type Server } from 'node:http'
import type { AddressInfo } from 'node:net'
import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { tempDir } from '@lockkeeper/testkit'
import { describeEmulated } from '@lockkeeper/testkit/emulators'
import { askAt } from '../test/console-room.ts'
import { CLIENT, startIdp, type StandInIdp } from '../test/stand-in-idp.ts'
import { consoleCloudSettingsSchema } from './cloud-settings.ts'
import { openConsole } from './wire.ts'

const quiet = (): void => undefined
const LOG = { debug: quiet, info: quiet, warn: quiet, error: quiet }
/** Where people open it; a load balancer leads to either process. */
const ORIGIN = 'http://localhost:8445'

describeEmulated(['firestore'], 'the console as processes of its own', function (emulators) {
  this.timeout(30_000)
  let idp: StandInIdp
  let approval: Server
  const seen: IncomingMessage[] = []
  const directory = tempDir()
  const running: Awaited<ReturnType<typeof openConsole>>[] = []
  const cookies = new Map<string, string>()

  before(async () => {
    idp = await startIdp()
    approval = createServer((request, response) => {
      seen.push(request)
      response.writeHead(200, { 'content-type': 'application/json' }).end('{"locks":[]}')
    }).listen(0, '127.0.0.1')
    await once(approval, 'listening')
    const place = `http://127.0.0.1:${(approval.address() as AddressInfo).port}`
    writeFileSync(join(directory, 'identity'), 'console.id.token\n', { mode: 0o600 })
    writeFileSync(join(directory, 'people.yaml'), JSON.stringify({ kind: 'People', people: [{ id: 'ada', name: 'Ada', groups: ['approvers'], identities: [{ issuer: 'people', subject: 'ada' }] }] }))
    const { host: firestore, projectId } = emulators('firestore')
    const settings = consoleCloudSettingsSchema.parse({
      apiVersion: 'lockkeeper.dev/v1', kind: 'Console', mode: 'sandbox', project: projectId, database: 'console', emulators: { firestore, pubsub: '127.0.0.1:2' }, origin: ORIGIN, people: 'people.yaml',
      approverIssuers: [{ name: 'people', issuer: idp.issuer, audience: CLIENT, jwks: idp.jwks, algorithms: ['EdDSA'] }], signIn: [{ issuer: 'people', clientId: CLIENT }],
      services: { approval: place, audit: place }, identity: { tokenFile: 'identity' },
    })
    running.push(...await Promise.all([0, 0].map((port) => openConsole({ settings, directory, port }, { log: LOG }))))
  })
  after(async () => {
    await Promise.all(running.map((each) => each.drain()))
    approval.close()
    await idp.close()
  })

  const ask = async (process: 0 | 1, path: string, { csrf }: { readonly csrf?: string } = {}): Promise<Response> => {
    const posts = csrf === undefined ? {} : { method: 'POST', body: '{}' }
    const response = await askAt(`http://127.0.0.1:${running[process]?.port ?? 0}`, path, {
      ...posts, headers: { host: new URL(ORIGIN).host, cookie: [...cookies].map(([name, value]) => `${name}=${value}`).join('; '), ...csrf === undefined ? {} : { origin: ORIGIN, 'content-type': 'application/json', 'x-lockkeeper-csrf': csrf } },
    })
    for (const [name = '', value = ''] of response.headers.getSetCookie().map((cookie) => (cookie.split(';')[0] ?? '').split('='))) cookies.set(name, value)
    return response
  }

  it('a sign-in that began at one process ends at the other, and opens both', async () => {
    const away = await ask(0, '/sign-in/with/people')
    const back = idp.authorise(away.headers.get('location') ?? '')
    assert.equal((await ask(1, back.pathname + back.search)).status, 200)
    assert.equal((await ask(0, back.pathname + back.search)).status, 401, 'once')
    for (const process of [0, 1] as const) assert.equal((await ask(process, '/api/me')).status, 200)
  })

  it('it asks the services with its own token, sent twice, never with the person\'s', async () => {
    assert.equal((await ask(1, '/api/locks')).status, 200)
    assert.deepEqual(seen.map(({ url, headers }) => [url, headers.authorization, headers['x-serverless-authorization'], headers.cookie]), [['/v1/locks', 'Bearer console.id.token', 'Bearer console.id.token', undefined]])
  })

  it('a sign-out everywhere at one process is one at the other', async () => {
    const { csrf } = await (await ask(0, '/api/me')).json() as { readonly csrf: string }
    assert.deepEqual(await (await ask(1, '/api/sign-ins/end', { csrf })).json(), { ended: 1 })
    assert.equal((await ask(1, '/api/me')).status, 401)
    const until = performance.now() + 5_000
    while ((await ask(0, '/api/me')).status !== 401) assert.ok(performance.now() < until, 'it holds within seconds')
  })
})
