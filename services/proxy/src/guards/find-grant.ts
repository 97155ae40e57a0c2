/**
 * For calls that need a person: the grant that was given, the receipt of a call that ran, or a request and a hold.
 * A released hold begins again at the first guard, so everything is checked once more (invariants 4, 5, 11, 13).
 */
import { randomBytes } from 'node:crypto'
import { attachHash, canonicalCall, digestOf } from '@lockkeeper/domain/digest'
import type { ApprovalDocument } from '@lockkeeper/domain/collections'
import { isRefusal, refuse, type ErrorReason, type Refusal } from '@lockkeeper/domain/errors'
import { cloudEvent, TOPICS } from '@lockkeeper/domain/events'
import { PortUnavailable, type AccessRequest, type AttachKey } from '@lockkeeper/domain/ports'
import { takeApproved } from '../approved-call.ts'
import { attachKeyOf } from '../attach.ts'
import { withDedupeKey } from '../outcome/dedupe-key.ts'
import { findLateOutcome } from '../outcome/late-outcome.ts'
import { AGAIN, type Granted, type Passage, type Verdict, type Witnesses } from '../passage.ts'
import type { Parts } from '../parts.ts'
import { bindState } from '../state/bind-state.ts'
import { readEffect } from '../state/read-effect.ts'

type Needs = Passage & Pick<Witnesses, 'verified' | 'classified' | 'unlocked' | 'decided'>
type Found = Verdict<Granted>

const NOT_NEEDED = { kind: 'not-needed' } as Granted

export function findGrant(passage: Needs, parts: Parts): Found | Promise<Found> {
  const { decision } = passage.decided
  const { session } = passage.classified
  if (decision.effect !== 'approve') return NOT_NEEDED
  if (session !== undefined) return grantOfSession(passage, session.decisionHash, session.approval)
  return findOrAsk(passage, parts)
}

/** The approved start of an upload stands for its parts, while rule and obligations are the same. */
function grantOfSession({ decided }: Needs, decisionHash: string, approval: string | undefined): Granted | Refusal {
  if (approval !== undefined && decisionHash === decided.decision.hash) return { kind: 'session', approval } as Granted
  return refuse('STATE_CHANGED', 'The policy that allowed this upload to begin has changed. Nothing was sent; start the upload again.')
}

async function findOrAsk(passage: Needs, parts: Parts): Promise<Found> {
  const { approvals, settings } = parts
  if (approvals.age() > settings.staleAfterMs && !(await approvals.refresh())) return refuse('APPROVAL_UNAVAILABLE', 'The gateway has lost sight of approvals, so it refuses. Nothing was sent; try again in a moment.')
  const digest = digestOf(canonicalOf(passage))
  passage.facts.digest = digest
  const attach = attachKeyOf(passage, digest)
  const key = attachHash(attach)
  const before = approvals.find(key)
  passage.trace?.needsPerson(before?.traceparent)
  // What has run is not read again: its receipt is there, whatever the resource is like by now.
  const past = before === undefined || isOpen(before) ? undefined : await verdictOf(before, passage, attach, parts, 'arriving')
  if (past !== undefined) return past
  if (before?.state === 'claimed') return hold(passage, parts, attach, key, before.id, before.expiresAt)
  const unread = await bindState(passage, { read: before !== undefined && isOpen(before) && before.stateHash !== undefined }, parts)
  if (unread !== undefined) return unread
  passage.facts.digest = digestOf(canonicalOf(passage))
  const standing = approvals.find(key)
  if (standing !== undefined) {
    const verdict = await verdictOf(standing, passage, attach, parts, 'arriving')
    if (verdict !== undefined) return verdict
    if (mustWait(standing, passage)) return hold(passage, parts, attach, key, standing.id, standing.expiresAt)
  }
  if (approvals.pendingOf(attach.agent) >= settings.limits.pendingPerAgent) return refuse('TOO_MANY_PENDING', `The agent has ${settings.limits.pendingPerAgent} calls waiting for approval already. Nothing was sent; have some decided first.`)
  return ask(passage, parts, attach, key, standing?.id)
}

function canonicalOf({ classified: { call, headers } }: Pick<Needs, 'classified'>): AccessRequest['call'] {
  return canonicalCall(call, headers.meaningful)
}

function isOpen({ state }: ApprovalDocument): boolean {
  return state === 'pending' || state === 'approved'
}

async function ask(passage: Needs, parts: Parts, attach: AttachKey, key: string, superseded: string | undefined): Promise<Found> {
  const { catalog, clock, events, sessionKey, settings } = parts
  const { decision } = passage.decided
  const effect = await readEffect(passage, parts)
  const id = `apr_${randomBytes(9).toString('base64url').replace(/[-_]/g, 'x')}`
  const call = canonicalOf({ classified: withDedupeKey(passage.classified, id, sessionKey, catalog) })
  passage.facts.digest = digestOf(call)
  const request: AccessRequest = {
    id, attach, agent: passage.verified.agent, call, decision, mode: settings.mode, isolation: settings.isolation, at: clock.now(),
    ...(passage.facts.statedReason === undefined ? {} : { statedReason: passage.facts.statedReason }),
    ...(passage.stateHash === undefined ? {} : { stateHash: passage.stateHash }), ...(passage.state === undefined ? {} : { state: passage.state }), ...(effect === undefined ? {} : { effect }),
  }
  try {
    await events.publish(TOPICS.access, [cloudEvent('access.requested', `/proxy/${settings.instance}`, `${settings.instance}/${id}`, clock.now(), request, id, passage.trace?.traceparent)])
  } catch (error) {
    if (!(error instanceof PortUnavailable)) throw error
    return refuse('APPROVAL_UNAVAILABLE', { message: 'The approval service cannot be reached, so the call was not asked for. Nothing was sent; try again in a moment.', detail: error.message })
  }
  return hold(passage, parts, attach, key, id, clock.now() + (decision.obligations.approval?.expiresMs ?? 0), superseded)
}

/** Waits within this request's hold for whatever changes under the key; `superseded` is what stood there before and counts no more. */
async function hold(passage: Needs, parts: Parts, attach: AttachKey, key: string, id: string, expiresAt: number, superseded?: string): Promise<Found> {
  const { approvals, clock, holds } = parts
  passage.facts.approval = id
  const started = clock.monotonic()
  const held = holds.begin({ agent: attach.agent, run: attach.run, target: passage.classified.target.name }, remaining(passage, parts), passage.response)
  if (held === undefined) return pending(passage, parts, id, expiresAt)
  const over = passage.trace?.waits(id)
  try {
    for (let latest = approvals.find(key); ; latest = await approvals.changed(key, held.signal)) {
      if (held.signal.aborted) return held.why() === 'locked' ? AGAIN : pending(passage, parts, latest?.id ?? id, latest?.expiresAt ?? expiresAt)
      if (latest === undefined || latest.id === superseded) continue
      passage.facts.approval = latest.id
      if (latest.state === 'claimed') passage.lostClaim = undefined
      const verdict = await verdictOf(latest, passage, attach, parts, 'waiting')
      if (verdict !== undefined) return verdict
    }
  } finally {
    held.release()
    over?.(held.why() ?? approvals.find(key)?.state ?? 'none')
    passage.heldMs += clock.monotonic() - started
  }
}

/** What the state of a request means for this call; undefined: nothing yet (waiting) or nothing any more (arriving). */
async function verdictOf(approval: ApprovalDocument, passage: Needs, attach: AttachKey, parts: Parts, moment: 'arriving' | 'waiting'): Promise<Found | undefined> {
  const { decision } = passage.decided
  switch (approval.state) {
    case 'pending': return undefined
    case 'claimed': return undefined
    case 'approved': {
      if (approval.decisionHash !== decision.hash) return undefined
      if (passage.lostClaim === approval.id) return undefined
      if (moment === 'waiting') return AGAIN
      passage.facts.approval = approval.id
      takeApproved(passage, approval, parts)
      return { kind: 'approval', approval: approval.id, digest: attach.digest } as Granted
    }
    case 'answered': return receiptOf(approval, passage, attach, parts, moment)
    case 'unknown': return (moment === 'arriving' ? await findLateOutcome(approval, passage, parts) : undefined) ?? ended(approval, 'OUTCOME_UNKNOWN', 'The call was approved and sent, and whether it took effect cannot be known. It is not sent again by itself: look at the resource first.')
    case 'denied': return ended(approval, 'APPROVAL_DENIED', 'A person denied this call. Nothing was sent.')
    case 'expired': return moment === 'arriving' ? undefined : ended(approval, 'APPROVAL_EXPIRED', 'Nobody decided in time. This is not a denial, and nothing was sent. Sending the call again asks again.')
    case 'cancelled': return moment === 'arriving' ? undefined : ended(approval, 'STATE_CHANGED', 'The request was withdrawn because what it was about has changed. Nothing was sent; sending the call again asks again.')
  }
}

async function receiptOf(approval: ApprovalDocument, passage: Needs, attach: AttachKey, { approval: api, clock }: Parts, moment: 'arriving' | 'waiting'): Promise<Found | undefined> {
  const over = approval.receiptUntil === undefined || clock.now() >= approval.receiptUntil
  if (over && moment === 'arriving') return undefined
  const answer = await api.receipt({ approval: approval.id, attach })
  passage.facts.approval = approval.id
  if (!isRefusal(answer)) return { kind: 'receipt', approval: approval.id, digest: attach.digest, answer } as Granted
  // Between the watch and the read its window ended: later the same call is a new one.
  return moment === 'arriving' ? undefined : answer
}

function ended(approval: ApprovalDocument, fallback: ErrorReason, text: string): Refusal {
  const reason = approval.refusal ?? fallback
  const said = approval.reason === undefined ? '' : ` Reason: ${approval.reason}`
  return refuse(reason, { message: `${text}${said}`, metadata: { approval: approval.id, method: approval.method } })
}

/** One that was asked for beside another state is superseded; an approval that was given beside one is told so when it is claimed. */
function mustWait(approval: ApprovalDocument, { decided, lostClaim, stateHash }: Needs): boolean {
  if (approval.state === 'claimed' || (approval.state === 'approved' && lostClaim === approval.id)) return true
  return approval.state === 'pending' && approval.decisionHash === decided.decision.hash && approval.stateHash === stateHash
}

/** One request is held so long in all, over every round. */
function remaining({ decided, heldMs }: Needs, { settings }: Parts): number {
  return Math.max(0, (decided.decision.obligations.approval?.holdMs ?? settings.holdMs) - heldMs)
}

function pending({ classified: { call }, decided: { decision } }: Needs, { settings }: Parts, id: string, expiresAt: number): Refusal {
  const where = call.resources[0] === undefined ? '' : ` on ${call.resources[0]}`
  return refuse('APPROVAL_PENDING', {
    message: `Waiting for approval ${id} (${call.method.id}${where}). Nothing has run, and nobody has denied it. Send the same call again to wait on; it will run once when approved.`,
    metadata: { approval: id, rule: decision.rule, mode: settings.mode, method: call.method.id, expires: new Date(expiresAt).toISOString() },
    ...(settings.approvalUrl === undefined ? {} : { links: [{ description: 'Approve or watch', url: settings.approvalUrl.replace('{id}', id) }] }),
  })
}
