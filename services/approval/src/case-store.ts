/** Reads and changes cases: each change is one transaction over the case, what proxies see of it, its locks and its run. */
import { isRefusal, refuse, type Refusal } from '@lockkeeper/domain/errors'
import { approvals } from '@lockkeeper/domain/collections'
import type { CloudEvent } from '@lockkeeper/domain/events'
import type { Commit, Doc, DocumentStore, Ref, Write } from '@lockkeeper/domain/ports'
import type { ApprovalCase, Fact } from './approval-case.ts'
import { aliases, cases, grants, KEEP_MS, runs, type CaseDocument, type GrantDocument, type Run } from './collections.ts'
import { caseDocument, caseOf, factEvents, viewOf } from './facts.ts'
import { lockFacts, lockRefs, type LockFacts } from './lock-documents.ts'
import type { RoutingRights } from './routing.ts'
import { visible } from './shown-text.ts'
import { transition, type Command, type Step } from './state-machine.ts'

export interface Changed extends Step {
  readonly previous: ApprovalCase
}

export interface ChangeContext {
  /** Time passed. */
  readonly current: ApprovalCase
  readonly locks: LockFacts
  /** The grant that the case is a use of, where it is still known. */
  readonly grant?: GrantDocument
  /** The documents of `extra.refs`, in their order. */
  readonly extra: readonly (Doc | undefined)[]
  readonly now: number
}

export interface Extra {
  readonly refs: readonly Ref[]
  /** Written only when the case accepted the command. */
  writes(context: ChangeContext, step: Step): readonly Write[]
  /** Told together with the case's own facts, and only when the case accepted the command. */
  facts?(context: ChangeContext, step: Step): readonly CloudEvent[]
}

export interface CaseStore {
  /** By its own id or by one that shares it. */
  find(id: string): Promise<ApprovalCase | undefined>
  /** Case and locks as they are together, time passed. */
  look(id: string): Promise<{ readonly current: ApprovalCase, readonly locks: LockFacts } | undefined>
  /** NOT_FOUND where there is no case; the command's own Refusal otherwise, also as `refused` of what changed all the same. */
  change(id: string, command: (context: ChangeContext) => Command | Refusal, extra?: Extra): Promise<Changed | Refusal>
}

const AGAIN = 'again'

/** Anything else never named a case, and is not looked up. */
const ID = /^apr_[A-Za-z0-9]{3,60}$/

export function createCaseStore(documents: DocumentStore, now: () => number, rights: RoutingRights): CaseStore {
  async function find(id: string): Promise<ApprovalCase | undefined> {
    if (!ID.test(id)) return undefined
    const [own, alias] = await documents.read<object>([{ collection: cases, id }, { collection: aliases, id }])
    if (own !== undefined) return caseOf(own.data as CaseDocument)
    if (alias === undefined) return undefined
    const [shared] = await documents.read([{ collection: cases, id: (alias.data as { approval: string }).approval }])
    return shared === undefined ? undefined : caseOf(shared.data)
  }

  async function look(id: string) {
    const found = await find(id)
    if (found === undefined) return undefined
    const [own, ...lockDocs] = await documents.read<object>([{ collection: cases, id: found.id }, ...lockRefs(lockable(found))])
    if (own === undefined) return undefined
    const at = now()
    const timed = transition(caseOf(own.data as CaseDocument), { kind: 'tick' }, at)
    return isRefusal(timed) ? undefined : { current: timed.next, locks: lockFacts(lockDocs, at) }
  }

  async function change(id: string, command: (context: ChangeContext) => Command | Refusal, extra?: Extra): Promise<Changed | Refusal> {
    for (;;) {
      const known = await find(id)
      if (known === undefined) return notFound(id)
      const changed = await changeKnown(known, command, extra)
      // It became a use of a grant in between, which happens once.
      if (changed !== AGAIN) return changed
    }
  }

  async function changeKnown(known: ApprovalCase, command: (context: ChangeContext) => Command | Refusal, extra: Extra | undefined): Promise<Changed | Refusal | typeof AGAIN> {
    const lockedBy = lockRefs(lockable(known))
    const own: readonly Ref[] = [{ collection: cases, id: known.id }, { collection: approvals, id: known.id }, { collection: runs, id: known.attach.digest }, ...lockedBy]
    const grantedBy: readonly Ref[] = known.grant === undefined ? [] : [{ collection: grants, id: known.grant.id }]
    return documents.transact<Changed | typeof AGAIN>([...own, ...grantedBy, ...extra?.refs ?? []], (docs, at) => {
      if (docs[0] === undefined) return notFound(known.id)
      const current = caseOf(docs[0].data as CaseDocument)
      if (current.grant?.id !== known.grant?.id) return { writes: [], facts: [], result: AGAIN }
      const grant = grantedBy.length === 0 ? undefined : docs[own.length]?.data as GrantDocument | undefined
      const timed = transition(current, { kind: 'tick' }, at) as Step
      const context: ChangeContext = { current: timed.next, locks: lockFacts(docs.slice(3, own.length), at), extra: docs.slice(own.length + grantedBy.length), now: at, ...grant === undefined ? {} : { grant } }
      const wanted = command(context)
      const step = isRefusal(wanted) ? wanted : transition(current, wanted, at)
      if (isRefusal(step)) return step
      const accepted = step.refused === undefined
      return commitOf(current, step, accepted ? extra?.writes(context, step) ?? [] : [], accepted ? extra?.facts?.(context, step) ?? [] : [], at)
    })
  }

  function commitOf(previous: ApprovalCase, step: Step, extra: readonly Write[], told: readonly CloudEvent[], at: number): Commit<Changed> {
    const result: Changed = { ...step, previous }
    if (step.next === previous) return { writes: extra, facts: told, result }
    const { facts } = step
    return { writes: [...caseWrites(step.next), ...runWrites(step.next, facts, at), ...extra], facts: [...factEvents(step.next, facts, at, rights), ...told], result }
  }

  return { find, look, change }
}

/** The case and what proxies see of it, always together. */
export function caseWrites(next: ApprovalCase): readonly Write[] {
  return [
    { kind: 'put', ref: { collection: cases, id: next.id }, data: caseDocument(next) },
    { kind: 'put', ref: { collection: approvals, id: next.id }, data: viewOf(next) },
  ]
}

/** The last run of a call as its agent sent it, for the card of the next request. */
function runWrites({ id, attach, requester, state }: ApprovalCase, facts: readonly Fact[], now: number): readonly Write[] {
  if (state.state !== 'answered' && state.state !== 'unknown') return []
  if (!facts.some(({ type }) => type === 'approval.completed')) return []
  const data: Run = {
    approval: id, agent: requester.id, run: requester.run, at: state.settledAt, outcome: state.state,
    ...state.state === 'answered' ? { status: state.status } : {}, deleteAt: now + KEEP_MS,
  }
  return [{ kind: 'put', ref: { collection: runs, id: attach.digest }, data }]
}

function lockable({ requester, target }: ApprovalCase) {
  return { agent: requester.id, run: requester.run, target }
}

function notFound(id: string): Refusal {
  return refuse('NOT_FOUND', `There is no approval ${visible(id.slice(0, 64))}.`)
}
