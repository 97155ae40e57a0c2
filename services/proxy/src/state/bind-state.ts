/**
 * Before a person is asked, and again before an approved call runs: what the call changes is read, the call is bound to it where the
 * API offers that, and the approval to its hash (invariants 4 and 11).
 */
import { canonicalCall, digestOf, sha256 } from '@lockkeeper/domain/digest'
import { isRefusal, refuse, type Refusal } from '@lockkeeper/domain/errors'
import { serialise } from '@lockkeeper/domain/json'
import type { StateFacts } from '@lockkeeper/domain/ports'
import type { Classified, Passage, Witnesses } from '../passage.ts'
import type { Parts } from '../parts.ts'
import { maskedForPeople } from '../recorded-bodies.ts'
import { bindCall } from './bind-call.ts'
import { ownRead } from './own-read.ts'
import type { OwnRead } from './resource-read.ts'
import { readPlanOf } from './read-plan.ts'
import { maskedState, stateChanges } from './state-changes.ts'
import { stateHashOf } from './state-hash.ts'

type Needs = Passage & Pick<Witnesses, 'verified' | 'classified' | 'decided'>

/** A larger state is compared, and not shown. */
const MAX_SHOWN_BYTES = 256 * 1024

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
  if (read === undefined) {
    if (terms === 'required') return nothingToRead(passage)
    passage.state = { kind: 'none' }
    return undefined
  }
  if (isRefusal(read)) {
    if (terms !== 'best-effort' || wasRead || read.reason === 'AUDIT_UNAVAILABLE') return read
    passage.state = { kind: 'unread', why: read.detail ?? read.message, ...plan === undefined ? {} : { reader: plan.reader.id } }
    return undefined
  }
  return bindTo(read, passage, parts)
}

function bindTo(read: OwnRead, passage: Needs, parts: Parts): Refusal | undefined {
  const unbound = passage.classified
  const bound = bindCall(unbound, read, parts.catalog)
  if (isRefusal(bound)) return bound
  passage.unbound = unbound
  ;(passage as { classified: Classified }).classified = bound.classified
  const { call, headers } = bound.classified
  // Both: what the state is, and that the call which was approved is the one that names it.
  passage.stateHash = sha256(JSON.stringify([stateHashOf(call.method, read), digestOf(canonicalCall(call, headers.meaningful))]))
  passage.state = {
    kind: bound.bound ? 'bound' : 'checked', exists: read.value !== undefined, reader: read.reader.id, record: read.record, at: read.at,
    ...read.value === undefined ? {} : shownChanges(read.value, read, unbound, passage, parts),
  }
  return undefined
}

function shownChanges(value: NonNullable<OwnRead['value']>, { reader }: OwnRead, { call }: Classified, { decided }: Needs, { maskers }: Parts): Pick<StateFacts, 'changes' | 'moreChanges'> {
  if (call.body.kind !== 'json') return {}
  const bytes = Buffer.from(serialise(value))
  const masked = bytes.length > MAX_SHOWN_BYTES ? undefined : maskedState(maskedForPeople(bytes, reader, decided.decision.obligations.mask, maskers))
  return stateChanges(call, value, masked)
}

function nothingToRead({ classified: { call }, decided: { decision } }: Needs): Refusal {
  return refuse('POLICY_DENIED', {
    message: `Rule ${decision.rule} wants an approval to be bound to the resource's state, and ${call.method.id} has none that the gateway can read. Nobody was asked and nothing was sent.`,
    metadata: { method: call.method.id, rule: decision.rule },
  })
}
