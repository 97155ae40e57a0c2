/** An approval service on the real embedded store, with people, terminals and a clock that tests hold in their hands. */
import { generateKeyPairSync, randomUUID, sign } from 'node:crypto'
import { join } from 'node:path'
import { createPeopleDirectory } from '@lockkeeper/auth'
import { openFileBlobs, openSqlite } from '@lockkeeper/adapter-sqlite'
import { digestOf } from '@lockkeeper/domain/digest'
import { isRefusal, type Refusal } from '@lockkeeper/domain/errors'
import { cloudEvent, type CloudEvent } from '@lockkeeper/domain/events'
import type { Agent, ApprovalTerms, Person, PersonId } from '@lockkeeper/domain'
import type { AccessRequest, BlobStore, CanonicalCall, Claim, DocumentStore, EventBus } from '@lockkeeper/domain/ports'
import type { Log } from '@lockkeeper/service-kit'
import { aCanonicalCall, anAgent, anApproveDecision, aPerson, manualClock, tempDir, type ManualClock } from '@lockkeeper/testkit'
import {
  collections, createApprovalService, terminalDecisionBytes, type ApprovalPorts, type ApprovalService, type ApprovalSettings, type Decided, type People, type SubmittedDecision,
} from '../src/service.ts'

export const TERMINAL = generateKeyPairSync('ed25519')
export const STRANGER = generateKeyPairSync('ed25519')

/** A directory whose persons a test may change between two steps. */
export function directory(persons: Person[]): People & { readonly persons: Person[] } {
  const now = (): People => createPeopleDirectory(persons)
  return {
    persons,
    byId: (id) => now().byId(id),
    byIdentity: (issuer, subject) => now().byIdentity(issuer, subject),
    byEmail: (address) => now().byEmail(address),
    byGithub: (login) => now().byGithub(login),
    group: (name) => now().group(name),
  }
}

const quiet = (): void => undefined
export const QUIET: Log = { debug: quiet, info: quiet, warn: quiet, error: quiet }

export const person = (id: string): PersonId => id as PersonId
export const disable = (people: { readonly persons: Person[] }, id: string): void => {
  people.persons.splice(0, people.persons.length, ...people.persons.map((each) => each.id === id ? { ...each, disabled: true } : each))
}

export interface Ask {
  readonly id?: string
  readonly agent?: Partial<Agent>
  readonly call?: Partial<CanonicalCall>
  readonly terms?: Partial<ApprovalTerms>
  readonly hash?: string
  readonly idempotencyKey?: string
  readonly stateHash?: string
  readonly statedReason?: string
  readonly at?: number
}

export interface WorldStore { readonly documents: DocumentStore, readonly events: EventBus, close(): Promise<void> }
/** Opens what a world stands on; called again, it finds what it left. */
export type OpenStore = (place: { readonly dir: string, readonly clock: ManualClock }) => Promise<WorldStore>

const embeddedStore: OpenStore = ({ dir, clock }) => openSqlite({ file: join(dir, 'store.sqlite'), collections, clock })

export interface World {
  /** Where store and blobs lie. */
  readonly dir: string
  readonly clock: ManualClock
  readonly people: ReturnType<typeof directory>
  readonly blobs: BlobStore
  readonly logged: string[]
  readonly store: () => WorldStore
  readonly service: () => ApprovalService
  /** A complete request whose agent is sponsored by ana, to be approved by bo or cy. */
  ask(changes?: Ask): AccessRequest
  /** Hands an event to the service as its subscription would. */
  deliver(event: CloudEvent): Promise<void>
  /** Asks and delivers. */
  raise(changes?: Ask): Promise<AccessRequest>
  signed(request: AccessRequest, who: string, verdict: 'approve' | 'deny', changes?: Partial<SubmittedDecision> & { readonly at?: number }): SubmittedDecision
  decide(request: AccessRequest, who: string, verdict?: 'approve' | 'deny', reason?: string): Promise<Decided | Refusal>
  claim(request: AccessRequest, changes?: { readonly hash?: string, readonly stateHash?: string, readonly holder?: string }): Promise<Claim | Refusal>
  /** Raised, approved by bo and claimed. */
  claimed(changes?: Ask): Promise<{ readonly request: AccessRequest, readonly fence: string }>
  state(request: AccessRequest): Promise<string>
  /** Closes store and service and opens both again over the same files, as after a crash. */
  reopen(): Promise<void>
  close(): Promise<void>
}

export function requestedEvent(request: AccessRequest, id: string = randomUUID()): CloudEvent {
  return cloudEvent('access.requested', '/proxy/test', id, request.at, request)
}

export function submittedEvent(decision: unknown, at: number, id: string = randomUUID()): CloudEvent {
  return cloudEvent('decision.submitted', '/notifier', id, at, decision)
}

export function granted<T extends object>(value: T | Refusal): T {
  if (isRefusal(value)) throw new Error(`refused: ${value.reason} ${value.message}`)
  return value
}

export function refusedWith(value: unknown): string {
  return isRefusal(value) ? value.reason : 'not refused'
}

function defaultPeople(): Person[] {
  const identities = (id: string): Person['identities'] => [{ issuer: 'test', subject: id }, { email: `${id}@acme.test` }, { github: `${id}-gh` }]
  return ['ana', 'bo', 'cy', 'di'].map((id) => aPerson({ id, identities: identities(id) }))
}

export async function openWorld(settings: Partial<ApprovalSettings> = {}, ports: Partial<ApprovalPorts> = {}, openStore: OpenStore = embeddedStore): Promise<World> {
  const dir = tempDir()
  const clock = manualClock()
  const people = directory(defaultPeople())
  const logged: string[] = []
  const write = (level: string) => (facts: object, message: string): void => void logged.push(`${level} ${message} ${JSON.stringify(facts)}`)
  const log = { debug: write('debug'), info: write('info'), warn: write('warn'), error: write('error') }
  const openBlobs = (): Promise<BlobStore> => openFileBlobs(join(dir, 'blobs'))
  const blobs = await openBlobs()
  const serve = (store: WorldStore): ApprovalService => createApprovalService({
    documents: store.documents, events: store.events, blobs, clock, people, log, receiptKey: Buffer.alloc(32, 7),
    terminalKeys: [{ publicKey: TERMINAL.publicKey, persons: ['ana', 'bo', 'cy', 'di', 'eve', 'gus', 'hal'].map(person) }], ...ports,
  }, { mode: 'sandbox', ...settings })
  let store = await openStore({ dir, clock })
  let service = serve(store)

  const world: World = {
    dir, clock, people, blobs, logged, store: () => store, service: () => service,
    ask: (changes = {}) => ask(clock, changes),
    deliver: async (event) => {
      for (const { options, handle } of service.subscriptions) {
        if (options.name === (event.type === 'access.requested' ? 'approval-access' : 'approval-decisions')) await handle({ event, attempt: 1 })
      }
    },
    raise: async (changes) => {
      const request = world.ask(changes)
      await world.deliver(requestedEvent(request))
      return request
    },
    signed: (request, who, verdict, { at = clock.now(), ...changes } = {}) => {
      const decision = { approval: request.id, digest: request.attach.digest, verdict, ...changes }
      const signature = sign(null, terminalDecisionBytes({ ...decision, person: who, at }), TERMINAL.privateKey).toString('base64url')
      return { ...decision, proof: { kind: 'terminal', person: who, at, signature }, ...changes }
    },
    decide: (request, who, verdict = 'approve', reason) => service.admin.decide(world.signed(request, who, verdict, reason === undefined ? {} : { reason })),
    claim: ({ id, attach, decision, stateHash }, changes = {}) => {
      const state = 'stateHash' in changes ? changes.stateHash : stateHash
      return service.api.claim({ approval: id, attach, decisionHash: changes.hash ?? decision.hash, holder: changes.holder ?? 'proxy-1', ...state === undefined ? {} : { stateHash: state } })
    },
    claimed: async (changes) => {
      const request = await world.raise(changes)
      granted(await world.decide(request, 'bo'))
      return { request, fence: granted(await world.claim(request)).fence }
    },
    state: async ({ id }) => granted(await service.admin.show(id)).approval.state,
    reopen: async () => {
      await store.close()
      store = await openStore({ dir, clock })
      service = serve(store)
    },
    close: () => store.close(),
  }
  return world
}

function ask(clock: ManualClock, { agent, call, terms, hash, idempotencyKey, ...changes }: Ask): AccessRequest {
  const who = anAgent({ run: `run-${randomUUID()}`, ...agent })
  const canonical = aCanonicalCall(call)
  const decision = anApproveDecision(hash === undefined ? {} : { hash })
  const approval: ApprovalTerms = { reviewers: [], quorum: 1, expiresMs: 1_800_000, reasonRequired: false, ...terms }
  return {
    id: `apr_${randomUUID().replaceAll('-', '').slice(0, 12)}`, agent: who, call: canonical,
    attach: { issuer: who.issuer, agent: who.id, run: who.run, digest: digestOf(canonical), ...idempotencyKey === undefined ? {} : { idempotencyKey } },
    decision: { ...decision, obligations: { ...decision.obligations, approval } },
    mode: 'sandbox', isolation: 'user', at: clock.now(), ...changes,
  }
}
