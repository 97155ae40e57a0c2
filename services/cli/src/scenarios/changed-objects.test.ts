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
      { name: 'deletions', methods: ['storage.objects.delete', 'storage.objects.copy', 'run.projects.locations.services.patch'], effect: 'approve', approval: { reviewers: ['group:approvers'] } },
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

  it('invariant 4: what was approved of one source is not copied from the next, and the card shows the source', async () => {
    const agent = await test.agent('copying')
    const upload = (body: object) => agent.post(UPLOAD.replace('notes', 'source'), body)
    assert.equal((await upload({ version: 1 })).status, 200)
    const copy = (): Promise<{ readonly status: number, readonly reason?: string | undefined }> => agent.call('POST', `${OBJECT.replace('notes', 'source')}/copyTo/b/agent-workspace/o/copy.json`, { body: {} })
    const held = copy()
    const first = await test.facts.next('approval.requested', 'copying')
    assert.match(await cardOf(first.approval), /source gs:\/\/agent-workspace\/source\.json: generation \d+, size 13, contentType application\/json.*ifSourceGenerationMatch/)
    assert.equal((await upload({ version: 2 })).status, 200)
    await decide(first.approval)
    assert.equal((await held).reason, 'STATE_CHANGED')
    const again = copy()
    await decide((await test.facts.next('approval.requested', 'copying')).approval)
    assert.equal((await again).status, 200)
    assert.equal(test.upstream.requests.count({ method: 'POST', path: /copyTo/ }), 1)
  })

  it('the card says what the API would say to a change of a service, and nothing of it is done', async () => {
    const agent = await test.agent('deploying')
    const service = 'run.googleapis.com/v2/projects/sandbox-project/locations/europe-west1/services/checkout'
    const before = (await agent.get(service)).text
    const cards: string[] = []
    for (const ingress of ['INGRESS_TRAFFIC_ALL', 'none of its names']) {
      const held = agent.call('PATCH', service, { body: { ingress } })
      cards.push(await cardOf(await test.decide('deploying', 'deny')))
      assert.equal((await held).reason, 'APPROVAL_DENIED')
    }
    assert.match(cards[0] ?? '', /would accept it/)
    assert.match(cards[1] ?? '', /would refuse it: 400: Violation in UpdateServiceRequest/)
    assert.equal((await agent.get(service)).text, before)
  })

  it('invariant 8: every read of the gateway\'s own has a record', async () => {
    const records = (await test.records()).filter((one) => one.kind === 'intent' && one.origin === 'gateway' && one.method === 'storage.objects.get')
    assert.ok(records.length >= 4)
  })
})
