/**
 * The approval service: request → decision → grant → claim → receipt, and locks.
 * Imports no adapter; an edition's composition root gives the ports. Everything the package exports stands here.
 */
import { TOPICS } from '@lockkeeper/domain/events'
import { approvals, HEARTBEAT_EVERY_MS, locks as lockCollection } from '@lockkeeper/domain/collections'
import type { Clock } from '@lockkeeper/domain'
import type { ApprovalApi, BlobStore, Collection, Delivery, DocumentStore, EventBus, Subscription, SubscriptionOptions } from '@lockkeeper/domain/ports'
import { repeat, type Log, type RepeatedWork } from '@lockkeeper/service-kit'
import type { Telemetry } from '@lockkeeper/service-kit/telemetry'
import type { Router } from 'express'
import { createAdmin, type ApprovalAdmin } from './admin.ts'
import { ApprovalTelemetry } from './approval-telemetry.ts'
import { createApprovalApi } from './claims.ts'
import { createCaseStore } from './case-store.ts'
import { aliases, cases, gates, grants, grantUses, inbox, load, namedClaims, passkeys, refusedDecisions, requests, reviews, runs, slots, threads, usedProofs } from './collections.ts'
import { createDecisions } from './decisions.ts'
import { createGrantAdmin } from './grant-admin.ts'
import { outsideGroups } from './group-claims.ts'
import { beat } from './heartbeat.ts'
import { receiveRequest } from './intake.ts'
import { createLoadBook } from './load-book.ts'
import { createLocks } from './locks.ts'
import type { MethodLookup } from './known-methods.ts'
import { checkTerminalKeys, type TerminalKey, type VerifyIdToken } from './proof.ts'
import type { PasskeyPlace } from './passkey-proof.ts'
import { createPasskeys, type Passkeys } from './passkeys.ts'
import { createReceiptBox } from './receipt-box.ts'
import { createRequestStore } from './request-store.ts'
import { createRoutes } from './routes.ts'
import { createReviews } from './reviews.ts'
import type { People, RoutingRights } from './routing.ts'
import { readSettings, type ApprovalSettings } from './settings.ts'
import type { SlackTrust } from './slack-proof.ts'
import { sweepCases, sweepGrants, sweepLocks, sweepOrphans } from './sweeper.ts'

export interface ApprovalPorts {
  readonly documents: DocumentStore
  readonly events: EventBus
  readonly blobs: BlobStore
  readonly clock: Clock
  readonly people: People
  /** 32 bytes that seal receipts. Another key makes the stored ones unreadable. */
  readonly receiptKey: Uint8Array
  /** Terminals whose signed decisions count, each with the persons that it may speak for. */
  readonly terminalKeys: readonly TerminalKey[]
  /** The catalog, where there is one: it outweighs what a request says of its own risk. */
  readonly methods?: MethodLookup
  /** Checks approvers' ID tokens; without it none is accepted. */
  readonly verifyIdToken?: VerifyIdToken
  /** Whose clicks in Slack count; without it none does. */
  readonly slack?: SlackTrust
  /** Where passkeys are used: the embedded edition's console. Without it none counts. */
  readonly passkeys?: PasskeyPlace
  readonly log: Log
  /** Undefined: off. */
  readonly telemetry?: Telemetry | undefined
}

export interface ApprovalService {
  /** For proxies: claim, complete, receipt, delivered. */
  readonly api: ApprovalApi
  /** For operators, on the admin socket. */
  readonly admin: ApprovalAdmin
  /** Of persons, for the console. */
  readonly passkeys: Passkeys
  /** The same as HTTP, for the admin listener only. */
  readonly routes: Router
  /** What `start` subscribes to; an edition whose bus pushes over HTTP calls `handle` itself. It rejects only for what a redelivery can mend. */
  readonly subscriptions: readonly { readonly options: SubscriptionOptions, readonly handle: (delivery: Delivery) => Promise<void> }[]
  /** Beats once, then subscribes and keeps sweeping. Rejects with PortUnavailable when the first beat cannot be written. */
  start(): Promise<void>
  /** One heartbeat; `start` does it each second. */
  beat(): Promise<void>
  /** One bounded pass over what time has ended; `start` does it each second. The number of cases that moved. */
  sweep(): Promise<number>
  /** Stops taking events and waits for what is in flight. */
  drain(): Promise<void>
}

const ORPHANS_EVERY_MS = 3_600_000
interface Running { readonly subscriptions: readonly Subscription[], readonly work: readonly RepeatedWork[] }

/** Collections that the store must be opened with. */
export const collections: readonly Collection[] = [approvals, lockCollection, cases, requests, slots, threads, aliases, gates, runs, grants, grantUses, reviews, load, passkeys, inbox, usedProofs, refusedDecisions, namedClaims]

export function createApprovalService(ports: ApprovalPorts, settings: ApprovalSettings): ApprovalService {
  const { selfApproval, pendingPerAgent, receiptWindows: windows, dialByMs, claimTimeoutMs, mode, groupClaims, fatigue, bigqueryPricePerTiB: price } = readSettings(settings)
  const { documents, events, blobs, clock, people, log } = ports
  checkTerminalKeys(ports.terminalKeys, mode)
  const now = (): number => clock.now()
  const rights: RoutingRights = { people, selfApproval, outsideGroups: outsideGroups(groupClaims) }
  const store = createCaseStore(documents, now, rights)
  const receipts = createReceiptBox(blobs, ports.receiptKey)
  const requestStore = createRequestStore(documents, blobs, now)
  const locks = createLocks(documents, now)
  const trust = ports.passkeys === undefined ? undefined : { ...ports.passkeys, documents, personOf: (id: string) => people.byId(id) }
  const proofs = { terminalKeys: ports.terminalKeys, groupClaims, ...ports.verifyIdToken === undefined ? {} : { verifyIdToken: ports.verifyIdToken }, ...ports.slack === undefined ? {} : { slack: ports.slack }, ...trust === undefined ? {} : { passkeys: trust } }
  const passkeysOf = createPasskeys({ documents, people, trust, now, log })
  const loadBook = createLoadBook({ documents, now, mode, fatigue, log })
  const telemetry = ports.telemetry === undefined ? undefined : new ApprovalTelemetry(ports.telemetry, clock)
  const decisions = createDecisions({ documents, store, requestStore, rights, proofs, mode, now, loadBook, telemetry, log })
  const intake = { documents, requestStore, rights, mode, now, pendingPerAgent, loadBook, price, telemetry: ports.telemetry, log, ...ports.methods === undefined ? {} : { methods: ports.methods } }
  const sweeping = { documents, store, receipts, requestStore, now, log }
  const admin = createAdmin({ documents, store, requestStore, receipts, rights, decisions, locks, grants: createGrantAdmin(documents, now, log), reviews: createReviews({ documents, proofs, rights, now, log }), mode, price, now })

  const subscriptions: ApprovalService['subscriptions'] = [
    { options: { topic: TOPICS.access, name: 'approval-access' }, handle: async ({ event }) => event.type === 'access.requested' ? receiveRequest(intake, event) : undefined },
    { options: { topic: TOPICS.decisions, name: 'approval-decisions' }, handle: async ({ event }) => event.type === 'decision.submitted' ? decisions.receive(event) : undefined },
  ]

  const sweep = async (): Promise<number> => {
    await sweepLocks(documents, now)
    await sweepGrants(documents, now)
    const moved = await sweepCases(sweeping)
    await loadBook.flush()
    return moved
  }

  const failed = (what: string) => (cause: unknown): void => log.error({ err: cause }, `${what} failed; it is tried again`)
  let running: Running | undefined

  async function start(): Promise<void> {
    if (running !== undefined) throw new TypeError('the approval service runs already')
    running = { subscriptions: [], work: [] }
    try {
      await beat(documents)
    } catch (cause) {
      running = undefined
      throw cause
    }
    running = {
      subscriptions: subscriptions.map(({ options, handle }) => events.subscribe(options, handle)),
      work: [
        repeat({ everyMs: HEARTBEAT_EVERY_MS, first: 'now', work: () => beat(documents), failed: failed('the heartbeat') }),
        repeat({ everyMs: HEARTBEAT_EVERY_MS, first: 'now', work: sweep, failed: failed('the sweep') }),
        repeat({ everyMs: ORPHANS_EVERY_MS, first: 'now', work: () => sweepOrphans(sweeping), failed: failed('the sweep of orphaned receipts') }),
      ],
    }
  }

  async function drain(): Promise<void> {
    const { subscriptions: open, work } = running ?? { subscriptions: [], work: [] }
    await Promise.all([...open.map((each) => each.close()), ...work.map((each) => each.stop())])
    await loadBook.flush()
    running = undefined
  }

  return {
    api: createApprovalApi({ store, receipts, rights, windows, dialByMs, claimTimeoutMs, log }),
    admin, passkeys: passkeysOf, routes: createRoutes(admin, passkeysOf, now, log), subscriptions, start, sweep, drain, beat: () => beat(documents),
  }
}

export { decidedSchema } from './api/approval-schemas.ts'
export { reviewSchema } from './api/grant-schemas.ts'
export type { ApprovalAdmin, ApprovalDetail, ApprovalPage, ListFilter } from './admin.ts'
export { renderCard, type Card, type CardInput } from './card.ts'
export { renderCardText } from './card-text.ts'
export type { Decided } from './decisions.ts'
export type { LoadOf, LoadReport } from './load-report.ts'
export { lockId } from './lock-documents.ts'
export type { MethodLookup } from './known-methods.ts'
export type { GrantPage, GrantView } from './grant-admin.ts'
export { groupClaimSchema } from './group-claims.ts'
export { closingDecision } from './reviews.ts'
export type { GrantUseDocument, ReviewDocument } from './collections.ts'
export { idTokenNonce, terminalDecisionBytes, type SubmittedDecision, type TerminalKey, type VerifyIdToken } from './proof.ts'
export type { DecisionChallenge } from './decision-challenge.ts'
export type { DecisionOffer } from './decision-offer.ts'
export type { PasskeyPlace } from './passkey-proof.ts'
export type { Passkeys, PasskeyView, RegistrationStart } from './passkeys.ts'
export type { People } from './routing.ts'
export type { WaitingCall, WaitingPage } from './waiting-list.ts'
export { fatigueSchema, priceSchema, type ApprovalSettings } from './settings.ts'
export type { SlackTrust } from './slack-proof.ts'
