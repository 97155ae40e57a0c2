/** Invariant 2 at every door: what can be read in two ways is refused with its reason, and what was judged is what the upstream got. */
import assert from 'node:assert/strict'
import { createHash } from 'node:crypto'
import { ALLOW } from '../testing/calls.ts'
import type { Answer } from '../testing/agent-client.ts'
import { DOMAIN, openTunnel, throughDoor, type DoorName, type DoorRequest } from '../testing/doors.ts'
import { makeServerCertificate } from '../testing/server-certificate.ts'
import { startTestGateway, type TestGateway } from '../testing/test-gateway.ts'

const STORAGE = 'storage.googleapis.com'
const PUBLISH = '/v1/projects/sandbox-project/topics/orders:publish'
const PUBSUB = 'pubsub.googleapis.com'
const JSON_TYPE = ['Content-Type', 'application/json'] as const

interface Sent { readonly host?: string, readonly verb?: string, readonly path: string, readonly headers?: DoorRequest['headers'], readonly body?: string }
interface Hostile extends Sent { readonly reason: string }

const DOORS: readonly DoorName[] = ['path', 'forward', 'domain']
const ODD_NAMES = ['a b+c', 'x%2Fy', 'dir/.. /file', 'ünï/çødé 雪', ';v=1?#[]&', 'n'.repeat(900)]


const HOSTILE: Readonly<Record<string, Hostile>> = {
  'dot segments': { path: '/storage/v1/b/a/../b', reason: 'REQUEST_AMBIGUOUS' },
  'encoded dot segments': { path: '/storage/v1/b/%2e%2e/o', reason: 'REQUEST_AMBIGUOUS' },
  'an empty segment': { path: '/storage/v1//b', reason: 'REQUEST_AMBIGUOUS' },
  'an encoded slash outside an object name': { path: '/storage/v1/b/a%2Fb/o', reason: 'REQUEST_AMBIGUOUS' },
  'a dot segment in an object name': { path: '/storage/v1/b/agent-workspace/o/..%2Fup', reason: 'REQUEST_AMBIGUOUS' },
  'a backslash': { path: '/storage/v1/b\\c', reason: 'REQUEST_AMBIGUOUS' },
  'an encoded NUL': { path: '/storage/v1/b/x%00', reason: 'REQUEST_AMBIGUOUS' },
  'an overlong encoding': { path: '/storage/v1/b/%c0%af', reason: 'REQUEST_AMBIGUOUS' },
  'a path parameter': { path: '/storage/v1/b;x=1/agent-workspace', reason: 'REQUEST_AMBIGUOUS' },
  'a method override': { path: '/storage/v1/b', headers: [['X-HTTP-Method-Override', 'DELETE']], reason: 'REQUEST_AMBIGUOUS' },
  'an override in the query': { path: '/storage/v1/b?$httpMethod=DELETE', reason: 'REQUEST_AMBIGUOUS' },
  'a token in the query': { path: '/storage/v1/b?access_token=x', reason: 'REQUEST_AMBIGUOUS' },
  'an API key in the query': { path: '/storage/v1/b?key=x', reason: 'REQUEST_AMBIGUOUS' },
  'an API key in a header': { path: '/storage/v1/b', headers: [['X-Goog-Api-Key', 'x']], reason: 'REQUEST_AMBIGUOUS' },
  'a callback': { path: '/storage/v1/b?callback=f', reason: 'REQUEST_AMBIGUOUS' },
  'an unknown alt': { path: '/storage/v1/b?alt=proto', reason: 'REQUEST_INVALID' },
  'an argument that stands twice': { path: '/storage/v1/b?project=a&project=b', reason: 'REQUEST_AMBIGUOUS' },
  'a meaningful header listed as hop by hop': { path: '/storage/v1/b/agent-workspace/o/x', headers: [['If-Match', 'x'], ['Connection', 'close, if-match']], reason: 'REQUEST_AMBIGUOUS' },
  'a batch': { verb: 'POST', path: '/batch/storage/v1', reason: 'METHOD_UNKNOWN' },
  'an unknown verb on a known path': { verb: 'PATCH', path: '/storage/v1/b', reason: 'METHOD_UNKNOWN' },
  'two authorizations': { path: '/storage/v1/b', headers: [['Authorization', 'Bearer other']], reason: 'TOKEN_INVALID' },
  'a duplicate key': { host: PUBSUB, verb: 'POST', path: PUBLISH, headers: [JSON_TYPE], body: '{"messages":[],"messages":[{"data":"eA=="}]}', reason: 'REQUEST_AMBIGUOUS' },
  'a duplicate key in another spelling': { host: PUBSUB, verb: 'POST', path: PUBLISH, headers: [JSON_TYPE], body: '{"messages":[{"orderingKey":"a","ordering_key":"b"}]}', reason: 'REQUEST_AMBIGUOUS' },
  'an unknown field of a change': { host: PUBSUB, verb: 'POST', path: PUBLISH, headers: [JSON_TYPE], body: '{"messages":[{"data":"eA==","x":1}]}', reason: 'FIELD_UNKNOWN' },
  'no JSON': { host: PUBSUB, verb: 'POST', path: PUBLISH, headers: [JSON_TYPE], body: '{"messages":', reason: 'REQUEST_INVALID' },
}

describe('scenario: hostile and odd requests', () => {
  let plain: TestGateway
  let domain: TestGateway
  let tokens: Readonly<Record<DoorName, string>>

  before(async () => {
    plain = await startTestGateway({ policies: [ALLOW] })
    domain = await startTestGateway({
      policies: [ALLOW],
      config: async ({ directory }) => ({ listen: { address: '127.0.0.1', port: 0, tls: await makeServerCertificate(directory, DOMAIN) }, doors: { path: false, domain: DOMAIN } }),
    })
    const { token } = await plain.agent('hostile')
    tokens = { path: token, forward: token, domain: (await domain.agent('hostile')).token }
  })
  after(() => Promise.all([plain.close(), domain.close()]))

  const behind = (door: DoorName): TestGateway => door === 'domain' ? domain : plain
  const through = (door: DoorName, { host = STORAGE, verb = 'GET', headers = [], ...rest }: Sent): Promise<Answer> =>
    throughDoor(behind(door), door, { host, verb, headers: [['Authorization', `Bearer ${tokens[door]}`], ...headers], ...rest })

  for (const door of DOORS) {
    for (const [what, { reason, ...hostile }] of Object.entries(HOSTILE)) {
      it(`invariant 2: ${what} is refused at the ${door} door`, async () => {
        const dialled = behind(door).upstream.requests.total
        const answer = await through(door, hostile)
        assert.equal(answer.reason, reason, answer.text)
        assert.equal(behind(door).upstream.requests.total, dialled)
      })
    }

    it(`invariant 2: what was judged at the ${door} door is what the upstream got, byte for byte`, async () => {
      const sent = ' { "messages" : [ { "data":"\\u0065A==", "attributes":{ "z":"1.0", "a":"\\u00e9" } } ] } '
      const answer = await through(door, { host: PUBSUB, verb: 'POST', path: PUBLISH, headers: [JSON_TYPE], body: sent })
      assert.equal(answer.status, 200, answer.text)
      const got = behind(door).upstream.requests.list({ host: PUBSUB }).at(-1)
      const canonical = '{"messages":[{"attributes":{"a":"é","z":"1.0"},"data":"eA=="}]}'
      assert.deepEqual([got?.bodyBytes, got?.bodyHash], [Buffer.byteLength(canonical), sha256(canonical)])
      const recorded = (await behind(door).records()).findLast(({ kind }) => kind === 'outcome')
      assert.deepEqual([recorded?.kind === 'outcome' && recorded.door, recorded?.kind === 'outcome' && recorded.host], [door, PUBSUB])
    })

    for (const name of ODD_NAMES) {
      it(`an object named ${JSON.stringify(name.slice(0, 40))} passes unchanged through the ${door} door`, async () => {
        const encoded = encodeURIComponent(name)
        const text = `content of ${name}`
        const put = await through(door, { verb: 'POST', path: `/upload/storage/v1/b/agent-workspace/o?uploadType=media&name=${encoded}`, headers: [['Content-Type', 'text/plain']], body: text })
        assert.equal(put.status, 200, put.text)
        const path = `/storage/v1/b/agent-workspace/o/${encoded}?alt=media`
        const got = await through(door, { path })
        assert.deepEqual([got.status, got.text], [200, text])
        assert.equal(behind(door).upstream.requests.list({ host: STORAGE }).at(-1)?.path, path)
      })
    }
  }

  it('a host that is no target is refused and recorded before anything is opened', async () => {
    const { hostname, port } = new URL(plain.gateway.origin)
    for (const target of ['evil.example:443', 'storage.googleapis.com:8443', '169.254.169.254:80', 'storage.googleapis.com.evil.example:443', '[::1]:443']) {
      plain.heard.sent++
      assert.match(await openTunnel(hostname, Number(port), target) as string, /^HTTP\/1\.1 403 TARGET_UNKNOWN/, target)
    }
    assert.ok((await plain.outcomes()).some(({ host, result, reason }) => host === 'evil.example:443' && result === 'refused' && reason === 'TARGET_UNKNOWN'))
  })

  it('invariant 2: another Host inside the tunnel is refused', async () => {
    const answer = await through('forward', { path: '/storage/v1/b?project=p', headers: [['Host', 'iam.googleapis.com']] })
    assert.ok(answer.status === 400, String(answer.status))
  })
})

function sha256(text: string): string {
  return createHash('sha256').update(text).digest('hex')
}
