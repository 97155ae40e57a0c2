/** `decision.submitted`: proof, then vote. Whatever is refused is written down with why, and changes nothing else. */
import { sha256 } from '@lockkeeper/domain/digest'
import { isRefusal, refuse, type ErrorReason, type Refusal } from '@lockkeeper/domain/errors'
import { cloudEvent, EVENT_DATA, type CloudEvent, type EventData } from '@lockkeeper/domain/events'
import type { Mode } from '@lockkeeper/domain'
import { PortUnavailable, type DocumentStore, type Ref, type Write } from '@lockkeeper/domain/ports'
import type { Log } from '@lockkeeper/service-kit'
import type { ApprovalCase } from './approval-case.ts'
import type { ApprovalTelemetry } from './approval-telemetry.ts'
import type { CaseStore, ChangeContext } from './case-store.ts'
import { refusedDecisions, REMEMBER_MS, KEEP_MS, usedProofs, type GrantDocument, type RefusedDecision, type UsedProof } from './collections.ts'
import { handled, inboxRef, poison, wasHandled } from './inbox.ts'
import { passkeyRefs, passkeyWrites } from './passkey-use.ts'
import { checkProof, type ProofChecks, type Proven, type SubmittedDecision } from './proof.ts'
import { coverWaiting } from './grant-cover.ts'
import { grantIdOf, grantRef, propose, type Proposal } from './grants.ts'
import { SOURCE } from './facts.ts'
import type { LoadBook } from './load-book.ts'
import type { RequestStore } from './request-store.ts'
import { reviewIdOf, reviewRef } from './reviews.ts'
import { electorsOf, type RoutingRights } from './routing.ts'
import type { Command, Step } from './state-machine.ts'
import { consequencesOf, type Consequences } from './vote-consequences.ts'
import { tally } from './votes.ts'

export interface DecisionParts {
  readonly documents: DocumentStore
  readonly store: CaseStore
  readonly requestStore: RequestStore
  readonly rights: RoutingRights
  readonly proofs: ProofChecks
  readonly mode: Mode
  readonly now: () => number
  readonly loadBook: LoadBook
  readonly telemetry?: ApprovalTelemetry | undefined
  readonly log: Log
}

export interface Decided {
  readonly approval: string
  /** `pending` while more approvals are needed. */
  readonly state: ApprovalCase['state']['state']
  readonly person: string
  /** Approvals that count, and how many are needed. */
  readonly approvals: number
  readonly quorum: number
  /** The grant that was given with it. */
  readonly grant?: string
  /** The review that break-glass opened. */
  readonly review?: string
}

export interface Decisions {
  /** One decision with its proof; for the admin interface. */
  decide(decision: unknown): Promise<Decided | Refusal>
  /** The same, from the bus. Rejects only for what a redelivery can mend. */
  receive(event: CloudEvent): Promise<void>
}

/** What a proof is checked with is out of reach: the decision is kept for later. */
const TRY_AGAIN: ReadonlySet<ErrorReason> = new Set(['ISSUER_UNAVAILABLE', 'CREDENTIAL_UNAVAILABLE'])

/** `event`: undefined where it came over the admin interface. `since`: monotonic ms, see ApprovalTelemetry. */
interface Arrival { readonly event: CloudEvent | undefined, readonly since: number }

/** Difference that the clocks of an identity provider and ours may have. */
const SKEW_MS = 60_000

export function createDecisions(parts: DecisionParts): Decisions {
  async function receive(event: CloudEvent): Promise<void> {
    if (await wasHandled(parts.documents, event)) return
    const parsed = EVENT_DATA['decision.submitted'].safeParse(event.data)
    if (!parsed.success) {
      parts.log.error({ event: event.id, source: event.source }, 'a submitted decision is malformed and was dropped')
      return poison(parts.documents, event, 'it is no decision')
    }
    const outcome = await submit(parts, parsed.data, event)
    if (isRefusal(outcome) && TRY_AGAIN.has(outcome.reason)) throw new PortUnavailable('an approver\'s proof cannot be checked now')
  }

  async function decide(decision: unknown): Promise<Decided | Refusal> {
    const parsed = EVENT_DATA['decision.submitted'].safeParse(decision)
    if (!parsed.success) return refuse('REQUEST_INVALID', `The decision is malformed: ${parsed.error.issues.slice(0, 5).map(({ path, message }) => `${path.join('.')}: ${message}`).join('; ')}`)
    return submit(parts, parsed.data, undefined)
  }

  return { decide, receive }
}

async function submit(parts: DecisionParts, decision: SubmittedDecision, event: CloudEvent | undefined): Promise<Decided | Refusal> {
  const since = parts.telemetry?.begin() ?? 0
  const proven = await checkProof(decision, parts.proofs, parts.now())
  if (isRefusal(proven)) {
    if (TRY_AGAIN.has(proven.reason) && event !== undefined) return proven
    return refuseDecision(parts, decision, undefined, proven, event)
  }
  const outcome = await cast(parts, decision, proven, { event, since })
  return isRefusal(outcome) ? refuseDecision(parts, decision, proven, outcome, event) : outcome
}

async function cast(parts: DecisionParts, decision: SubmittedDecision, proven: Proven, { event, since }: Arrival): Promise<Decided | Refusal> {
  const misfit = saysTwoThings(decision)
  if (misfit !== undefined) return misfit
  const proposal = await proposalOf(parts, decision)
  if (isRefusal(proposal)) return proposal
  const proofRef: Ref<UsedProof> = { collection: usedProofs, id: proven.fingerprint }
  const follows = (context: ChangeContext, step: Step): Consequences => consequencesOf(step, {
    electorate: electorsOf(parts.rights, context.current, proven).electorate,
    ...proposal === undefined ? {} : { proposal }, ...decision.reason === undefined ? {} : { reason: decision.reason },
    ...decision.verdict === 'approve' ? {} : { given: context.extra[event === undefined ? 1 : 2] },
  }, context.now)
  let brought: Consequences | undefined
  const changed = await parts.store.change(decision.approval, (context) => toVote(parts, decision, proven, context, event !== undefined), {
    refs: [proofRef, ...event === undefined ? [] : [inboxRef(event)], ...consequenceRefs(decision), ...passkeyRefs(proven.passkey)],
    writes(context, step) {
      const { now, current } = context
      brought = follows(context, step)
      return [
        { kind: 'put', ref: proofRef, data: { approval: current.id, at: now, deleteAt: now + REMEMBER_MS } },
        ...event === undefined ? [] : [handled(event, now)], ...brought.writes, ...usesOf(proven, context),
      ]
    },
    facts: (context, step) => follows(context, step).facts,
  })
  if (isRefusal(changed)) return changed
  if (changed.refused !== undefined) return changed.refused
  parts.telemetry?.decided(changed.next, decision.verdict, event, since)
  return concluded(parts, decision, proven, changed.next, brought)
}

/** A denial gives nothing, and who is alone gives nothing beyond the one call. */
function saysTwoThings({ verdict, grant, breakGlass }: SubmittedDecision): Refusal | undefined {
  if (verdict === 'deny' && (grant !== undefined || breakGlass !== undefined)) return refuse('REQUEST_INVALID', 'A denial neither approves a pattern nor breaks the glass.')
  return grant !== undefined && breakGlass !== undefined ? refuse('REQUEST_INVALID', 'Breaking the glass approves this call alone, no pattern.') : undefined
}

/** What the decision's pattern comes to for the call that it was shown with; undefined where it has none. */
async function proposalOf({ requestStore }: DecisionParts, { approval, grant }: SubmittedDecision): Promise<Proposal | Refusal | undefined> {
  if (grant === undefined) return undefined
  const request = await requestStore.read(approval)
  return request === undefined ? refuse('NOT_FOUND', `There is no call of ${approval.slice(0, 64)} that a pattern could be approved with.`) : propose(grant, request)
}

/** Documents that the decision can bring about, so that nothing stands there already, or can end: a denial ends the grant that was given with the call. */
function consequenceRefs({ approval, verdict, grant, breakGlass }: SubmittedDecision): readonly Ref[] {
  return [...grant === undefined && verdict === 'approve' ? [] : [grantRef(grantIdOf(approval))], ...breakGlass === undefined ? [] : [reviewRef(reviewIdOf(approval))]]
}

async function concluded(parts: DecisionParts, { verdict, breakGlass }: SubmittedDecision, { person }: Proven, next: ApprovalCase, brought: Consequences | undefined): Promise<Decided> {
  const { electorate, glass } = electorsOf(parts.rights, next)
  parts.loadBook.decided(next, { person, verdict })
  const { by, breakGlass: broken } = tally(next.votes, electorate, glass)
  const facts = { approval: next.id, person, verdict, state: next.state.state, traceparent: next.traceparent, ...brought?.grant === undefined ? {} : { grant: brought.grant.id } }
  if (brought?.review !== undefined) parts.log.warn({ ...facts, review: brought.review }, 'BREAK-GLASS: a call was approved at once; its review is open')
  else parts.log.info(facts, 'a decision was taken')
  if (brought?.grant !== undefined) await coverThoseWaiting(parts, brought.grant, next.requester.issuer)
  return {
    approval: next.id, state: next.state.state, person, approvals: by.length, quorum: (broken || breakGlass === true ? glass : electorate)?.quorum ?? electorate.quorum,
    ...brought?.grant === undefined ? {} : { grant: brought.grant.id }, ...brought?.review === undefined ? {} : { review: brought.review },
  }
}

/** The decision stands, whatever becomes of this: what is not covered goes on waiting for a person. */
async function coverThoseWaiting(parts: DecisionParts, grant: GrantDocument, issuer: string): Promise<void> {
  try {
    await coverWaiting(parts, grant, issuer)
  } catch (cause) {
    if (!(cause instanceof PortUnavailable)) throw cause
    parts.log.warn({ grant: grant.id, err: cause }, 'calls that waited already could not all be covered by a grant; they wait for a person')
  }
}

/** The passkey comes last of what a decision reads beside its case; `toVote` has refused one that may not be used. */
function usesOf({ passkey }: Proven, { extra, now }: ChangeContext): readonly Write[] {
  const writes = passkeyWrites(passkey, extra.at(-1), now)
  return isRefusal(writes) ? [] : writes
}

function toVote(parts: DecisionParts, decision: SubmittedDecision, proven: Proven, { current, locks, extra, now }: ChangeContext, fromBus: boolean): Command | Refusal {
  if (extra[0] !== undefined) return refuse('TOKEN_INVALID', 'The decision\'s proof was used before.')
  if (fromBus && extra[1] !== undefined) return refuse('TOKEN_INVALID', 'The decision was handled before.')
  const use = passkeyWrites(proven.passkey, extra.at(-1), now)
  if (isRefusal(use)) return use
  if (decision.approval !== current.id) return refuse('NOT_FOUND', `${decision.approval} shares ${current.id}; decide that one.`)
  if (proven.madeAt < current.at - SKEW_MS) return refuse('TOKEN_INVALID', 'The decision\'s proof is older than the request.')
  if (current.risk === 'critical' && isStale(proven, current)) return refuse('TOKEN_INVALID', `${current.id} is of class critical: its decision needs a sign-in that is newer than the request, and the token does not say that it is (auth_time).`)
  const unfit = proven.kind === 'slack' ? unfitForSlack(parts, current) : undefined
  if (unfit !== undefined) return unfit
  const { verdict, reason, digest, grant, breakGlass } = decision
  return {
    kind: 'vote', digest, ...electorsOf(parts.rights, current, proven), ...locks.inForce === undefined ? {} : { lock: locks.inForce },
    vote: {
      person: proven.person, verdict, at: now, proof: proven.kind, ...reason === undefined ? {} : { reason },
      ...proven.groups === undefined ? {} : { groups: proven.groups }, ...grant === undefined ? {} : { grant }, ...breakGlass === undefined ? {} : { breakGlass },
    },
  }
}

/** A token can be had silently from a session that stands for weeks: what weighs most is asked of the person anew (OpenID Connect Core 1.0, `max_age`). */
function isStale({ kind, authAt = 0 }: Proven, { at }: ApprovalCase): boolean {
  return kind === 'idToken' && authAt < at - SKEW_MS
}

/** A message has no room for every call, and some weigh too much for a click (invariant 4). */
function unfitForSlack({ proofs }: DecisionParts, { id, risk, shownWhole }: ApprovalCase): Refusal | undefined {
  const decides: readonly string[] = proofs.slack?.decides ?? []
  if (risk === undefined || !decides.includes(risk)) return refuse('POLICY_DENIED', `${id} is of class ${risk ?? 'unknown'}, which a click in Slack does not decide.`)
  return shownWhole === true ? undefined : refuse('POLICY_DENIED', `${id} does not fit into a message; it is decided before its card.`)
}

/** Late, double, foreign and forged decisions are facts too: an approver and an auditor can see that they were tried. */
async function refuseDecision(parts: DecisionParts, decision: SubmittedDecision, proven: Proven | undefined, refusal: Refusal, event: CloudEvent | undefined): Promise<Refusal> {
  parts.telemetry?.refused(decision.verdict, refusal.reason)
  const at = parts.now()
  const data: RefusedDecision = {
    approval: decision.approval.slice(0, 128), at, verdict: decision.verdict, reason: refusal.reason, why: refusal.message, deleteAt: at + KEEP_MS,
    ...proven === undefined ? {} : { person: proven.person },
  }
  const id = sha256(JSON.stringify([decision.approval, proven?.fingerprint ?? sha256(JSON.stringify(decision)), refusal.reason]))
  const ref: Ref<RefusedDecision> = { collection: refusedDecisions, id }
  const eventRefs: readonly Ref[] = event === undefined ? [] : [inboxRef(event)]
  await parts.documents.transact([ref, ...eventRefs], ([known, seen], now) => {
    if (seen !== undefined) return { writes: [], facts: [], result: undefined }
    const writes: Write[] = known === undefined ? [{ kind: 'put', ref, data }] : []
    const facts = known === undefined ? [cloudEvent('decision.refused', SOURCE, `refused:${id}`, now, refusedFact(data, parts.mode, event), data.approval)] : []
    return { writes: event === undefined ? writes : [...writes, handled(event, now)], facts, result: undefined }
  })
  parts.log.warn({ approval: data.approval, person: proven?.person, verdict: decision.verdict, reason: refusal.reason }, 'a decision was refused')
  return refusal
}

function refusedFact({ approval, verdict, reason, why, person }: RefusedDecision, mode: Mode, event: CloudEvent | undefined): EventData<'decision.refused'> {
  return { approval, verdict, reason, why: why.slice(0, 1000).toWellFormed(), mode, ...person === undefined ? {} : { person }, ...event === undefined ? {} : { event: event.id.slice(0, 256) } }
}
