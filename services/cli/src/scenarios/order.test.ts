/** Invariant 1 from socket to socket: what must be there before anything is dialled, and what is in the log when nothing was. */
import assert from 'node:assert/strict'
import { PortUnavailable, type EventBus } from '@lockkeeper/domain/ports'
import { TOPICS } from '@lockkeeper/domain/events'
import { ACCOUNT, ALLOW, ASK_TO_PUBLISH, BUCKETS, CUSTOMERS, message, TOPIC } from '../testing/calls.ts'
import type { Answer, TestAgent } from '../testing/agent-client.ts'
import { startTestGateway, type TestGateway } from '../testing/test-gateway.ts'

const SECRET = 'secretmanager.googleapis.com/v1/projects/sandbox-project/secrets/payment-provider/versions/latest:access'

describe('scenario: the order of things', () => {
  let test: TestGateway
  let agent: TestAgent

  before(async () => {
    test = await startTestGateway({
      policies: [
        ASK_TO_PUBLISH,
        { name: 'no-deletes', methods: ['storage.objects.delete'], effect: 'deny' },
        { name: 'by-the-sponsor', methods: ['storage.buckets.insert'], effect: 'approve', approval: { reviewers: ['person:sam'] } },
        { ...ALLOW, methods: ['read', 'class:sensitive-read', 'storage.objects.insert', 'iam.projects.serviceAccounts.keys.create'] },
      ],
      config: { protected: { projects: ['gateway-home'] } },
    })
    agent = await test.agent('orderly')
  })
  after(() => test.close())

  const refusals: Readonly<Record<string, readonly [reason: string, status: number, call: () => Promise<Answer>]>> = {
    'no token': ['TOKEN_MISSING', 401, () => agent.get(BUCKETS, { headers: { authorization: '' } })],
    'a token that is none': ['TOKEN_INVALID', 401, () => agent.get(BUCKETS, { headers: { authorization: 'Bearer x.y.z' } })],
    'an expired token': ['TOKEN_INVALID', 401, async () => (await test.agent('late', { claims: { exp: 1_000 } })).get(BUCKETS)],
    'another audience': ['TOKEN_INVALID', 401, async () => (await test.agent('astray', { claims: { aud: 'elsewhere' } })).get(BUCKETS)],
    'an unknown host': ['TARGET_UNKNOWN', 403, () => agent.get('metadata.internal.example/computeMetadata/v1/')],
    'an unknown method': ['METHOD_UNKNOWN', 403, () => agent.get('storage.googleapis.com/storage/v9/b')],
    'an ambiguous path': ['REQUEST_AMBIGUOUS', 400, () => agent.get('storage.googleapis.com/storage/v1/b/../b')],
    'an unknown field of a change': ['FIELD_UNKNOWN', 400, () => agent.post(`${TOPIC}:publish`, { messages: [], evil: 1 })],
    'a denied method': ['POLICY_DENIED', 403, () => agent.call('DELETE', 'storage.googleapis.com/storage/v1/b/agent-workspace/o/x')],
    'no rule': ['POLICY_DENIED', 403, () => agent.call('DELETE', 'storage.googleapis.com/storage/v1/b/agent-workspace')],
    'a minted credential': ['MINTS_CREDENTIAL', 403, () => agent.post(`${ACCOUNT}/keys`, {})],
    'the gateway itself': ['GATEWAY_PROTECTED', 403, () => agent.call('DELETE', 'iam.googleapis.com/v1/projects/gateway-home/serviceAccounts/gate@gateway-home.iam.gserviceaccount.com')],
    'nobody who may approve': ['APPROVAL_UNROUTABLE', 403, () => agent.post('storage.googleapis.com/storage/v1/b?project=sandbox-project', { name: 'fresh' })],
  }
  for (const [what, [reason, status, call]] of Object.entries(refusals)) {
    it(`invariant 1: ${what}: nothing is dialled, the refusal has a record`, async () => {
      const dialled = test.upstream.requests.total
      const answer = await call()
      assert.deepEqual([answer.status, answer.reason], [status, reason], answer.text)
      assert.equal(test.upstream.requests.total, dialled)
      const last = (await test.outcomes()).at(-1)
      assert.deepEqual([last?.result, last?.reason, last?.status, last?.intent], ['refused', reason, status, undefined])
    })
  }

  it('invariant 1: a locked agent is refused before policy and dial, and another is not', async () => {
    const [locked, free] = [await test.agent('locked'), await test.agent('free')]
    await test.gateway.approval.admin.setLock({ scope: { kind: 'agent', agent: 'locked' }, reason: 'odd calls', by: 'max' })
    assert.equal(await reasonWithinASecond(locked, 'AGENT_LOCKED'), 'AGENT_LOCKED')
    const dialled = test.upstream.requests.total
    assert.equal((await locked.get(BUCKETS)).reason, 'AGENT_LOCKED')
    assert.equal(test.upstream.requests.total, dialled)
    assert.equal((await test.outcomes()).at(-1)?.reason, 'AGENT_LOCKED')
    assert.equal((await free.get(BUCKETS)).status, 200)
  })

  it('invariants 1 and 10: while the log takes nothing, a change, an approved call and a sensitive read are not dialled and a plain read releases no byte', async () => {
    const approved = await test.agent('approved')
    const waiting = approved.post(`${TOPIC}:publish`, message('approved before the outage'))
    await test.facts.next('approval.requested', 'approved')
    const dialled = test.upstream.requests.total
    const open = blockRecords(test.gateway.events)
    const answers = await Promise.all([
      agent.call('POST', 'storage.googleapis.com/upload/storage/v1/b/agent-workspace/o?uploadType=media&name=never', { body: 'x', headers: { 'content-type': 'text/plain' } }),
      agent.get(SECRET), agent.get(CUSTOMERS),
    ])
    const seen = test.upstream.requests.list().slice(-(test.upstream.requests.total - dialled)).map(({ path }) => path)
    open()
    assert.deepEqual(answers.map(({ reason }) => reason), ['AUDIT_UNAVAILABLE', 'AUDIT_UNAVAILABLE', 'AUDIT_UNAVAILABLE'])
    assert.deepEqual(seen.filter((path) => !path.endsWith('/o')), [], 'only the plain read may have been dialled')
    assert.ok(answers.every(({ text }) => !text.includes('customers.example.com')))
    assert.equal((await waiting).reason, 'APPROVAL_PENDING')
  }).timeout(15_000)
})

/** A lock holds within a second; calls before that may pass. */
async function reasonWithinASecond(agent: TestAgent, wanted: string): Promise<string | undefined> {
  const end = performance.now() + 1_000
  for (;;) {
    const { reason } = await agent.get(BUCKETS)
    if (reason === wanted || performance.now() > end) return reason
  }
}

/** The bus takes no batch of records until the returned function is called. */
function blockRecords(events: EventBus): () => void {
  const own = events as { publish: EventBus['publish'] }
  const { publish } = own
  own.publish = (topic, list) => topic === TOPICS.records ? Promise.reject(new PortUnavailable('the log is down')) : publish.call(events, topic, list)
  return () => { own.publish = publish }
}
