import assert from 'node:assert/strict'
import { describe, it } from 'mocha'
import { applyFact, isFinal, type ApprovalSubject, type TimedFact } from './subject.ts'

const common = { approval: 'apr_1', agent: 'a', run: 'r', method: 'm', resources: [], mode: 'real' as const, expiresAt: 9 }
const FACTS = {
  requested: { type: 'approval.requested', at: 1, data: { ...common, reviewers: ['bo'], quorum: 1, summary: 's' } },
  approved: { type: 'approval.approved', at: 2, data: { ...common, by: ['bo'] } },
  claimed: { type: 'approval.claimed', at: 3, data: { ...common, fence: 'f', holder: 'h' } },
  notSent: { type: 'approval.completed', at: 4, data: { ...common, outcome: 'not_sent', why: '429' } },
  again: { type: 'approval.claimed', at: 5, data: { ...common, fence: 'g', holder: 'h' } },
  unknown: { type: 'approval.completed', at: 6, data: { ...common, outcome: 'unknown', why: 'reset' } },
  answered: { type: 'approval.completed', at: 7, data: { ...common, outcome: 'answered', status: 200 } },
  denied: { type: 'approval.denied', at: 3, data: { ...common, by: 'cy' } },
  expired: { type: 'approval.expired', at: 8, data: common },
  cancelled: { type: 'approval.cancelled', at: 8, data: { ...common, why: 'revoked' } },
} satisfies Record<string, TimedFact>
type Name = keyof typeof FACTS

const after = (names: readonly Name[]): ApprovalSubject => names.reduce<ApprovalSubject | undefined>((before, name) => applyFact(before, FACTS[name]), undefined) as ApprovalSubject
const orders = <T>(items: readonly T[]): readonly (readonly T[])[] => items.length <= 1 ? [items] : items.flatMap((first, index) => orders(items.toSpliced(index, 1)).map((rest) => [first, ...rest]))

const LIVES: readonly (readonly [readonly Name[], ApprovalSubject['standing']['state']])[] = [
  [['requested', 'approved', 'claimed', 'answered'], 'done'], [['requested', 'approved', 'claimed', 'unknown', 'answered'], 'done'], [['requested', 'approved', 'claimed', 'notSent', 'again'], 'running'],
  [['requested', 'approved', 'denied'], 'denied'], [['requested', 'expired'], 'expired'], [['requested', 'approved', 'expired'], 'expired'], [['requested', 'cancelled'], 'cancelled'], [['requested', 'approved', 'claimed', 'notSent', 'cancelled'], 'cancelled'],
]

describe('what is known of a request', () => {
  for (const [names, state] of LIVES) {
    it(`${names.join(', ')} ends as ${state}, in whatever order the facts come, and however often`, () => {
      for (const order of orders(names)) {
        const subject = after([...order, ...order])
        assert.equal(subject.standing.state, state, order.join())
        assert.notEqual(subject.asked, undefined)
        assert.deepEqual(subject.approvedBy, names.includes('approved') ? ['bo'] : [], order.join())
      }
    })
  }

  it('a fact that changes nothing makes no new revision, so that no message is sent again', () => {
    const subject = after(['requested', 'approved', 'claimed', 'answered'])
    for (const name of ['requested', 'approved', 'claimed', 'answered'] as const) assert.deepEqual(applyFact(subject, FACTS[name]), subject)
  })

  it('what has ended does not begin again', () => {
    for (const name of ['denied', 'expired', 'cancelled', 'answered'] as const) {
      const ended = after(['requested', name])
      assert.ok(isFinal(ended))
      for (const late of ['approved', 'claimed', 'again'] as const) assert.equal(applyFact(ended, { ...FACTS[late], at: 99 }).standing.state, ended.standing.state)
    }
  })
})
