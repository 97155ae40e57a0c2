/** `access.requested` → one live case for each attach key, within the caps, and only where somebody may decide it. */
import { attachHash, sha256 } from '@lockkeeper/domain/digest'
import { isRefusal } from '@lockkeeper/domain/errors'
import type { CloudEvent } from '@lockkeeper/domain/events'
import type { Mode } from '@lockkeeper/domain'
import { approvals } from '@lockkeeper/domain/collections'
import { PortUnavailable, type AccessRequest, type Commit, type Doc, type DocumentStore, type Ref, type Write } from '@lockkeeper/domain/ports'
import { readAccessRequest } from './access-request.ts'
import { isSettled, type ApprovalCase, type CaseState, type Fact } from './approval-case.ts'
import { caseWrites } from './case-store.ts'
import { aliases, cases, gates, KEEP_MS, runs, slots, type CaseDocument, type Gate, type Run, type Slot } from './collections.ts'
import { caseOf, factEvents } from './facts.ts'
import { handled, inboxRef, poison, wasHandled } from './inbox.ts'
import type { Log } from './log.ts'
import { earlierOf, newCase } from './new-case.ts'
import type { RequestStore } from './request-store.ts'
import { route, type People, type Route } from './routing.ts'
import { transition, type Step } from './state-machine.ts'

export interface IntakeParts {
  readonly documents: DocumentStore
  readonly requestStore: RequestStore
  readonly people: People
  readonly mode: Mode
  readonly selfApproval: boolean
  readonly pendingPerAgent: number
  readonly log: Log
}

/** Other requests of the same agent or key that may come between before the event is given back to the bus. */
const MAX_ATTEMPTS = 50

type Outcome = 'done' | 'again' | { readonly poisoned: string }

/** Rejects only for what a redelivery can mend. */
export async function receiveRequest(parts: IntakeParts, event: CloudEvent): Promise<void> {
  if (await wasHandled(parts.documents, event)) return
  const read = readAccessRequest(event.data, parts.mode)
  if ('problem' in read) return dropped(parts, event, read.problem)
  const body = await parts.requestStore.prepare(read.request)
  for (let attempt = 0; attempt < MAX_ATTEMPTS; attempt += 1) {
    const outcome = await place(parts, event, read.request, body)
    if (outcome === 'again') continue
    await parts.requestStore.settle(body)
    return outcome === 'done' ? undefined : dropped(parts, event, outcome.poisoned)
  }
  throw new PortUnavailable('too many requests of one agent at once')
}

async function dropped(parts: IntakeParts, event: CloudEvent, why: string): Promise<void> {
  parts.log.error({ event: event.id, source: event.source, why }, 'an access request can never be handled and was dropped')
  await poison(parts.documents, event, why)
}

/** What was read before the transaction, to be found unchanged in it. */
interface Before {
  readonly slot: Doc<Slot> | undefined
  readonly gate: Doc<Gate> | undefined
  readonly pending: number
  readonly route: Route
}

async function place(parts: IntakeParts, event: CloudEvent, request: AccessRequest, body: Write): Promise<Outcome> {
  const slotRef: Ref<Slot> = { collection: slots, id: attachHash(request.attach) }
  const gateRef: Ref<Gate> = { collection: gates, id: sha256(JSON.stringify([request.agent.issuer, request.agent.id])) }
  const [[slot], [gate]] = await Promise.all([parts.documents.read([slotRef]), parts.documents.read([gateRef])])
  const pending = await parts.documents.query(approvals, {
    name: 'byAgentState', equal: { issuer: request.agent.issuer, agent: request.agent.id, state: 'pending' }, limit: parts.pendingPerAgent,
  })
  const terms = request.decision.obligations.approval ?? { reviewers: [], quorum: 1 }
  const before: Before = { slot, gate, pending: pending.docs.length, route: route(parts.people, request.agent, terms, parts.selfApproval) }
  const known = slot?.data.approval ?? request.id
  const refs: readonly Ref[] = [
    inboxRef(event), slotRef, gateRef, { collection: cases, id: known }, { collection: cases, id: request.id }, { collection: runs, id: request.attach.digest },
    { collection: approvals, id: known }, { collection: approvals, id: request.id }, { collection: aliases, id: request.id }, body.ref,
  ]
  const outcome = await parts.documents.transact<Outcome>(unique(refs), (docs, now) => {
    const at = new Map(unique(refs).map((ref, index) => [`${ref.collection.name}/${ref.id}`, docs[index]]))
    const doc = (ref: Ref): Doc | undefined => at.get(`${ref.collection.name}/${ref.id}`)
    if (doc(refs[0] as Ref) !== undefined) return nothing('done')
    if (doc(slotRef)?.version !== slot?.version || doc(gateRef)?.version !== gate?.version) return nothing('again')
    const found = { existing: asCase(doc(refs[3] as Ref)), own: asCase(doc(refs[4] as Ref)), run: doc(refs[5] as Ref)?.data as Run | undefined }
    const commit = open(parts, request, before, found, now)
    const writes = commit.opened ? [slotWrite(slotRef, request, now), gateWrite(gateRef, gate, now), ...commit.pending ? [body] : []] : []
    return { writes: commit.result === 'done' ? [...commit.writes, ...writes, handled(event, now)] : [], facts: commit.facts, result: commit.result }
  })
  if (isRefusal(outcome)) throw new TypeError('opening a case refuses nothing')
  return outcome
}

interface Found { readonly existing?: ApprovalCase, readonly own?: ApprovalCase, readonly run?: Run }
interface Opening extends Commit<Outcome> { readonly opened: boolean, readonly pending: boolean }

/** Shares the live case of the same key, or opens a new one, ending an older one that no longer holds. */
function open(parts: IntakeParts, request: AccessRequest, before: Before, { existing, own, run }: Found, now: number): Opening {
  const closed = { opened: false, pending: false }
  if (own !== undefined && own.attachHash !== attachHash(request.attach)) return { ...closed, ...nothing({ poisoned: `the id ${request.id} is taken` }) }
  if (own !== undefined) return { ...closed, ...nothing('done') }
  const ended = existing === undefined ? undefined : endOlder(existing, request, now)
  if (ended === 'shared') {
    const alias: Write = { kind: 'put', ref: { collection: aliases, id: request.id }, data: { approval: existing?.id ?? '', deleteAt: now + KEEP_MS } }
    return { ...closed, ...nothing('done'), writes: [alias] }
  }
  const opened = newCase(request, now, firstState(parts, before, now), earlierOf(request, ended?.next, run))
  const timed = transition(opened, { kind: 'tick' }, now) as Step
  const facts = [firstFact(opened, before.route), ...timed.facts]
  return {
    opened: true, pending: timed.next.state.state === 'pending', result: 'done',
    writes: [...ended === undefined ? [] : caseWrites(ended.next), ...caseWrites(timed.next)],
    facts: [...ended === undefined ? [] : factEvents(ended.next, ended.facts, now), ...factEvents(timed.next, facts, now)],
  }
}

/** `shared`: the older case still answers for this call. Otherwise its last step. */
function endOlder(existing: ApprovalCase, request: AccessRequest, now: number): Step | 'shared' {
  const timed = transition(existing, { kind: 'tick' }, now) as Step
  const { state } = timed.next
  // Asked before it was settled, or while its answer can still be read: the same wait.
  if (isSettled(state)) return request.at <= state.settledAt || (state.state === 'answered' && state.receipt !== undefined) ? 'shared' : timed
  const holds = existing.decisionHash === request.decision.hash && (existing.stateHash ?? '') === (request.stateHash ?? '')
  if (holds || state.state === 'claimed') return 'shared'
  const why = `The rule or the resource changed while ${existing.id} waited; ${request.id} asks again.`
  return transition(existing, { kind: 'cancel', refusal: 'STATE_CHANGED', why }, now) as Step
}

function firstState(parts: IntakeParts, { route: { unroutable }, pending }: Before, now: number): CaseState {
  if (unroutable !== undefined) return { state: 'cancelled', settledAt: now, refusal: 'APPROVAL_UNROUTABLE', why: `No one may approve the call. ${unroutable}` }
  if (pending < parts.pendingPerAgent) return { state: 'pending' }
  return { state: 'cancelled', settledAt: now, refusal: 'TOO_MANY_PENDING', why: `The agent has ${pending} calls waiting for approval. Nothing has run; have some decided first.` }
}

function firstFact({ state, summary }: ApprovalCase, { eligible, quorum }: Route): Fact {
  if (state.state === 'cancelled') return { type: 'approval.cancelled', data: { why: state.why } }
  return { type: 'approval.requested', data: { reviewers: [...eligible], quorum, summary } }
}

function slotWrite(ref: Ref<Slot>, request: AccessRequest, now: number): Write {
  return { kind: 'put', ref, data: { approval: request.id, deleteAt: now + KEEP_MS } satisfies Slot }
}

function gateWrite(ref: Ref<Gate>, gate: Doc<Gate> | undefined, now: number): Write {
  return { kind: 'put', ref, data: { count: (gate?.data.count ?? 0) + 1, deleteAt: now + KEEP_MS } satisfies Gate }
}

function nothing(result: Outcome): Commit<Outcome> {
  return { writes: [], facts: [], result }
}

function asCase(doc: Doc | undefined): ApprovalCase | undefined {
  return doc === undefined ? undefined : caseOf(doc.data as CaseDocument)
}

function unique(refs: readonly Ref[]): readonly Ref[] {
  return [...new Map(refs.map((ref) => [`${ref.collection.name}/${ref.id}`, ref])).values()]
}
