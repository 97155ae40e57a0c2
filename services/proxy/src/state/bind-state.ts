/**
 * Before a person is asked, and again before an approved call runs: what the call changes is read, the call is bound to it where the
 * API offers that, and the approval to its hash (invariants 4 and 11).
 */
import { canonicalCall, digestOf, sha256 } from '@lockkeeper/domain/digest'
import { isRefusal, refuse, type Refusal } from '@lockkeeper/domain/errors'
import type { StateFacts } from '@lockkeeper/domain/ports'
import type { Classified, Passage, Witnesses } from '../passage.ts'
import type { Parts } from '../parts.ts'
import { bindCall, type BoundCall } from './bind-call.ts'
import { bindOthers } from './bind-others.ts'
import type { BoundOthers } from './other-states.ts'
import { ownRead } from './own-read.ts'
import { readOthers, type OtherReads } from './read-others.ts'
import type { OwnRead } from './resource-read.ts'
import { readPlanOf } from './read-plan.ts'
import { shownToPeople } from './shown-state.ts'
import { stateChanges } from './state-changes.ts'
import { stateHashOf } from './state-hash.ts'

type Needs = Passage & Pick<Witnesses, 'verified' | 'classified' | 'decided'>

/**
 * Leaves the bound call, the hash and what the approver is told on the passage. `read` says that the approval which stands was given
 * beside a state: then none that cannot be read now will do. Refusals: STATE_CHANGED for a precondition of the agent's own that does
 * not hold, UPSTREAM_UNREACHABLE and AUDIT_UNAVAILABLE for a state that cannot be read, POLICY_DENIED where there is none and policy wants one.
 */
export async function bindState(passage: Needs, { read: wasRead }: { readonly read: boolean }, parts: Parts): Promise<Refusal | undefined> {
  const { call } = passage.classified
  passage.stateHash = undefined
  passage.state = undefined
  if (!call.method.change) return undefined
  const terms = passage.decided.decision.obligations.approval?.state
  const plan = passage.inForce === undefined ? readPlanOf(call, parts.catalog) : undefined
  const read = passage.inForce ?? (plan === undefined ? undefined : await ownRead('the state of the resource', plan, passage, parts))
  passage.inForce = undefined
  const others = isRefusal(read) ? undefined : await readOthers(passage, parts)
  const unread = isRefusal(read) ? read : isRefusal(others) ? others : undefined
  if (unread !== undefined) {
    if (terms !== 'best-effort' || wasRead || unread.reason === 'AUDIT_UNAVAILABLE') return unread
    passage.state = { kind: 'unread', why: unread.detail ?? unread.message, ...plan === undefined ? {} : { reader: plan.reader.id } }
    return undefined
  }
  if (read === undefined && others === undefined) {
    if (terms === 'required') return nothingToRead(passage)
    passage.state = { kind: 'none' }
    return undefined
  }
  return bindTo(read as OwnRead | undefined, others as OtherReads | undefined, passage, parts)
}

function bindTo(read: OwnRead | undefined, others: OtherReads | undefined, passage: Needs, parts: Parts): Refusal | undefined {
  const unbound = passage.classified
  const first: BoundCall | Refusal = read === undefined ? { classified: unbound, bound: true } : bindCall(unbound, read, parts.catalog)
  if (isRefusal(first)) return first
  const rest = others === undefined ? undefined : bindOthers(first.classified, others, passage, parts)
  if (isRefusal(rest)) return rest
  const { classified } = rest ?? first
  passage.unbound = unbound
  ;(passage as { classified: Classified }).classified = classified
  const { call, headers } = classified
  // All: what the states are, and that the call which was approved is the one that names them.
  passage.stateHash = sha256(JSON.stringify([read === undefined ? '' : stateHashOf(call.method, read), ...rest === undefined ? [] : [rest.versions], digestOf(canonicalCall(call, headers.meaningful))]))
  passage.state = {
    kind: first.bound && rest?.bound !== false ? 'bound' : 'checked', ...readFacts(read ?? others?.read),
    ...read?.value === undefined ? {} : shownChanges(read.value, read, unbound, passage, parts), ...othersShown(rest),
    ...read === undefined ? {} : { exists: read.value !== undefined },
  }
  return undefined
}

function readFacts(read: OwnRead | undefined): Pick<StateFacts, 'reader' | 'record' | 'at'> {
  return read === undefined ? {} : { reader: read.reader.id, record: read.record, at: read.at }
}

function othersShown(rest: BoundOthers | undefined): Partial<StateFacts> {
  if (rest === undefined) return {}
  const { states, more, changes, moreChanges } = rest
  return { others: states, ...more === 0 ? {} : { moreOthers: more }, ...changes.length === 0 ? {} : { changes }, ...moreChanges === 0 ? {} : { moreChanges } }
}

function shownChanges(value: NonNullable<OwnRead['value']>, { reader }: OwnRead, { call }: Classified, { decided }: Needs, { maskers }: Parts): Pick<StateFacts, 'changes' | 'moreChanges'> {
  if (call.body.kind !== 'json') return {}
  return stateChanges(call, value, shownToPeople(value, reader, decided.decision.obligations.mask, maskers))
}

function nothingToRead({ classified: { call }, decided: { decision } }: Needs): Refusal {
  return refuse('POLICY_DENIED', {
    message: `Rule ${decision.rule} wants an approval to be bound to the resource's state, and ${call.method.id} has none that the gateway can read. Nobody was asked and nothing was sent.`,
    metadata: { method: call.method.id, rule: decision.rule },
  })
}
