/** Invariant 4 with a resource that changes while its deletion waits, from the agent to the API's own precondition. */
import assert from 'node:assert/strict'
import { isRefusal } from '@lockkeeper/domain/errors'
import { startTestGateway, type TestGateway } from '../testing/test-gateway.ts'

const OBJECT = 'storage.googleapis.com/storage/v1/b/agent-workspace/o/notes.json'
const UPLOAD = 'storage.googleapis.com/upload/storage/v1/b/agent-workspace/o?uploadType=media&name=notes.json'

describe('scenario: an object that changes', () => {
  let test: TestGateway
  before(async () => {
    test = await startTestGateway({ policies: [
      { name: 'deletions', methods: ['storage.objects.delete'], effect: 'approve', approval: { reviewers: ['group:approvers'] } },
      { name: 'rest', methods: ['storage.objects.insert', 'read'], effect: 'allow' },
    ] })
  })
  after(() => test.close())

  const cardOf = async (approval: string): Promise<string> => {
    const shown = await test.gateway.approval.admin.show(approval)
    assert.ok(!isRefusal(shown) && shown.card !== undefined)
    return JSON.stringify(shown.card)
  }
  const decide = async (approval: string): Promise<void> => {
    const shown = await test.gateway.approval.admin.show(approval)
    assert.ok(!isRefusal(shown))
    const decided = await test.gateway.approval.admin.decide(test.gateway.terminal.decide({ approval, digest: shown.approval.digest, verdict: 'approve' }, 'ada'))
    assert.ok(!isRefusal(decided), isRefusal(decided) ? decided.message : '')
  }
  const deletions = (): number => test.upstream.requests.count({ method: 'DELETE', path: /notes\.json/ })

  it('invariant 4: what was approved of one generation is not done to the next, and is asked for anew with the difference', async () => {
    const agent = await test.agent('deleting')
    assert.equal((await agent.post(UPLOAD, { version: 1 })).status, 200)
    const held = agent.call('DELETE', OBJECT)
    const first = await test.facts.next('approval.requested', 'deleting')
    assert.match(await cardOf(first.approval), /the API itself refuses.*ifGenerationMatch/)
    assert.equal((await agent.post(UPLOAD, { version: 2 })).status, 200)
    await decide(first.approval)
    const stopped = await held
    assert.deepEqual([stopped.status, stopped.reason, deletions()], [409, 'STATE_CHANGED', 0])
    const again = agent.call('DELETE', OBJECT)
    const second = await test.facts.next('approval.requested', 'deleting')
    assert.notEqual(second.approval, first.approval)
    assert.match(await cardOf(second.approval), /argument ifGenerationMatch: .* → /)
    await decide(second.approval)
    assert.deepEqual([(await again).status, deletions()], [204, 1])
    const receipt = await agent.call('DELETE', OBJECT)
    assert.deepEqual([receipt.status, receipt.headers['x-lockkeeper-receipt'], deletions()], [204, second.approval, 1])
  })

  it('invariant 8: every read of the gateway\'s own has a record', async () => {
    const records = (await test.records()).filter((one) => one.kind === 'intent' && one.origin === 'gateway' && one.method === 'storage.objects.get')
    assert.ok(records.length >= 4)
  })
})
