/** Invariants 4, 5, 11 and 13: a call that waits, from the hold to the receipt, and every way in which it does not run. */
import assert from 'node:assert/strict'
import { writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { isRefusal } from '@lockkeeper/domain/errors'
import { ALLOW, ASK_FOR_ACCESS, ASK_TO_PUBLISH, message, oneMoreViewer, PROJECT_POLICY, published, TOPIC } from '../testing/calls.ts'
import { policyText } from '../testing/gateway-files.ts'
import { startTestGateway, type TestGateway } from '../testing/test-gateway.ts'

const RULES = [ASK_TO_PUBLISH, { ...ASK_FOR_ACCESS, approval: { reviewers: ['group:approvers'], expires: '1m' } }, { ...ALLOW, methods: ['read'] }]
const PROJECT = '//cloudresourcemanager.googleapis.com/projects/sandbox-project'

describe('scenario: the life of an approval', () => {
  let test: TestGateway
  before(async () => { test = await startTestGateway({ policies: RULES }) })
  after(() => test.close())

  it('invariants 4 and 5: a held call that is approved is dialled once, and sending it again gives the stored answer', async () => {
    const [agent, before] = [await test.agent('held'), published(test)]
    const waiting = agent.post(`${TOPIC}:publish`, message('once'))
    const approval = await test.decide('held', 'approve')
    const answer = await waiting
    assert.equal(answer.status, 200, answer.text)
    assert.equal(answer.headers['x-lockkeeper-receipt'], undefined)
    const again = await agent.post(`${TOPIC}:publish`, message('once'))
    assert.deepEqual([again.status, again.headers['x-lockkeeper-receipt'], again.text], [200, approval, answer.text])
    assert.equal(published(test), before + 1)
    const results = (await test.outcomes()).filter((record) => record.agent === 'held').map(({ result, approval: id }) => [result, id])
    assert.deepEqual(results, [['answered', approval], ['receipt', approval]])
  })

  it('invariant 13: a hold that ends undecided says that nothing ran and nobody denied, and the same call sent again waits on', async () => {
    const [agent, before] = [await test.agent('patient'), published(test)]
    const first = await agent.post(`${TOPIC}:publish`, message('patience'))
    assert.deepEqual([first.status, first.reason, first.metadata['mode'], first.metadata['rule']], [428, 'APPROVAL_PENDING', 'sandbox', 'scenario/publish'])
    assert.match(first.message, /Nothing has run/)
    assert.equal(published(test), before)
    const second = agent.post(`${TOPIC}:publish`, message('patience'))
    const approval = await test.decide('patient', 'approve')
    assert.equal(first.metadata['approval'], approval)
    assert.equal((await second).status, 200)
    assert.equal(published(test), before + 1)
  })

  it('a denied call gets the approver\'s reason and never runs', async () => {
    const [agent, before] = [await test.agent('denied'), published(test)]
    const waiting = agent.post(`${TOPIC}:publish`, message('no'))
    await test.decide('denied', 'deny', 'wrong topic, use invoices')
    const answer = await waiting
    assert.deepEqual([answer.status, answer.reason], [403, 'APPROVAL_DENIED'])
    assert.match(answer.message, /wrong topic, use invoices/)
    assert.equal((await agent.post(`${TOPIC}:publish`, message('no'))).reason, 'APPROVAL_DENIED')
    assert.equal(published(test), before)
  })

  it('invariants 11 and 13: an expired request ends, is never called denied, and is not approved afterwards', async () => {
    const [agent, sent] = [await test.agent('slow'), oneMoreViewer(test, 'user:slow@sandbox.example.com')]
    const waiting = agent.post(`${PROJECT_POLICY}:setIamPolicy`, sent)
    const { approval } = await test.facts.next('approval.requested', 'slow')
    test.clock.ahead(61_000)
    const answer = await waiting
    assert.deepEqual([answer.status, answer.reason], [403, 'APPROVAL_EXPIRED'], answer.text)
    assert.doesNotMatch(answer.message.replace('This is not a denial', ''), /denied|denial|rejected/i)
    const late = await test.gateway.approval.admin.show(approval)
    assert.ok(!isRefusal(late) && late.approval.state === 'expired')
    const decided = await test.gateway.approval.admin.decide(test.gateway.terminal.decide({ approval, digest: late.approval.digest, verdict: 'approve' }, 'ada'))
    assert.ok(isRefusal(decided) && decided.reason === 'APPROVAL_EXPIRED')
    assert.equal(test.upstream.requests.count({ path: /:setIamPolicy$/ }), 0)
  })

  it('invariant 4: one byte changed makes another request, and its card shows the difference', async () => {
    const agent = await test.agent('changing')
    const [one, other] = [agent.post(`${TOPIC}:publish`, message('amount 10')), agent.post(`${TOPIC}:publish`, message('amount 90'))]
    const asked = [await test.facts.next('approval.requested', 'changing'), await test.facts.next('approval.requested', 'changing')]
    assert.notEqual(asked[0]?.approval, asked[1]?.approval)
    const cards = await Promise.all(asked.map(async ({ approval }) => JSON.stringify(await test.gateway.approval.admin.show(approval))))
    assert.ok(cards.some((card) => card.includes(Buffer.from('amount 10').toString('base64')) && card.includes(Buffer.from('amount 90').toString('base64'))), 'the later card names both values')
    for (const { approval } of asked) await decide(test, approval, 'deny')
    assert.deepEqual((await Promise.all([one, other])).map(({ reason }) => reason), ['APPROVAL_DENIED', 'APPROVAL_DENIED'])
  })

  it('invariant 4: what a person approved does not run after the resource\'s state changed, and asks again', async () => {
    const [agent, sent] = [await test.agent('overtaken'), oneMoreViewer(test, 'user:first@sandbox.example.com')]
    const { etag: _etag, ...policy } = (sent as { policy: Record<string, unknown> }).policy
    const waiting = agent.post(`${PROJECT_POLICY}:setIamPolicy`, { policy })
    const { approval } = await test.facts.next('approval.requested', 'overtaken')
    const { bindings } = test.upstream.world.policies.get(PROJECT)
    test.upstream.world.policies.set(PROJECT, { bindings: [...bindings, { role: 'roles/browser', members: ['user:other@sandbox.example.com'] }] }, () => { throw new Error('no etag was sent') })
    await decide(test, approval, 'approve')
    const answer = await waiting
    assert.deepEqual([answer.status, answer.reason], [409, 'STATE_CHANGED'], answer.text)
    assert.equal(test.upstream.requests.count({ path: /:setIamPolicy$/ }), 0)
    const again = agent.post(`${PROJECT_POLICY}:setIamPolicy`, { policy })
    const next = await test.facts.next('approval.requested', 'overtaken')
    assert.notEqual(next.approval, approval)
    const card = await test.gateway.approval.admin.show(next.approval)
    assert.ok(!isRefusal(card) && JSON.stringify(card.card).includes('state'), 'the card says that the state changed')
    await decide(test, next.approval, 'deny')
    assert.equal((await again).reason, 'APPROVAL_DENIED')
  })

  it('invariants 4 and 11: a rule that changed while the call waited asks again, and a stricter one wins over the approval', async () => {
    const [masked, strict] = [await test.agent('remasked'), await test.agent('forbidden')]
    const before = published(test)
    const waiting = masked.post(`${TOPIC}:publish`, message('masked now'))
    const { approval } = await test.facts.next('approval.requested', 'remasked')
    await inForce(test, [{ ...ASK_TO_PUBLISH, mask: ['personal-data'] }, ...RULES.slice(1)])
    await decide(test, approval, 'approve')
    const next = await test.facts.next('approval.requested', 'remasked')
    assert.notEqual(next.approval, approval)
    await decide(test, next.approval, 'approve')
    assert.equal((await waiting).status, 200)
    assert.equal(published(test), before + 1)
    const denied = strict.post(`${TOPIC}:publish`, message('not any more'))
    const asked = await test.facts.next('approval.requested', 'forbidden')
    await inForce(test, [{ name: 'publish', methods: ['pubsub.projects.topics.publish'], effect: 'deny' }])
    await decide(test, asked.approval, 'approve')
    const answer = await denied
    assert.deepEqual([answer.status, answer.reason], [403, 'POLICY_DENIED'])
    assert.equal(published(test), before + 1)
  })
})

async function decide({ gateway }: TestGateway, approval: string, verdict: 'approve' | 'deny'): Promise<void> {
  const shown = await gateway.approval.admin.show(approval)
  assert.ok(!isRefusal(shown))
  const decided = await gateway.approval.admin.decide(gateway.terminal.decide({ approval, digest: shown.approval.digest, verdict }, 'ada'))
  assert.ok(!isRefusal(decided), isRefusal(decided) ? decided.message : '')
}

/** Resolves when the new policy decides. */
async function inForce({ gateway, loaded }: TestGateway, rules: Parameters<typeof policyText>[0]): Promise<void> {
  await writeFile(join(loaded.directory, 'policies', 'scenario.yaml'), policyText(rules))
  await gateway.policy.scan()
  assert.deepEqual(gateway.policy.status().problems, [])
  while (gateway.bundles.current()?.version !== gateway.policy.status().pointer?.version) await gateway.bundles.refresh()
}
