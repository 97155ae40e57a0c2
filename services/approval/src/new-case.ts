/** Makes a case out of a checked request; pure. */
import { attachHash, digestOf } from '@lockkeeper/domain/digest'
import type { ApprovalTerms } from '@lockkeeper/domain'
import type { AccessRequest } from '@lockkeeper/domain/ports'
import { isSettled, type ApprovalCase, type CaseState, type Earlier } from './approval-case.ts'
import type { Run } from './collections.ts'
import { instant } from './outcome-texts.ts'
import { clip, visible } from './shown-text.ts'

/** Default of ApprovalTerms.expiresMs. */
const DEFAULT_EXPIRES_MS = 1_800_000
const SHOWN_RESOURCES = 20

export function newCase(request: AccessRequest, now: number, state: CaseState, earlier: Earlier | undefined): ApprovalCase {
  const { call, decision, agent } = request
  const terms = decision.obligations.approval
  const { issuer, subject, id, run, sponsor, sponsorPerson, chain } = agent
  return {
    id: request.id, attach: request.attach, attachHash: attachHash(request.attach), digest: digestOf(call),
    decisionHash: decision.hash, ...request.stateHash === undefined ? {} : { stateHash: request.stateHash },
    rule: decision.rule, method: call.method, target: call.target, resources: call.resources.slice(0, SHOWN_RESOURCES),
    summary: summaryOf(request), risk: call.risk, mode: request.mode, returnsSecret: call.returnsSecret,
    requester: { issuer, subject, id, run, chain, ...sponsor === undefined ? {} : { sponsor }, ...sponsorPerson === undefined ? {} : { sponsorPerson } },
    terms: termsOf(terms),
    // A request that waited on the bus, or comes from a clock behind ours, ends no later than it would have: no late use.
    at: now, expiresAt: Math.min(now, request.at) + (terms?.expiresMs ?? DEFAULT_EXPIRES_MS),
    ...earlier === undefined ? {} : { earlier }, votes: [], fences: 0, revision: 1, retired: false, state,
  }
}

function termsOf(terms: Partial<ApprovalTerms> = {}): ApprovalCase['terms'] {
  const { reviewers = [], quorum = 1, reasonRequired = false, escalate, patterns, breakGlass } = terms
  return {
    reviewers, quorum, reasonRequired,
    ...escalate === undefined ? {} : { escalate }, ...patterns === undefined ? {} : { patterns }, ...breakGlass === undefined ? {} : { breakGlass },
  }
}

function summaryOf({ call }: AccessRequest): string {
  const first = call.resources[0]
  const others = call.resources.length > 1 ? ` and ${call.resources.length - 1} more` : ''
  const on = first === undefined ? call.host : `${first.replace(/^\/\/[^/]+\//, '')}${others}`
  return clip(visible(`${call.method} on ${on}`), 300)
}

/** What happened to the same call before: under the same key, else the last run of the same digest by anyone. */
export function earlierOf(request: AccessRequest, same: ApprovalCase | undefined, run: Run | undefined): Earlier | undefined {
  if (same !== undefined && isSettled(same.state)) {
    const { state } = same
    return {
      approval: same.id, at: state.settledAt, state: state.state, agent: same.requester.id, run: same.requester.run, changed: changesSince(same, request),
      ...state.state === 'answered' ? { status: state.status } : {},
      ...'why' in state ? { why: state.why } : {}, ...state.state === 'denied' && state.reason !== undefined ? { why: state.reason } : {},
    }
  }
  if (run === undefined) return undefined
  const { approval, at, outcome, agent, status } = run
  return { approval, at, state: outcome, agent, run: run.run, changed: [], ...status === undefined ? {} : { status } }
}

function changesSince(same: ApprovalCase, request: AccessRequest): readonly string[] {
  const changed: string[] = []
  if (same.decisionHash !== request.decision.hash) changed.push(same.rule === request.decision.rule ? `the rule ${same.rule} or its obligations` : `the rule: it was ${same.rule} and is ${request.decision.rule}`)
  if ((same.stateHash ?? '') !== (request.stateHash ?? '')) changed.push(`the resource's state: it was ${same.stateHash ?? 'not read'} at ${instant(same.at)} and is ${request.stateHash ?? 'not read'}`)
  return changed
}
