/** Invariants 6 and 7: who may decide, and with what proof. */
import assert from 'node:assert/strict'
import { isRefusal, type Refusal } from '@lockkeeper/domain/errors'
import { cloudEvent, TOPICS } from '@lockkeeper/domain/events'
import type { Decided } from '@lockkeeper/approval'
import { createApprovers, PEOPLE } from '../testing/approvers.ts'
import { ASK_TO_PUBLISH, message, published, TOPIC } from '../testing/calls.ts'
import { startTestGateway, type TestGateway } from '../testing/test-gateway.ts'

describe('scenario: who approves', () => {
  const approvers = createApprovers()
  let test: TestGateway
  before(async () => {
    test = await startTestGateway({
      policies: [ASK_TO_PUBLISH, { name: 'two', methods: ['pubsub.projects.topics.create'], effect: 'approve', approval: { reviewers: ['group:approvers'], quorum: 2 } }],
      people: PEOPLE, config: { approverIssuers: [approvers.settings] },
    })
  })
  after(() => test.close())

  const byTerminal = async (approval: string, person: string): Promise<Decided | Refusal> => {
    const shown = await test.gateway.approval.admin.show(approval)
    assert.ok(!isRefusal(shown))
    return test.gateway.approval.admin.decide(test.gateway.terminal.decide({ approval, digest: shown.approval.digest, verdict: 'approve' }, person))
  }
  const reasonOf = (outcome: Decided | Refusal): string => isRefusal(outcome) ? outcome.reason : outcome.state

  it('invariant 6: an agent\'s sponsor and its delegators do not approve its call, at the terminal or elsewhere', async () => {
    const agent = await test.agent('adas', { sponsor: 'ada@sandbox.example.com', claims: { act: { sub: 'max@sandbox.example.com' } } })
    const before = published(test)
    const waiting = agent.post(`${TOPIC}:publish`, message('own'))
    const { approval } = await test.facts.next('approval.requested', 'adas')
    assert.notEqual(reasonOf(await byTerminal(approval, 'ada')), 'approved')
    assert.notEqual(reasonOf(await approvers.decide(test.gateway, approval, 'ada', 'approve')), 'approved')
    assert.notEqual(reasonOf(await approvers.decide(test.gateway, approval, 'max', 'approve')), 'approved')
    const shown = await test.gateway.approval.admin.show(approval)
    assert.ok(!isRefusal(shown) && shown.approval.state === 'pending' && shown.refused.length >= 3, 'each try is kept')
    assert.equal(published(test), before)
    assert.equal(reasonOf(await approvers.decide(test.gateway, approval, 'kim', 'approve')), 'approved')
    assert.equal((await waiting).status, 200)
  })

  it('invariant 6: for a sponsor that nobody knows two persons must agree', async () => {
    const agent = await test.agent('unknown', { sponsor: 'nobody@elsewhere.example' })
    const before = published(test)
    const waiting = agent.post(`${TOPIC}:publish`, message('whose'))
    const { approval } = await test.facts.next('approval.requested', 'unknown')
    assert.equal(reasonOf(await byTerminal(approval, 'ada')), 'pending')
    assert.notEqual(reasonOf(await approvers.decide(test.gateway, approval, 'ada', 'approve')), 'approved', 'one person counts once, whatever the proof')
    assert.equal(published(test), before)
    assert.equal(reasonOf(await approvers.decide(test.gateway, approval, 'max', 'approve')), 'approved')
    assert.equal((await waiting).status, 200)
  })

  it('invariant 6: a quorum of two takes two persons', async () => {
    const agent = await test.agent('quorum')
    const waiting = agent.call('PUT', 'pubsub.googleapis.com/v1/projects/sandbox-project/topics/fresh', { body: {} })
    const { approval } = await test.facts.next('approval.requested', 'quorum')
    assert.equal(reasonOf(await approvers.decide(test.gateway, approval, 'max', 'approve')), 'pending')
    assert.equal(reasonOf(await approvers.decide(test.gateway, approval, 'kim', 'approve')), 'approved')
    await waiting
  })

  it('invariant 7: whoever may publish a decision and has no proof decides nothing (isolation level none claims this for the bus alone)', async () => {
    const agent = await test.agent('forged')
    const before = published(test)
    const waiting = agent.post(`${TOPIC}:publish`, message('forge'))
    const { approval } = await test.facts.next('approval.requested', 'forged')
    const shown = await test.gateway.approval.admin.show(approval)
    assert.ok(!isRefusal(shown))
    const { digest } = shown.approval
    const genuine = test.gateway.terminal.decide({ approval, digest, verdict: 'approve' }, 'ada') as { readonly proof: object }
    const forged: Readonly<Record<string, object>> = {
      'no signature': { approval, digest, verdict: 'approve', proof: { kind: 'terminal', person: 'ada', at: Date.now(), signature: 'A'.repeat(86) } },
      'another person': { ...genuine, proof: { ...genuine.proof, person: 'max' } },
      'another verdict': { ...genuine, verdict: 'deny' },
      'another digest': { ...genuine, digest: `${digest.slice(0, -1)}${digest.endsWith('A') ? 'B' : 'A'}` },
      'a token for a denial': { approval, digest, verdict: 'approve', proof: { kind: 'idToken', token: approvers.token('max', `deny:${approval}:${digest}`) } },
      'an agent\'s token': { approval, digest, verdict: 'approve', proof: { kind: 'idToken', token: agent.token } },
      'a token of another key': { approval, digest, verdict: 'approve', proof: { kind: 'idToken', token: createApprovers().token('max', `approve:${approval}:${digest}`) } },
      'a token for another request': { approval, digest, verdict: 'approve', proof: { kind: 'idToken', token: approvers.token('max', `approve:apr_another:${digest}`) } },
      'an unknown person': { approval, digest, verdict: 'approve', proof: { kind: 'idToken', token: approvers.token('eve', `approve:${approval}:${digest}`) } },
    }
    for (const [what, decision] of Object.entries(forged)) {
      // The queue keeps what is published: an agent's token has no place there.
      if (what !== 'an agent\'s token') await test.gateway.events.publish(TOPICS.decisions, [cloudEvent('decision.submitted', '/somebody', `forged-${what}`, Date.now(), decision as never)])
      assert.equal(reasonOf(await test.gateway.approval.admin.decide(decision)), 'TOKEN_INVALID', what)
    }
    const after = await test.gateway.approval.admin.show(approval)
    assert.ok(!isRefusal(after) && after.approval.state === 'pending')
    assert.equal(published(test), before)
    assert.equal(reasonOf(await byTerminal(approval, 'ada')), 'approved')
    assert.equal((await waiting).status, 200)
    assert.equal(reasonOf(await test.gateway.approval.admin.decide(genuine)) === 'approved', false, 'a proof counts once')
  })
})
