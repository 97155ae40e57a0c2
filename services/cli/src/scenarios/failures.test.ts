/** Invariants 10, 12 and 14: a part that is down means a refusal that says so, the gateway is out of its agents' reach, and it says what it is. */
import assert from 'node:assert/strict'
import { createServer, type AddressInfo } from 'node:net'
import { isRefusal } from '@lockkeeper/domain/errors'
import { TOPICS } from '@lockkeeper/domain/events'
import { PortUnavailable, type EventBus } from '@lockkeeper/domain/ports'
import { ALLOW, ASK_TO_PUBLISH, BUCKETS, message, published, TOPIC } from '../testing/calls.ts'
import type { TestAgent } from '../testing/agent-client.ts'
import { throughDoor, type DoorName } from '../testing/doors.ts'
import { startTestGateway, type TestGateway } from '../testing/test-gateway.ts'

const UPLOAD = 'storage.googleapis.com/upload/storage/v1/b/agent-workspace/o?uploadType=media&name=part.txt'

describe('scenario: parts that fail', () => {
  let test: TestGateway
  let agent: TestAgent
  before(async () => {
    const closed = await closedPort()
    test = await startTestGateway({
      policies: [ASK_TO_PUBLISH, ALLOW],
      config: ({ upstream }) => ({
        upstream: { headers: '1s', body: '1s' },
        protected: { projects: ['gateway-home'], resources: ['//storage.googleapis.com/projects/_/buckets/audit-log', '//storage.googleapis.com/projects/_/buckets/audit-log/**'] },
        targets: [
          { name: 'google', hosts: ['*.googleapis.com'], upstream, credential: { secret: 'sandbox-upstream' } },
          { name: 'down', hosts: ['down.example.com'], upstream: `http://127.0.0.1:${closed}`, credential: { none: true } },
          { name: 'poor', hosts: ['poor.example.com'], upstream, credential: { secret: 'not-there' } },
        ],
      }),
    })
    agent = await test.agent('unlucky')
  })
  after(() => test.close())

  it('invariant 10: while the issuer\'s keys cannot be fetched nobody new is let in, and the answer says so', async () => {
    const early = await startTestGateway({ policies: [ALLOW] })
    try {
      early.idp.setOutage(true)
      const stranger = await early.agent('early')
      const answer = await stranger.get(BUCKETS)
      assert.deepEqual([answer.status, answer.reason], [503, 'ISSUER_UNAVAILABLE'])
      assert.equal(early.upstream.requests.total, 0)
    } finally {
      await early.close()
    }
  })

  it('invariant 10: without a credential, an approval service or a connection nothing is sent, and the answer says which', async () => {
    const dialled = test.upstream.requests.total
    const poor = await agent.get('poor.example.com/x')
    assert.deepEqual([poor.status, poor.reason], [503, 'CREDENTIAL_UNAVAILABLE'])
    const down = await agent.post('down.example.com/x', { a: 1 })
    assert.deepEqual([down.status, down.reason], [502, 'UPSTREAM_UNREACHABLE'])
    assert.match(down.message, /Nothing was sent/)
    const own = test.gateway.events as { publish: EventBus['publish'] }
    const { publish } = own
    own.publish = (topic, events) => topic === TOPICS.access ? Promise.reject(new PortUnavailable('down')) : publish.call(own, topic, events)
    const asked = await agent.post(`${TOPIC}:publish`, message('nobody to ask'))
    own.publish = publish
    assert.deepEqual([asked.status, asked.reason], [503, 'APPROVAL_UNAVAILABLE'])
    assert.equal(test.upstream.requests.total, dialled)
  })

  it('invariant 10: an upstream that is cut off or silent is told apart, and a change says that it may have happened', async () => {
    const faults = { 'reset-after': ['UPSTREAM_RESET', 502], 'slow-header': ['UPSTREAM_TIMEOUT', 504] } as const
    for (const [kind, [reason, status]] of Object.entries(faults)) {
      const fault = test.upstream.fail({ match: { path: /name=part/ }, kind: kind as keyof typeof faults })
      const answer = await agent.call('POST', UPLOAD, { body: 'x', headers: { 'content-type': 'text/plain' } })
      fault.clear()
      assert.deepEqual([answer.status, answer.reason], [status, reason], answer.text)
      assert.match(answer.message, /may or may not have happened/)
    }
  })

  it('invariant 12: what belongs to the gateway is out of every agent\'s reach, whatever policy allows', async () => {
    const dialled = test.upstream.requests.total
    const answers = await Promise.all([
      agent.call('DELETE', 'iam.googleapis.com/v1/projects/gateway-home/serviceAccounts/gate@gateway-home.iam.gserviceaccount.com'),
      agent.call('DELETE', 'storage.googleapis.com/storage/v1/b/audit-log/o/segment-1'), agent.call('DELETE', 'storage.googleapis.com/storage/v1/b/audit-log'),
      agent.call('POST', 'storage.googleapis.com/upload/storage/v1/b/audit-log/o?uploadType=media&name=x', { body: 'x', headers: { 'content-type': 'text/plain' } }),
      agent.call('PUT', 'pubsub.googleapis.com/v1/projects/gateway-home/topics/records', { body: {} }),
    ])
    assert.deepEqual(answers.map(({ reason }) => reason), answers.map(() => 'GATEWAY_PROTECTED'))
    assert.equal(test.upstream.requests.total, dialled)
  })

  it('invariant 12: no admin route stands on the agents\' port, with a token or without', async () => {
    const paths = ['/v1/status', '/v1/approvals', '/v1/approvals/apr_1', '/v1/locks', '/v1/audit/records', '/v1/audit/tail', '/v1/policy/current', '/v1/events/dead', '/v1/terminal/approvals/apr_1', '/v1/sandbox/tokens', '/admin', '/metrics']
    for (const path of paths) {
      for (const method of ['GET', 'POST', 'DELETE']) {
        // Also what is not there leaves an outcome.
        test.heard.sent++
        const { status } = await fetch(test.gateway.origin + path, { method, headers: { authorization: `Bearer ${agent.token}` } })
        assert.equal(status, 404, `${method} ${path}`)
      }
    }
    assert.deepEqual(await test.gateway.approval.admin.listLocks(), [])
  })

  it('invariant 14: refusals, cards and records say that this is the sandbox, whatever the door', async () => {
    const before = published(test)
    const waiting = (['path', 'forward'] satisfies readonly DoorName[]).map((door) => throughDoor(test, door, {
      host: 'pubsub.googleapis.com', verb: 'POST', path: '/v1/projects/sandbox-project/topics/orders:publish', headers: [['Authorization', `Bearer ${agent.token}`], ['Content-Type', 'application/json']], body: JSON.stringify(message(door)),
    }))
    for (let index = 0; index < waiting.length; index++) {
      const { approval, mode } = await test.facts.next('approval.requested', 'unlucky')
      const shown = await test.gateway.approval.admin.show(approval)
      assert.ok(!isRefusal(shown))
      assert.deepEqual([mode, shown.card?.mode], ['sandbox', 'sandbox'])
    }
    for (const answer of await Promise.all(waiting)) assert.deepEqual([answer.reason, answer.metadata['mode']], ['APPROVAL_PENDING', 'sandbox'])
    assert.equal(published(test), before)
    assert.ok((await test.outcomes()).every(({ mode }) => mode === 'sandbox'))
  })
})

/** A port on which nobody listens any more. */
async function closedPort(): Promise<number> {
  const server = createServer()
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  const { port } = server.address() as AddressInfo
  await new Promise((resolve) => server.close(resolve))
  return port
}
