import assert from 'node:assert/strict'
import { connect } from 'node:net'
import { gunzipSync } from 'node:zlib'
import { SandboxRefused } from '../loopback.ts'
import { callUpstream } from './test-client.ts'
import { UPSTREAM_CREDENTIAL_PREFIX, startSandboxUpstream } from './upstream.ts'
import type { SandboxUpstream } from './upstream.ts'

const LIST = 'GET storage.googleapis.com/storage/v1/b?project=sandbox-project'

describe('the sandbox upstream', () => {
  let upstream: SandboxUpstream

  beforeEach(async () => { upstream = await startSandboxUpstream() })
  afterEach(() => upstream.close())

  it('listens on loopback and says its name in every answer, refusals and broken requests too', async () => {
    assert.match(upstream.origin, /^http:\/\/127\.0\.0\.1:\d+$/)
    for (const target of [LIST, 'GET nowhere.example/x', 'GET storage.googleapis.com/unknown']) {
      assert.equal((await callUpstream(upstream, target)).headers.server, 'lockkeeper-sandbox', target)
    }
    assert.equal((await callUpstream(upstream, LIST, { authorization: 'Bearer x' })).headers.server, 'lockkeeper-sandbox')
    const raw = await sendRaw(upstream, 'BROKEN\r\n\r\n')
    assert.match(raw, /^HTTP\/1\.1 400 [\s\S]*server: lockkeeper-sandbox/)
  })

  const refused = [['no token', ''], ['an agent\'s token', 'Bearer eyJhbGciOiJSUzI1NiJ9.e30.x'], ['the prefix alone', `Bearer ${UPSTREAM_CREDENTIAL_PREFIX}`], ['another scheme', 'Basic c2FuZGJveA==']] as const
  for (const [title, authorization] of refused) {
    it(`invariant 3: ${title} is refused, so that only the gateway's credential opens the upstream`, async () => {
      const reply = await callUpstream(upstream, LIST, { authorization })
      assert.equal(reply.status, 401)
      assert.equal(reply.json().error.code, 401)
      assert.equal(upstream.requests.list()[0]?.authorized, false)
    })
  }

  it('a credential of another start is refused', async () => {
    const other = await startSandboxUpstream()
    try {
      assert.notEqual(other.credential, upstream.credential)
      assert.equal((await callUpstream(upstream, LIST, { authorization: `Bearer ${other.credential}` })).status, 401)
    } finally {
      await other.close()
    }
  })

  it('invariant 3: the request log keeps the hash of an Authorization header and never its value', async () => {
    await callUpstream(upstream, 'POST pubsub.googleapis.com/v1/projects/sandbox-project/topics/orders:publish', { body: { messages: [{ data: 'aGk=' }] } })
    const [entry] = upstream.requests.list()
    assert.match(entry?.headers.authorization ?? '', /^sha256:[0-9a-f]{64}$/)
    assert.doesNotMatch(JSON.stringify(upstream.requests.list()), new RegExp(upstream.credential))
    assert.deepEqual([entry?.method, entry?.host, entry?.status, entry?.authorized], ['POST', 'pubsub.googleapis.com', 200, true])
    assert.match(entry?.bodyHash ?? '', /^[0-9a-f]{64}$/)
  })

  it('the request log answers for what is to come, and says so when it does not come', async () => {
    const coming = upstream.requests.waitFor({ path: '/storage/v1/b' })
    await callUpstream(upstream, LIST)
    assert.equal((await coming).method, 'GET')
    await assert.rejects(upstream.requests.waitFor({ method: 'DELETE' }, 20), /No request that matches DELETE/)
  })

  it('the meant host can stand in x-lockkeeper-sandbox-host, and hosts do not answer for each other', async () => {
    const path = '/v1/projects/sandbox-project/serviceAccounts'
    assert.equal((await callUpstream(upstream, `GET 127.0.0.1${path}`, { headers: { 'x-lockkeeper-sandbox-host': 'iam.googleapis.com' } })).status, 200)
    assert.equal((await callUpstream(upstream, `GET storage.googleapis.com${path}`)).status, 404)
    assert.equal((await callUpstream(upstream, `GET 127.0.0.1${path}`)).status, 200)
  })

  it('a large JSON answer is compressed for a client that takes gzip, and for no other', async () => {
    const target = 'GET storage.googleapis.com/storage/v1/b/customer-exports/o'
    const plain = await callUpstream(upstream, target)
    const packed = await callUpstream(upstream, target, { headers: { 'accept-encoding': 'gzip, deflate' } })
    assert.equal(plain.headers['content-encoding'], undefined)
    assert.equal(packed.headers['content-encoding'], 'gzip')
    assert.deepEqual(JSON.parse(gunzipSync(packed.bytes).toString()), plain.json())
  })

  it('the fields argument selects parts, and a broken one is refused', async () => {
    const base = 'GET storage.googleapis.com/storage/v1/b/customer-exports/o?maxResults=1&fields='
    assert.deepEqual((await callUpstream(upstream, `${base}items/name`)).json(), { items: [{ name: 'README.txt' }] })
    const two = (await callUpstream(upstream, `${base}items(name,metadata/reviewer),nextPageToken`)).json()
    assert.deepEqual(two.items, [{ name: 'README.txt', metadata: { reviewer: 'data.owner@sandbox.example.com' } }])
    assert.equal(typeof two.nextPageToken, 'string')
    assert.equal((await callUpstream(upstream, `${base}items(name`)).status, 400)
  })

  it('a body over the limit is refused and changes nothing', async () => {
    const small = await startSandboxUpstream({ maxBodyBytes: 100 })
    try {
      const reply = await callUpstream(small, 'POST storage.googleapis.com/upload/storage/v1/b/agent-workspace/o?uploadType=media&name=x', { body: Buffer.alloc(101) })
      assert.equal(reply.status, 413)
      assert.equal(small.world.storage.buckets.get('agent-workspace')?.objects.size, 0)
    } finally {
      await small.close()
    }
  })

  it('errors have the shape of their API: with a status for IAM, without one for Storage', async () => {
    const iam = (await callUpstream(upstream, 'GET iam.googleapis.com/v1/projects/sandbox-project/serviceAccounts/nobody@x')).json().error
    const storage = (await callUpstream(upstream, 'GET storage.googleapis.com/storage/v1/b/nothing')).json().error
    assert.deepEqual([iam.code, iam.status, iam.errors[0].reason], [404, 'NOT_FOUND', 'notFound'])
    assert.deepEqual([storage.code, storage.status, storage.errors[0].reason], [404, undefined, 'notFound'])
  })

  it('a fault of its own is told and cuts the connection', async () => {
    const faults: Error[] = []
    const other = await startSandboxUpstream({ onFault: (error) => faults.push(error) })
    try {
      other.fail({ match: () => { throw new RangeError('planted') }, kind: 'status' })
      await assert.rejects(callUpstream(other, LIST), { code: 'ECONNRESET' })
      assert.deepEqual(faults.map(({ message }) => message), ['planted'])
    } finally {
      await other.close()
    }
  })

  const beside = [
    ['a gateway in real mode', { mode: 'real' as const }],
    ['application default credentials', { mode: 'sandbox' as const, credentials: ['none' as const, 'adc' as const] }],
    ['a key file in the environment', { mode: 'sandbox' as const, environment: { GOOGLE_APPLICATION_CREDENTIALS: '/home/me/SECRET-PLACE.json' } }],
    ['an access token in the environment', { mode: 'sandbox' as const, environment: { GOOGLE_OAUTH_ACCESS_TOKEN: 'SECRET-PLACE' } }],
  ] as const
  for (const [title, options] of beside) {
    it(`invariant 14: it refuses to start beside ${title}, without repeating the value`, async () => {
      await assert.rejects(startSandboxUpstream({ beside: options }), (error: Error) => error instanceof SandboxRefused && !error.message.includes('SECRET-PLACE'))
    })
  }

  it('invariant 14: it starts beside a sandbox gateway with no real credential', async () => {
    const other = await startSandboxUpstream({ beside: { mode: 'sandbox', credentials: ['secret', 'none'], environment: { PATH: '/bin' } } })
    await other.close()
  })
})

function sendRaw(upstream: SandboxUpstream, text: string): Promise<string> {
  return new Promise((resolve, reject) => {
    const socket = connect(Number(new URL(upstream.origin).port), '127.0.0.1', () => socket.write(text))
    let received = ''
    socket.on('data', (chunk) => { received += chunk.toString('latin1') })
    socket.on('error', reject)
    socket.on('close', () => resolve(received))
  })
}
