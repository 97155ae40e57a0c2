/** A case in each of its states, and a command of each kind, for tables. */
import type { ApprovalState } from '@lockkeeper/domain'
import type { ApprovalCase, CaseState } from '../src/approval-case.ts'
import type { Command } from '../src/state-machine.ts'
import type { Electorate } from '../src/votes.ts'
import { person } from './harness.ts'

export const NOW = 1_000_000
export const EXPIRES = NOW + 60_000
export const CLAIM_UNTIL = NOW + 30_000
const WINDOWS = { undeliveredMs: 600_000, deliveredMs: 60_000 }

export const STATES: Readonly<Record<ApprovalState, CaseState>> = {
  pending: { state: 'pending' },
  approved: { state: 'approved', approvedAt: NOW - 1 },
  denied: { state: 'denied', settledAt: NOW - 1, by: person('bo'), reason: 'no' },
  expired: { state: 'expired', settledAt: NOW - 1, from: 'pending' },
  cancelled: { state: 'cancelled', settledAt: NOW - 1, refusal: 'TOO_MANY_PENDING', why: 'too many' },
  claimed: { state: 'claimed', fence: 'apr_1.1', holder: 'proxy-1', claimedAt: NOW - 1, claimUntil: CLAIM_UNTIL },
  answered: { state: 'answered', claimedAt: NOW - 2, settledAt: NOW - 1, fence: 'apr_1.1', status: 200, delivered: false, receipt: { blob: 'receipts/1', until: NOW + 600_000 }, receiptUntil: NOW + 600_000 },
  unknown: { state: 'unknown', claimedAt: NOW - 2, settledAt: NOW - 1, fence: 'apr_1.1', why: 'silent' },
}

export function aCase(state: ApprovalState, changes: Partial<ApprovalCase> = {}): ApprovalCase {
  const approved = ['approved', 'claimed', 'answered', 'unknown'].includes(state)
  return {
    id: 'apr_1', attach: { issuer: 'test', agent: 'a', run: 'r', digest: 'full:d' }, attachHash: 'attach', digest: 'full:d', decisionHash: 'hash', stateHash: 'etag-1',
    rule: 'tests/approve', method: 'storage.buckets.delete', target: 'google', resources: [], summary: 's',
    requester: { issuer: 'test', subject: 's', id: 'a', run: 'r', chain: [] }, mode: 'sandbox', returnsSecret: false,
    terms: { reviewers: [], quorum: 1, reasonRequired: false }, at: NOW - 10, expiresAt: EXPIRES,
    votes: approved ? [{ person: person('bo'), verdict: 'approve', at: NOW - 1, proof: 'terminal' }] : [],
    fences: ['claimed', 'answered', 'unknown'].includes(state) ? 1 : 0, revision: 5, retired: false, state: STATES[state], ...changes,
  }
}

export const ELECTORATE: Electorate = { eligible: new Set(['bo', 'cy'].map(person)), quorum: 1 }

export const COMMANDS = {
  tick: { kind: 'tick' },
  approve: { kind: 'vote', vote: { person: person('cy'), verdict: 'approve', at: NOW, proof: 'terminal' }, digest: 'full:d', electorate: ELECTORATE },
  deny: { kind: 'vote', vote: { person: person('cy'), verdict: 'deny', reason: 'no', at: NOW, proof: 'terminal' }, digest: 'full:d', electorate: ELECTORATE },
  breakGlass: { kind: 'vote', vote: { person: person('di'), verdict: 'approve', reason: 'down', at: NOW, proof: 'terminal', breakGlass: true }, digest: 'full:d', electorate: ELECTORATE, glass: { eligible: new Set([person('di')]), quorum: 1 } },
  cover: { kind: 'cover', use: { id: 'grt_1', use: 1 }, votes: [{ person: person('bo'), verdict: 'approve', at: NOW - 1, proof: 'terminal' }], until: NOW + 30_000, electorate: ELECTORATE },
  claim: { kind: 'claim', attachHash: 'attach', decisionHash: 'hash', stateHash: 'etag-1', holder: 'proxy-2', electorate: ELECTORATE, claimMs: 30_000 },
  claimChanged: { kind: 'claim', attachHash: 'attach', decisionHash: 'other', stateHash: 'etag-1', holder: 'proxy-2', electorate: ELECTORATE, claimMs: 30_000 },
  claimForeign: { kind: 'claim', attachHash: 'other', decisionHash: 'hash', stateHash: 'etag-1', holder: 'proxy-2', electorate: ELECTORATE, claimMs: 30_000 },
  notSent: { kind: 'complete', fence: 'apr_1.1', outcome: { kind: 'not_sent', why: '429' }, windows: WINDOWS },
  answered: { kind: 'complete', fence: 'apr_1.1', outcome: { kind: 'answered', status: 200, delivered: false, blob: 'receipts/1' }, windows: WINDOWS },
  unknown: { kind: 'complete', fence: 'apr_1.1', outcome: { kind: 'unknown', why: 'reset' }, windows: WINDOWS },
  oldFence: { kind: 'complete', fence: 'apr_1.0', outcome: { kind: 'answered', status: 200, delivered: true }, windows: WINDOWS },
  deliver: { kind: 'deliver', attachHash: 'attach', windows: WINDOWS },
  cancel: { kind: 'cancel', refusal: 'STATE_CHANGED', why: 'asked again' },
  revoke: { kind: 'revoke', by: 'op', why: 'stop' },
} as const satisfies Record<string, Command>
export type CommandName = keyof typeof COMMANDS
