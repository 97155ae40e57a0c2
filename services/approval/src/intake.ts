/** `access.requested` → one live case for each attach key, within the caps, and only where somebody may decide it. */
import { attachHash, sha256 } from '@lockkeeper/domain/digest'
import { isRefusal } from '@lockkeeper/domain/errors'
import { traceOf, type CloudEvent } from '@lockkeeper/domain/events'
import type { Mode } from '@lockkeeper/domain'
import { approvals } from '@lockkeeper/domain/collections'
import { PortUnavailable, type AccessRequest, type Doc, type DocumentStore, type Ref, type Write } from '@lockkeeper/domain/ports'
import type { Log } from '@lockkeeper/service-kit'
import { traced, type Telemetry } from '@lockkeeper/service-kit/telemetry'
import { readAccessRequest } from './access-request.ts'
import type { ApprovalCase } from './approval-case.ts'
import { callDifferences } from './call-differences.ts'
import type { Price } from './card-effect.ts'
import { aliases, cases, gates, KEEP_MS, runs, slots, threads, type CaseDocument, type Gate, type Run, type Slot } from './collections.ts'
import { caseOf } from './facts.ts'
import { findCover, isFree, type Cover } from './grant-cover.ts'
import { grantRef, useRef } from './grants.ts'
import { handled, inboxRef, poison, wasHandled } from './inbox.ts'
import { strictest, type MethodLookup } from './known-methods.ts'
import type { LoadBook } from './load-book.ts'
import { lockFacts, lockRefs } from './lock-documents.ts'
import { openCase, type OpeningFacts } from './opening.ts'
import type { RequestStore, RequestWrite } from './request-store.ts'
import { escalatedTerms, route, type Route, type RoutingRights } from './routing.ts'

export interface IntakeParts {
  readonly documents: DocumentStore
  readonly requestStore: RequestStore
  readonly rights: RoutingRights
  readonly methods?: MethodLookup
  readonly mode: Mode
  readonly now: () => number
  readonly pendingPerAgent: number
  readonly loadBook: LoadBook
  readonly price?: Price | undefined
  readonly telemetry?: Telemetry | undefined
  readonly log: Log
}

/** Other requests of the same agent or key that may come between before the event is given back to the bus. */
const MAX_ATTEMPTS = 50

/** `asked`: persons have something new before them. */
type Outcome = 'done' | 'asked' | 'again' | 'id-taken'

/** Rejects only for what a redelivery can mend. */
export function receiveRequest(parts: IntakeParts, event: CloudEvent): Promise<void> {
  const parent = traceOf(event)
  return traced(parts.telemetry, 'lockkeeper.approval.intake', { kind: 'consumer', parent, facts: { 'messaging.message.id': event.id } }, (span) => receive(parts, event, span?.traceparent ?? parent))
}

async function receive(parts: IntakeParts, event: CloudEvent, traceparent: string | undefined): Promise<void> {
  if (await wasHandled(parts.documents, event)) return
  const read = readAccessRequest(event.data, parts.mode)
  if ('problem' in read) return dropped(parts, event, read.problem)
  const request = parts.methods === undefined ? read.request : strictest(read.request, parts.methods)
  const body = await parts.requestStore.prepare(request)
  for (let attempt = 0; attempt < MAX_ATTEMPTS; attempt += 1) {
    const outcome = await place(parts, event, request, body, traceparent)
    if (outcome === 'again') continue
    await parts.requestStore.settle(body)
    return outcome === 'done' ? undefined : dropped(parts, event, `the id ${request.id} is taken`)
  }
  throw new PortUnavailable('too many requests of one agent at once')
}

async function dropped(parts: IntakeParts, event: CloudEvent, why: string): Promise<void> {
  parts.log.error({ event: event.id, source: event.source, why }, 'an access request can never be handled and was dropped')
  await poison(parts.documents, event, why)
}

/** The documents that one opening reads and writes, by name. `existing` is another case than `own`. */
function placesOf(event: CloudEvent, request: AccessRequest, body: RequestWrite, existing: string | undefined, cover?: Cover) {
  const { issuer, id, run } = request.agent
  const { id: own } = request
  const older: Readonly<Record<string, Ref>> = existing === undefined || existing === own ? {} : { existing: { collection: cases, id: existing }, existingView: { collection: approvals, id: existing } }
  const granted: Readonly<Record<string, Ref>> = cover === undefined ? {} : { grant: grantRef(cover.grant.id), use: useRef(cover.grant.id, cover.use) }
  return {
    inbox: inboxRef(event) as Ref, slot: { collection: slots, id: attachHash(request.attach) } as Ref<Slot>,
    gate: { collection: gates, id: sha256(JSON.stringify([issuer, id])) } as Ref<Gate>,
    thread: { collection: threads, id: sha256(JSON.stringify([issuer, id, run, request.call.method])) } as Ref<Slot>,
    run: { collection: runs, id: request.attach.digest } as Ref<Run>, own: { collection: cases, id: own } as Ref<CaseDocument>,
    ownView: { collection: approvals, id: own } as Ref, alias: { collection: aliases, id: own } as Ref, body: body.ref as Ref, ...older, ...granted,
  }
}

async function place(parts: IntakeParts, event: CloudEvent, request: AccessRequest, body: RequestWrite, traceparent: string | undefined): Promise<Outcome> {
  const { slot, gate, thread } = placesOf(event, request, body, undefined)
  const [slotDoc, gateDoc, threadDoc] = await parts.documents.read<object>([slot, gate, thread])
  const [given, cover] = await Promise.all([gather(parts, request, threadDoc?.data as Slot | undefined), findCover(parts, request)])
  const places = placesOf(event, request, body, (slotDoc?.data as Slot | undefined)?.approval, cover)
  const named = Object.keys(places)
  const locks = lockRefs({ agent: request.agent.id, run: request.agent.run, target: request.call.target })
  const outcome = await parts.documents.transact<Outcome>([...Object.values(places), ...locks], (docs, now) => {
    const at: Readonly<Record<string, Doc | undefined>> = Object.fromEntries(named.map((name, index) => [name, docs[index]]))
    const finish = (result: Outcome) => ({ writes: [], facts: [], result })
    if (at['inbox'] !== undefined) return finish('done')
    if (at['slot']?.version !== slotDoc?.version || at['gate']?.version !== gateDoc?.version) return finish('again')
    if (cover !== undefined && !isFree(cover, at['grant'], at['use'], now)) return finish('again')
    const covered = cover === undefined ? {} : { cover: { ...cover, grant: at['grant']?.data as Cover['grant'] } }
    const lockedAt = lockFacts(docs.slice(named.length), now).latestAt
    const { kind, open, asked, writes, facts } = openCase(request, { ...given, lockedAt, traceparent, ...covered, ...caseNamed('existing', at), ...caseNamed('own', at), ...runOf(at['run']) }, now)
    if (kind === 'id-taken') return finish('id-taken')
    const marks = kind === 'opened' ? markWrites(places, request.id, gateDoc?.data as Gate | undefined, now) : []
    return { writes: [...writes, ...marks, ...open ? [body] : [], handled(event, now)], facts, result: asked ? 'asked' : 'done' }
  })
  if (isRefusal(outcome)) throw new TypeError('opening a case refuses nothing')
  if (outcome === 'asked') parts.loadBook.asked({ rule: request.decision.rule }, given.route.eligible)
  return outcome === 'asked' ? 'done' : outcome
}

/** What need not be exact at the moment of the commit, or is made so by the gate. */
async function gather(parts: IntakeParts, request: AccessRequest, thread: Slot | undefined): Promise<Omit<OpeningFacts, 'lockedAt'>> {
  const { issuer, id } = request.agent
  const { pendingPerAgent } = parts
  const [pending, before] = await Promise.all([
    parts.documents.query(approvals, { name: 'byAgentState', equal: { issuer, agent: id, state: 'pending' }, limit: pendingPerAgent }),
    thread === undefined || thread.approval === request.id ? undefined : parts.requestStore.read(thread.approval),
  ])
  const terms = request.decision.obligations.approval ?? { reviewers: [], quorum: 1, reasonRequired: false }
  const lines = before === undefined ? [] : callDifferences(before.call, request.call)
  return {
    rights: parts.rights, price: parts.price, route: firstRoute(parts.rights, request.agent, terms), pending: pending.docs.length, pendingPerAgent,
    ...before === undefined || lines.length === 0 ? {} : { differences: { from: before.id, lines } },
  }
}

/** Those who are asked at first. Too few of them is no reason to refuse where escalation brings enough. */
function firstRoute(rights: RoutingRights, agent: AccessRequest['agent'], terms: Parameters<typeof escalatedTerms>[0]): Route {
  const first = route(rights, agent, terms)
  const { unroutable, ...asked } = first
  if (unroutable === undefined || terms.escalate === undefined) return first
  return route(rights, agent, escalatedTerms(terms)).unroutable === undefined ? asked : first
}

function markWrites({ slot, gate, thread }: ReturnType<typeof placesOf>, approval: string, before: Gate | undefined, now: number): readonly Write[] {
  const deleteAt = now + KEEP_MS
  return [
    { kind: 'put', ref: slot, data: { approval, deleteAt } satisfies Slot },
    { kind: 'put', ref: thread, data: { approval, deleteAt } satisfies Slot },
    { kind: 'put', ref: gate, data: { count: (before?.count ?? 0) + 1, deleteAt } satisfies Gate },
  ]
}

function caseNamed<N extends 'existing' | 'own'>(name: N, at: Readonly<Record<string, Doc | undefined>>): { readonly [K in N]?: ApprovalCase } {
  const doc = at[name]
  return doc === undefined ? {} : { [name]: caseOf(doc.data as CaseDocument) } as { readonly [K in N]?: ApprovalCase }
}

function runOf(doc: Doc | undefined): { readonly run?: Run } {
  return doc === undefined ? {} : { run: doc.data as Run }
}
