import assert from 'node:assert/strict'
import { isRefusal } from '@lockkeeper/domain/errors'
import type { ApprovalState } from '@lockkeeper/domain'
import fc from 'fast-check'
import { describe, it } from 'mocha'
import { aCase, CLAIM_UNTIL, COMMANDS, ELECTORATE, EXPIRES, NOW, STATES, type CommandName } from '../test/cases.ts'
import { person } from '../test/harness.ts'
import { transition, type Command, type Step } from './state-machine.ts'

/** `state` reached, `state!` reached with a fact and `!REASON` refused, `state!REASON` reached and refused. */
const TABLE: Readonly<Record<ApprovalState, Readonly<Record<CommandName, string>>>> = {
  pending: {
    tick: 'pending', approve: 'approved approval.approved', deny: 'denied approval.denied', breakGlass: 'approved approval.approved', cover: 'approved approval.approved', claim: '!APPROVAL_PENDING', claimChanged: '!APPROVAL_PENDING', claimForeign: '!NOT_FOUND',
    notSent: '!STATE_CHANGED', answered: '!STATE_CHANGED', unknown: '!STATE_CHANGED', oldFence: '!STATE_CHANGED', deliver: 'pending', cancel: 'cancelled approval.cancelled', revoke: 'cancelled approval.cancelled',
  },
  approved: {
    tick: 'approved', approve: '!STATE_CHANGED', deny: 'denied approval.denied', breakGlass: '!STATE_CHANGED', cover: '!STATE_CHANGED', claim: 'claimed approval.claimed', claimChanged: 'cancelled approval.cancelled !STATE_CHANGED', claimForeign: '!NOT_FOUND',
    notSent: '!STATE_CHANGED', answered: '!STATE_CHANGED', unknown: '!STATE_CHANGED', oldFence: '!STATE_CHANGED', deliver: 'approved', cancel: 'cancelled approval.cancelled', revoke: 'cancelled approval.cancelled',
  },
  denied: {
    tick: 'denied', approve: '!APPROVAL_DENIED', deny: '!APPROVAL_DENIED', breakGlass: '!APPROVAL_DENIED', cover: '!APPROVAL_DENIED', claim: '!APPROVAL_DENIED', claimChanged: '!APPROVAL_DENIED', claimForeign: '!NOT_FOUND',
    notSent: '!STATE_CHANGED', answered: '!STATE_CHANGED', unknown: '!STATE_CHANGED', oldFence: '!STATE_CHANGED', deliver: 'denied', cancel: '!APPROVAL_DENIED', revoke: '!APPROVAL_DENIED',
  },
  expired: {
    tick: 'expired', approve: '!APPROVAL_EXPIRED', deny: '!APPROVAL_EXPIRED', breakGlass: '!APPROVAL_EXPIRED', cover: '!APPROVAL_EXPIRED', claim: '!APPROVAL_EXPIRED', claimChanged: '!APPROVAL_EXPIRED', claimForeign: '!NOT_FOUND',
    notSent: '!STATE_CHANGED', answered: '!STATE_CHANGED', unknown: '!STATE_CHANGED', oldFence: '!STATE_CHANGED', deliver: 'expired', cancel: '!APPROVAL_EXPIRED', revoke: '!APPROVAL_EXPIRED',
  },
  cancelled: {
    tick: 'cancelled', approve: '!TOO_MANY_PENDING', deny: '!TOO_MANY_PENDING', breakGlass: '!TOO_MANY_PENDING', cover: '!TOO_MANY_PENDING', claim: '!TOO_MANY_PENDING', claimChanged: '!TOO_MANY_PENDING', claimForeign: '!NOT_FOUND',
    notSent: '!STATE_CHANGED', answered: '!STATE_CHANGED', unknown: '!STATE_CHANGED', oldFence: '!STATE_CHANGED', deliver: 'cancelled', cancel: '!TOO_MANY_PENDING', revoke: '!TOO_MANY_PENDING',
  },
  claimed: {
    tick: 'claimed', approve: '!APPROVAL_PENDING', deny: '!APPROVAL_PENDING', breakGlass: '!APPROVAL_PENDING', cover: '!APPROVAL_PENDING', claim: '!APPROVAL_PENDING', claimChanged: '!APPROVAL_PENDING', claimForeign: '!NOT_FOUND',
    notSent: 'approved approval.completed', answered: 'answered approval.completed', unknown: 'unknown approval.completed', oldFence: '!STATE_CHANGED', deliver: 'claimed', cancel: '!APPROVAL_PENDING', revoke: '!APPROVAL_PENDING',
  },
  answered: {
    tick: 'answered', approve: '!RECEIPT_GONE', deny: '!RECEIPT_GONE', breakGlass: '!RECEIPT_GONE', cover: '!RECEIPT_GONE', claim: '!RECEIPT_GONE', claimChanged: '!RECEIPT_GONE', claimForeign: '!NOT_FOUND',
    notSent: '!RECEIPT_GONE', answered: 'answered', unknown: '!RECEIPT_GONE', oldFence: '!STATE_CHANGED', deliver: 'answered', cancel: '!RECEIPT_GONE', revoke: 'answered',
  },
  unknown: {
    tick: 'unknown', approve: '!OUTCOME_UNKNOWN', deny: '!OUTCOME_UNKNOWN', breakGlass: '!OUTCOME_UNKNOWN', cover: '!OUTCOME_UNKNOWN', claim: '!OUTCOME_UNKNOWN', claimChanged: '!OUTCOME_UNKNOWN', claimForeign: '!NOT_FOUND',
    notSent: '!OUTCOME_UNKNOWN', answered: 'answered approval.completed', unknown: 'unknown', oldFence: '!STATE_CHANGED', deliver: 'unknown', cancel: '!OUTCOME_UNKNOWN', revoke: '!OUTCOME_UNKNOWN',
  },
}

function told(outcome: ReturnType<typeof transition>): string {
  if (isRefusal(outcome)) return `!${outcome.reason}`
  return [outcome.next.state.state, ...outcome.facts.map(({ type }) => type), ...outcome.refused === undefined ? [] : [`!${outcome.refused.reason}`]].join(' ')
}

const step = (outcome: ReturnType<typeof transition>): Step => {
  if (isRefusal(outcome)) throw new Error(outcome.message)
  return outcome
}

describe('state machine', () => {
  for (const [state, row] of Object.entries(TABLE) as [ApprovalState, Record<CommandName, string>][]) {
    for (const [name, wanted] of Object.entries(row) as [CommandName, string][]) {
      it(`${state} × ${name} → ${wanted}`, () => assert.equal(told(transition(aCase(state), COMMANDS[name], NOW)), wanted))
    }
  }

  const TIMED: readonly (readonly [ApprovalState, CommandName, number, string])[] = [
    ['pending', 'approve', EXPIRES, 'expired approval.expired !APPROVAL_EXPIRED'],
    ['pending', 'approve', EXPIRES - 1, 'approved approval.approved'],
    ['pending', 'deny', EXPIRES, 'expired approval.expired !APPROVAL_EXPIRED'],
    ['approved', 'claim', EXPIRES, 'expired approval.expired !APPROVAL_EXPIRED'],
    ['approved', 'claim', EXPIRES - 1, 'claimed approval.claimed'],
    ['approved', 'deny', EXPIRES, 'expired approval.expired !APPROVAL_EXPIRED'],
    ['approved', 'tick', EXPIRES, 'expired approval.expired'],
    ['claimed', 'tick', EXPIRES, 'unknown approval.completed'],
    ['claimed', 'notSent', CLAIM_UNTIL - 1, 'approved approval.completed'],
    ['claimed', 'notSent', CLAIM_UNTIL, 'unknown approval.completed !OUTCOME_UNKNOWN'],
    ['claimed', 'answered', CLAIM_UNTIL, 'answered approval.completed approval.completed'],
    ['claimed', 'claim', CLAIM_UNTIL, 'unknown approval.completed !OUTCOME_UNKNOWN'],
  ]
  for (const [state, name, at, wanted] of TIMED) {
    it(`invariant 11: ${state} × ${name} at ${at - NOW} ms → ${wanted}`, () => assert.equal(told(transition(aCase(state), COMMANDS[name], at)), wanted))
  }

  it('invariant 5: a claim given back after the end of the approval is not claimable again', () => {
    const late = aCase('claimed', { expiresAt: NOW - 5 })
    assert.equal(told(transition(late, COMMANDS.notSent, NOW)), 'expired approval.completed approval.expired')
  })

  it('invariant 5: no sequence of commands dials a second time after a claim that was not given back', () => {
    const commands = fc.array(fc.tuple(fc.constantFrom(...Object.keys(COMMANDS) as CommandName[]), fc.integer({ min: 0, max: 40_000 }), fc.nat({ max: 3 })), { maxLength: 25 })
    fc.assert(fc.property(commands, (script) => {
      let current = aCase('pending')
      let now = NOW
      let open: string | undefined
      for (const [name, later, fence] of script) {
        now += later
        const command: Command = name in { notSent: 1, answered: 1, unknown: 1 } ? { ...COMMANDS[name], fence: `apr_1.${fence}` } as Command : COMMANDS[name]
        const outcome = transition(current, command, now)
        if (isRefusal(outcome)) continue
        const claimed = outcome.facts.some(({ type }) => type === 'approval.claimed')
        if (claimed) assert.equal(open, undefined, 'claimed although an earlier claim was not given back')
        if (claimed) open = `apr_1.${outcome.next.fences}`
        if (outcome.facts.some(({ type, data }) => type === 'approval.completed' && 'outcome' in data && data.outcome === 'not_sent')) open = undefined
        current = outcome.next
      }
    }), { numRuns: 500 })
  })

  it('invariant 5: fences grow and never repeat', () => {
    const given = step(transition(step(transition(aCase('approved'), COMMANDS.claim, NOW)).next, COMMANDS.notSent, NOW)).next
    const again = step(transition(given, COMMANDS.claim, NOW)).next.state
    assert.equal(again.state === 'claimed' && again.fence, 'apr_1.2')
    assert.equal(told(transition({ ...given, fences: 2, state: again }, COMMANDS.answered, NOW)), '!STATE_CHANGED')
  })

  const CHANGED: readonly (readonly [string, Partial<Extract<Command, { kind: 'claim' }>>, string])[] = [
    ['the decision has another hash', { decisionHash: 'hash2' }, 'cancelled approval.cancelled !STATE_CHANGED'],
    ['the resource has another state', { stateHash: 'etag-2' }, 'cancelled approval.cancelled !STATE_CHANGED'],
    ['the state is no longer known', { stateHash: undefined }, 'cancelled approval.cancelled !STATE_CHANGED'],
    ['the grant that it is a use of has ended', { ended: 'The grant grt_1 was revoked.' }, 'cancelled approval.cancelled !STATE_CHANGED'],
    ['the approver may no longer approve', { electorate: { eligible: new Set([person('cy')]), quorum: 1 } }, 'cancelled approval.cancelled !STATE_CHANGED'],
    ['more must approve by now', { electorate: { ...ELECTORATE, quorum: 2 } }, 'cancelled approval.cancelled !STATE_CHANGED'],
    ['another agent, run or call asks', { attachHash: 'attach2' }, '!NOT_FOUND'],
  ]
  for (const [what, changes, wanted] of CHANGED) {
    it(`invariant 4: an approval is of no use when ${what}`, () => assert.equal(told(transition(aCase('approved'), { ...COMMANDS.claim, ...changes }, NOW)), wanted))
  }

  it('invariant 6: a quorum counts persons: one who approves twice counts once', () => {
    const two = { ...COMMANDS.approve, electorate: { ...ELECTORATE, quorum: 2 } }
    const once = step(transition(aCase('pending'), two, NOW))
    assert.equal(told(once), 'pending')
    assert.equal(told(transition(once.next, two, NOW)), '!REQUEST_INVALID')
    assert.equal(told(transition(once.next, { ...two, vote: { ...two.vote, person: person('bo') } }, NOW)), 'approved approval.approved')
  })

  const ESCALATES = { terms: { reviewers: [], quorum: 1, reasonRequired: false, escalate: { afterMs: 20_000, reviewers: ['group:leads'] } } }
  const ESCALATING: readonly (readonly [CommandName, number, string])[] = [
    ['tick', NOW + 19_989, 'pending'], ['tick', NOW + 19_990, 'pending approval.escalated'], ['approve', NOW + 19_990, 'approved approval.escalated approval.approved'],
    ['tick', EXPIRES, 'expired approval.escalated approval.expired'], ['claim', NOW + 19_990, 'pending approval.escalated !APPROVAL_PENDING'],
  ]
  for (const [name, at, wanted] of ESCALATING) {
    it(`invariant 11: pending with escalation × ${name} after ${at - NOW + 10} ms → ${wanted}`, () => {
      const outcome = transition(aCase('pending', { ...ESCALATES, at: NOW - 10 }), COMMANDS[name], at)
      assert.equal(told(outcome), wanted)
    })
  }

  it('a case is escalated once, and not when it ends before', () => {
    const once = step(transition(aCase('pending', ESCALATES), COMMANDS.tick, NOW + 20_000)).next
    assert.equal(step(transition(once, COMMANDS.tick, NOW + 21_000)).next, once)
    assert.equal(told(transition(aCase('pending', { ...ESCALATES, expiresAt: NOW + 15_000 }), COMMANDS.tick, NOW + 15_000)), 'expired approval.expired')
  })

  it('invariant 11: a use of a grant ends with the grant, however long its request would stand', () => {
    const covered = step(transition(aCase('pending'), COMMANDS.cover, NOW)).next
    assert.deepEqual([covered.expiresAt, covered.grant], [NOW + 30_000, { id: 'grt_1', use: 1 }])
    assert.equal(told(transition(covered, COMMANDS.claim, NOW + 30_000)), 'expired approval.expired !APPROVAL_EXPIRED')
  })

  it('invariant 6: a grant covers nothing that those who gave it may not approve', () => {
    assert.equal(told(transition(aCase('pending'), { ...COMMANDS.cover, electorate: { eligible: new Set([person('cy')]), quorum: 1 } }, NOW)), '!POLICY_DENIED')
    assert.equal(told(transition(aCase('pending'), { ...COMMANDS.cover, electorate: { ...ELECTORATE, quorum: 2 } }, NOW)), '!POLICY_DENIED')
  })

  it('lifecycle 9: with one of two approvals given, disabling that approver makes the second not enough', () => {
    const two = { ...COMMANDS.approve, electorate: { ...ELECTORATE, quorum: 2 } }
    const once = step(transition(aCase('pending'), two, NOW)).next
    const second: Command = { ...two, vote: { ...two.vote, person: person('bo') }, electorate: { eligible: new Set(['bo', 'di'].map(person)), quorum: 2 } }
    assert.equal(told(transition(once, second, NOW)), 'pending')
  })

  it('a person who approved may still deny, and the denial counts', () => {
    const two = { ...COMMANDS.approve, electorate: { ...ELECTORATE, quorum: 2 } }
    const once = step(transition(aCase('pending'), two, NOW)).next
    assert.equal(told(transition(once, COMMANDS.deny, NOW)), 'denied approval.denied')
  })

  it('a decision for another digest is refused in every state', () => {
    for (const state of Object.keys(STATES) as ApprovalState[]) {
      assert.equal(told(transition(aCase(state), { ...COMMANDS.approve, digest: 'full:e' }, NOW)), '!STATE_CHANGED')
    }
  })

  it('invariant 13: the text of what expired never says that anyone denied it', () => {
    for (const from of ['pending', 'approved'] as const) {
      const current = aCase('expired', { state: { state: 'expired', settledAt: NOW - 1, from } })
      for (const name of ['claim', 'approve', 'deny', 'revoke'] as const) {
        const outcome = transition(current, COMMANDS[name], NOW)
        assert.ok(isRefusal(outcome))
        assert.doesNotMatch(outcome.message, /den(?:y|ied|ial)|reject|refus/i)
      }
    }
  })

  it('a transition changes nothing of the case that it was given', () => {
    for (const state of Object.keys(STATES) as ApprovalState[]) {
      for (const command of Object.values(COMMANDS)) {
        const current = aCase(state)
        const before = JSON.stringify(current)
        transition(Object.freeze(current), command, NOW)
        assert.equal(JSON.stringify(current), before)
      }
    }
  })

  it('a delivery shortens the window of the receipt and a second one does not shorten it again', () => {
    const once = step(transition(aCase('answered'), COMMANDS.deliver, NOW)).next
    assert.equal(once.state.state === 'answered' && once.state.receipt?.until, NOW + 60_000)
    assert.equal(step(transition(once, COMMANDS.deliver, NOW + 30_000)).next, once)
  })

  it('a settled case ends by itself: its receipt goes, then it retires, then time changes nothing more', () => {
    const gone = step(transition(aCase('answered'), COMMANDS.tick, NOW + 600_000))
    assert.deepEqual(gone.dropped, ['receipts/1'])
    const retired = step(transition(gone.next, COMMANDS.tick, NOW + 3_600_000)).next
    assert.equal(retired.retired, true)
    assert.equal(step(transition(retired, COMMANDS.tick, NOW + 1e12)).next, retired)
  })
})
