/**
 * Invariant 3: after calls that provoke every part to let a secret slip, neither the agent's token, nor the upstream's credential,
 * nor what a credential-minting method would hand out stands in anything an agent hears, a log line, a record, a body or a file.
 * `startTestGateway` searches for the first two again at the end of every scenario.
 */
import assert from 'node:assert/strict'
import { ACCOUNT, ALLOW, ASK_TO_PUBLISH, BUCKETS, CUSTOMERS, TOPIC } from '../testing/calls.ts'
import type { TestAgent } from '../testing/agent-client.ts'
import { startEchoUpstream, type EchoUpstream } from '../testing/echo-upstream.ts'
import { secretsIn, secretsInFiles } from '../testing/secret-search.ts'
import { startTestGateway, type TestGateway } from '../testing/test-gateway.ts'

const SECRET = 'secretmanager.googleapis.com/v1/projects/sandbox-project/secrets/payment-provider/versions/latest:access'
const ACCOUNTS = 'iamcredentials.googleapis.com/v1/projects/-/serviceAccounts/deploy-bot@sandbox-project.iam.gserviceaccount.com'

describe('scenario: secrets stay where they are', () => {
  let echo: EchoUpstream
  let test: TestGateway
  let agent: TestAgent
  before(async () => {
    echo = await startEchoUpstream()
    test = await startTestGateway({
      policies: [ASK_TO_PUBLISH, { name: 'secrets', methods: ['secretmanager.projects.secrets.versions.access'], effect: 'approve' }, ALLOW],
      config: ({ upstream }) => ({ targets: [
        { name: 'google', hosts: ['*.googleapis.com'], upstream, credential: { secret: 'sandbox-upstream' } },
        { name: 'echo', hosts: ['echo.example.com'], upstream: echo.origin, credential: { secret: 'sandbox-upstream' } },
      ] }),
    })
    agent = await test.agent('curious')
  })
  after(async () => {
    try {
      await test.close()
    } finally {
      await echo.close()
    }
  })

  it('invariant 3: methods that mint a credential are refused although policy allows everything, and nothing is dialled', async () => {
    const { CREDENTIAL_CANARY } = await import('@lockkeeper/sandbox')
    const dialled = test.upstream.requests.total
    const answers = await Promise.all([
      agent.post(`${ACCOUNT}/keys`, {}), agent.post(`${ACCOUNTS}:generateAccessToken`, { scope: ['https://www.googleapis.com/auth/cloud-platform'] }),
      agent.post(`${ACCOUNTS}:generateIdToken`, { audience: 'a' }), agent.post(`${ACCOUNTS}:signBlob`, { payload: 'eA==' }), agent.post(`${ACCOUNTS}:signJwt`, { payload: '{}' }),
      agent.post('storage.googleapis.com/storage/v1/projects/sandbox-project/hmacKeys?serviceAccountEmail=deploy-bot@sandbox-project.iam.gserviceaccount.com', undefined),
    ])
    assert.deepEqual(answers.map(({ status, reason }) => [status, reason]), answers.map(() => [403, 'MINTS_CREDENTIAL']))
    assert.equal(test.upstream.requests.total, dialled)
    assert.deepEqual(secretsIn(test.heard.texts.join('\n') + test.logLines.join(''), { canary: CREDENTIAL_CANARY }), [])
    assert.deepEqual(await secretsInFiles(test.loaded.directory, { canary: CREDENTIAL_CANARY }), [])
  })

  for (const path of ['body', 'split', 'large', 'gzip', 'header', 'location', 'error']) {
    it(`invariant 3: an upstream that gives the credential back (${path}) is stopped`, async () => {
      const before = echo.count
      const text = await agent.get(`echo.example.com/${path}`).then((answer) => answer.text + JSON.stringify(answer.headers), (error: Error) => error.message)
      assert.equal(echo.count, before + 1)
      assert.deepEqual(secretsIn(text + test.heard.texts.join('\n'), { credential: test.upstream.credential }), [])
    })
  }

  it('invariant 3: an agent that puts its token where it does not belong finds it neither in a record nor in a log', async () => {
    const { token } = agent
    const dialled = test.upstream.requests.total
    const misplaced = await Promise.all([
      agent.get(`${BUCKETS}&access_token=${token}`), agent.get(`storage.googleapis.com/storage/v1/b/${token}/o`), agent.get(`${CUSTOMERS}?prefix=${token}`), agent.get(`${CUSTOMERS}?prefix=%65${token.slice(1)}`),
      agent.get(BUCKETS, { headers: { 'x-goog-request-reason': `my token is ${token}` } }), agent.get(BUCKETS, { headers: { 'x-goog-user-project': token } }), agent.get(BUCKETS, { headers: { traceparent: token } }),
      agent.get(BUCKETS, { headers: { cookie: token, 'x-other': token } }), agent.post(`${TOPIC}:publish`, { messages: [{ attributes: { token } }] }),
      agent.call('POST', 'storage.googleapis.com/storage/v1/b?project=sandbox-project', { body: { name: token } }),
    ])
    assert.deepEqual(misplaced.map(({ status, reason }) => [status, reason]), misplaced.map(() => [400, 'REQUEST_AMBIGUOUS']))
    await Promise.all([
      agent.get(BUCKETS, { headers: { authorization: `Bearer ${token}x` } }), agent.get(BUCKETS, { headers: { authorization: `Basic ${token}` } }),
      agent.get(`${BUCKETS}&access_token=${token}`, { headers: { authorization: '' } }), agent.get(`${BUCKETS}&x=${token}`, { headers: { authorization: 'Bearer x', 'x-goog-request-reason': token } }),
    ])
    assert.equal(test.upstream.requests.total, dialled)
    await test.outcomes()
    assert.deepEqual(secretsIn(JSON.stringify(await test.records()), { token, half: token.split('.')[2] ?? token }), [], 'in the records')
    assert.deepEqual(secretsIn(test.logLines.join(''), { token, half: token.split('.')[2] ?? token }), [], 'in the logs')
  })

  it('a secret\'s value goes to the agent once and is kept nowhere: no body, no receipt', async () => {
    const waiting = agent.get(SECRET)
    await test.decide('curious', 'approve', 'ticket 9')
    const answer = await waiting
    const value = Buffer.from(answer.json<{ payload: { data: string } }>().payload.data, 'base64').toString('utf8')
    assert.equal(value, 'second-sandbox-value')
    await test.outcomes()
    await test.gateway.audit.flush()
    assert.deepEqual(await secretsInFiles(test.loaded.directory, { value }), [])
    const again = agent.get(SECRET)
    await test.decide('curious', 'deny', 'once is enough')
    assert.equal((await again).reason, 'APPROVAL_DENIED', 'there is no receipt: it asks again')
  })

  it('the record\'s id goes upstream as the reason of the request, and the agent\'s own words do not', async () => {
    await agent.get(BUCKETS, { headers: { 'x-goog-request-reason': 'because I may' } })
    const sent = test.upstream.requests.list({ path: /\/storage\/v1\/b\?/ }).at(-1)
    const record = (await test.records()).findLast((record) => record.kind === 'outcome' && record.method === 'storage.buckets.list')
    assert.equal(sent?.headers['x-goog-request-reason']?.includes(record?.kind === 'outcome' && record.reference || '?'), true)
    assert.doesNotMatch(sent?.headers['x-goog-request-reason'] ?? '', /because/)
  })
})
