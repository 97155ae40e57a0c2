/** The direct calls of a proxy: claim once, say how it ended, read the stored answer (invariants 4 and 5). */
import { attachHash, equalInConstantTime, sha256 } from '@lockkeeper/domain/digest'
import { isRefusal, refuse, type Refusal } from '@lockkeeper/domain/errors'
import type { ApprovalApi, Doc, Outcome, Ref, StoredAnswer } from '@lockkeeper/domain/ports'
import type { Log } from '@lockkeeper/service-kit'
import type { ApprovalCase } from './approval-case.ts'
import type { CaseStore, ChangeContext, Changed, Extra } from './case-store.ts'
import { namedClaims, REMEMBER_MS, type GrantDocument, type NamedClaim } from './collections.ts'
import { whyEnded } from './grants.ts'
import type { LockFacts } from './lock-documents.ts'
import { instant, refusalOf } from './outcome-texts.ts'
import type { ReceiptBox } from './receipt-box.ts'
import { electorsOf, type RoutingRights } from './routing.ts'
import type { Command, Completion, ReceiptWindows } from './state-machine.ts'

export interface ClaimParts {
  readonly store: CaseStore
  readonly receipts: ReceiptBox
  readonly rights: RoutingRights
  readonly windows: ReceiptWindows
  readonly dialByMs: number
  readonly claimTimeoutMs: number
  readonly log: Log
}

export function createApprovalApi(parts: ClaimParts): ApprovalApi {
  const { store, receipts, windows } = parts

  const claim: ApprovalApi['claim'] = async ({ approval, attach, decisionHash, stateHash, holder, claimId }) => {
    const command = ({ current, locks, extra, grant, now }: ChangeContext): Command | Refusal => repeatedClaim(current, extra[0], attachHash(attach)) ?? {
      kind: 'claim', attachHash: attachHash(attach), decisionHash, holder: holder.slice(0, 256),
      ...stateHash === undefined ? {} : { stateHash }, ...locks.inForce === undefined ? {} : { lock: locks.inForce },
      ...electorsOf(parts.rights, current), ...endOf(current, grant, now), claimMs: parts.claimTimeoutMs,
    }
    const changed = await store.change(approval, command, claimId === undefined ? undefined : namedClaim(holder, claimId))
    const refusal = refusalIn(changed)
    if (refusal !== undefined) return refusal
    const { next } = changed as Changed
    return next.state.state === 'claimed' ? { fence: next.state.fence, dialWithinMs: parts.dialByMs } : refusalOf(next)
  }

  const complete: ApprovalApi['complete'] = async ({ approval, fence, outcome }) => {
    const found = await store.find(approval)
    if (found === undefined) return refuse('NOT_FOUND', `There is no approval ${approval}.`)
    const blob = await keep(found, outcome)
    const changed = await store.change(approval, () => ({ kind: 'complete', fence, windows, outcome: completion(outcome, blob) }))
    const state = isRefusal(changed) ? undefined : changed.next.state
    const used = state?.state === 'answered' && state.receipt?.blob === blob
    if (blob !== undefined && !used) await receipts.remove(blob)
    return refusalIn(changed)
  }

  async function keep(found: ApprovalCase, outcome: Outcome): Promise<string | undefined> {
    if (outcome.kind !== 'answered' || !isWhole(outcome.status) || outcome.answer === undefined || found.returnsSecret) return undefined
    return receipts.put({ approval: found.id, attachHash: found.attachHash }, outcome.answer)
  }

  const receipt: ApprovalApi['receipt'] = async ({ approval, attach }) => {
    const looked = await store.look(approval)
    if (looked === undefined || !equalInConstantTime(looked.current.attachHash, attachHash(attach))) return refuse('NOT_FOUND', 'There is no such approval for this agent, run and call.')
    return readReceipt(parts, looked.current, looked.locks)
  }

  const delivered: ApprovalApi['delivered'] = async ({ approval, attach }) => {
    const changed = await store.change(approval, () => ({ kind: 'deliver', attachHash: attachHash(attach), windows }))
    const refusal = refusalIn(changed)
    if (refusal !== undefined) parts.log.warn({ approval, reason: refusal.reason }, 'a delivery was reported for no readable receipt')
  }

  return { claim, complete, receipt, delivered }
}

/** A use of a grant is worth as much as the grant is at this moment. */
function endOf({ grant: use }: ApprovalCase, grant: GrantDocument | undefined, now: number): { readonly ended?: string } {
  const ended = use === undefined ? undefined : whyEnded(grant, now)
  return ended === undefined ? {} : { ended }
}

/** What is written down beside a claim that has a name. */
function namedClaim(holder: string, claimId: string): Extra {
  const ref: Ref<NamedClaim> = { collection: namedClaims, id: sha256(JSON.stringify([holder, claimId])) }
  return {
    refs: [ref],
    writes({ extra: [known], now }, { next }) {
      if (known !== undefined || next.state.state !== 'claimed') return []
      return [{ kind: 'create', ref, data: { approval: next.id, fence: next.state.fence, deleteAt: now + REMEMBER_MS } }]
    },
  }
}

/** A claim that was made before under this name: still held, it is answered again; ended, it takes nothing any more. */
function repeatedClaim(current: ApprovalCase, known: Doc | undefined, attach: string): Command | Refusal | undefined {
  if (known === undefined) return undefined
  const { approval, fence } = known.data as NamedClaim
  if (approval !== current.id || !equalInConstantTime(attach, current.attachHash)) return refuse('NOT_FOUND', 'There is no such approval for this agent, run and call.')
  if (current.state.state === 'claimed' && current.state.fence === fence) return { kind: 'tick' }
  return current.state.state === 'approved' || current.state.state === 'claimed' ? refuse('STATE_CHANGED', `This claim of ${current.id} has ended; it takes nothing any more.`) : refusalOf(current)
}

async function readReceipt({ receipts, log }: ClaimParts, current: ApprovalCase, { inForce, latestAt }: LockFacts): Promise<StoredAnswer | Refusal> {
  const { state, id, attachHash: bound } = current
  if (inForce !== undefined) return refuse('AGENT_LOCKED', `${inForce.id} stops this call: ${inForce.reason}`)
  if (state.state !== 'answered') return refusalOf(current)
  // A lock that fell before, or while it ran, takes its answer along for good.
  if (state.receipt === undefined || latestAt >= state.claimedAt) return gone(current)
  try {
    return await receipts.get({ approval: id, attachHash: bound }, state.receipt.blob) ?? gone(current)
  } catch (cause) {
    if (!(cause instanceof Error) || !cause.message.includes('authenticate')) throw cause
    log.error({ approval: id }, 'a stored answer was changed or belongs to another call; it is not given out')
    return gone(current)
  }
}

function gone({ id, method, state }: ApprovalCase): Refusal {
  const ran = state.state === 'answered' ? ` at ${instant(state.settledAt)} with status ${state.status}` : ''
  return refuse('RECEIPT_GONE', { message: `${id} (${method}) ran${ran}; its answer is not kept. Sending the same call again asks for a new approval.`, metadata: { approval: id } })
}

function completion(outcome: Outcome, blob: string | undefined): Completion {
  if (outcome.kind !== 'answered') return { kind: outcome.kind, why: outcome.why.slice(0, 1_000) }
  if (!isWhole(outcome.status)) return { kind: 'unknown', why: `the upstream answered with status ${outcome.status}` }
  return { kind: 'answered', status: outcome.status, delivered: outcome.delivered, ...blob === undefined ? {} : { blob }, ...outcome.evidence === undefined ? {} : { evidence: outcome.evidence.slice(0, 1_000) } }
}

/** An upstream that says 5xx may have done it all the same: that is no answer. */
function isWhole(status: number): boolean {
  return status >= 200 && status < 500
}

function refusalIn(changed: Changed | Refusal): Refusal | undefined {
  return isRefusal(changed) ? changed : changed.refused
}
