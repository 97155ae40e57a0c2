/** A notifier on the real embedded store, with a clock, people and secrets that tests hold in their hands. */
import { randomUUID } from 'node:crypto'
import { join } from 'node:path'
import { openSqlite, type SqliteStore } from '@lockkeeper/adapter-sqlite'
import { LockkeeperError } from '@lockkeeper/domain/errors'
import { cloudEvent, type CloudEvent, type EventData, type ShownCall } from '@lockkeeper/domain/events'
import type { Person } from '@lockkeeper/domain'
import type { SecretSource } from '@lockkeeper/domain/ports'
import type { Log } from '@lockkeeper/service-kit'
import type { Telemetry } from '@lockkeeper/service-kit/telemetry'
import { aPerson, manualClock, tempDir, type ManualClock } from '@lockkeeper/testkit'
import { deliveries, type DeliveryDocument } from '../src/collections.ts'
import { collections, createNotifierService, notifySchema, type NotifierPorts, type NotifierService, type NotifySettingsInput, type People } from '../src/service.ts'

export const BOT_TOKEN = 'xoxb-canary-5f1d'
export const WEBHOOK_SECRET = `whsec_${Buffer.alloc(32, 9).toString('base64')}`

export interface WorldOptions {
  readonly channels: NotifySettingsInput['channels']
  readonly slack?: NotifySettingsInput['slack']
  readonly secrets?: Readonly<Record<string, string>>
  readonly mode?: 'sandbox' | 'real'
  readonly approvalUrl?: string
  readonly telemetry?: Telemetry
  readonly mailLinks?: NotifierPorts['mailLinks']
}

export interface World {
  readonly dir: string
  readonly clock: ManualClock
  readonly secrets: Map<string, string>
  readonly persons: Person[]
  readonly logged: string[]
  readonly service: NotifierService
  readonly store: SqliteStore
  /** Hands a fact to the service as its subscription would; the event that was delivered. */
  tell<T extends FactType>(type: T, data: Partial<EventData<T>> & { readonly approval: string }, id?: string): Promise<CloudEvent>
  receive(event: CloudEvent): Promise<void>
  /** A new request; its id. */
  ask(changes?: Partial<EventData<'approval.requested'>>, shown?: Partial<ShownCall>): Promise<string>
  /** Passes until nothing is due; the number of attempts. */
  deliver(): Promise<number>
  deliveries(): Promise<readonly DeliveryDocument[]>
  /** Another notifier over the same store, as a second instance or after a restart. */
  another(): NotifierService
  close(): Promise<void>
}

type FactType = 'approval.requested' | 'approval.approved' | 'approval.denied' | 'approval.expired' | 'approval.cancelled' | 'approval.claimed' | 'approval.completed' | 'approval.escalated' | 'review.opened' | 'review.closed'

const PEOPLE = ['ana', 'bo', 'cy'].map((id) => aPerson({ id, name: `${id[0]?.toUpperCase()}${id.slice(1)}`, groups: id === 'ana' ? [] : ['oncall'], identities: [{ slack: `U0${id.toUpperCase()}` }, { email: `${id}@acme.test` }] }))
const shownCall: ShownCall = {
  title: 'Delete bucket b', risk: 'medium', riskWhy: 'changes a running system in a way that can be undone', rule: 'tests/approve', sponsor: 'ana@acme.test', reasonRequired: false,
  statedReason: 'clean up', details: ['DELETE https://storage.googleapis.com/storage/v1/b/b', 'bucket = b'], whole: true, warnings: [],
}

export async function openNotifier({ channels, slack, secrets: given = {}, mode = 'sandbox', approvalUrl = 'https://console.test/a/{id}', telemetry, mailLinks }: WorldOptions): Promise<World> {
  const dir = tempDir()
  const clock = manualClock()
  const secrets = new Map(Object.entries({ 'slack-token': BOT_TOKEN, 'webhook-secret': WEBHOOK_SECRET, ...given }))
  const persons = [...PEOPLE]
  const logged: string[] = []
  const write = (level: string) => (facts: object, message: string): void => void logged.push(`${level} ${message} ${JSON.stringify(facts)}`)
  const log: Log = { debug: write('debug'), info: write('info'), warn: write('warn'), error: write('error') }
  const people: People = { byId: (id) => persons.find((person) => person.id === id), byEmail: (address) => persons.find(({ identities }) => identities.some((identity) => 'email' in identity && identity.email === address)), group: (name) => persons.filter(({ groups }) => groups.includes(name)).map(({ id }) => id) }
  const source: SecretSource = { access: async (name) => {
    const value = secrets.get(name)
    if (value === undefined) throw new LockkeeperError('CREDENTIAL_UNAVAILABLE', 'there is no such secret')
    return { value, version: '1' }
  } }
  const store = await openSqlite({ file: join(dir, 'store.sqlite'), collections, clock })
  const notify = notifySchema.parse({ channels, ...slack === undefined ? {} : { slack, listen: { port: 0 } } })
  const create = (): NotifierService => createNotifierService({ documents: store.documents, events: store.events, secrets: source, clock, people, log, telemetry, mailLinks, random: () => 0.5 }, { mode, approvalUrl, channels: notify.channels, ...notify.slack === undefined ? {} : { slackDecides: notify.slack.decides } })
  const service = create()
  const receive = async (event: CloudEvent): Promise<void> => {
    const name = event.type === 'lock.changed' ? 'notifier-locks' : event.type === 'calls.noticed' ? 'notifier-notices' : 'notifier-approvals'
    for (const { options, handle } of service.subscriptions) if (options.name === name) await handle({ event, attempt: 1 })
  }
  const world: World = {
    dir, clock, secrets, persons, logged, service, store, receive, another: create,
    async tell(type, data, id = randomUUID()) {
      const event = factEvent(type, data, clock.now(), id)
      await receive(event)
      return event
    },
    async ask(changes, shown) {
      const approval = `apr_${randomUUID().replaceAll('-', '').slice(0, 12)}`
      await world.tell('approval.requested', { approval, ...requested(clock.now(), shown), ...changes })
      return approval
    },
    async deliver() {
      let attempts = 0
      for (let more = await service.deliver(); more > 0; more = await service.deliver()) attempts += more
      return attempts
    },
    async deliveries() {
      const found: DeliveryDocument[] = []
      let cursor: string | undefined
      do {
        const page = await store.documents.query(deliveries, { name: 'all', equal: { kind: 'delivery' }, limit: 1000, ...cursor === undefined ? {} : { cursor } })
        found.push(...page.docs.map(({ data }) => data))
        cursor = page.cursor
      } while (cursor !== undefined)
      return found
    },
    async close() {
      await service.drain()
      await store.close()
    },
  }
  return world
}

function requested(now: number, shown?: Partial<ShownCall>): Partial<EventData<'approval.requested'>> {
  return { reviewers: ['bo', 'cy'], quorum: 1, summary: 'storage.buckets.delete on b', digest: 'full:d1', shown: { ...shownCall, ...shown }, expiresAt: now + 1_800_000 }
}

export function factEvent(type: FactType, data: object, at: number, id: string = randomUUID()): CloudEvent {
  const common = { agent: 'agent-7', run: 'run-1', method: 'storage.buckets.delete', resources: ['//storage.googleapis.com/projects/_/buckets/b'], mode: 'sandbox', expiresAt: at + 1_800_000 }
  return cloudEvent(type, '/approval', id, at, { ...common, ...data })
}

/** A fact about a grant. */
export function grantEvent<T extends 'grant.created' | 'grant.revoked' | 'grant.ended'>(type: T, data: Omit<EventData<T>, keyof typeof GRANT> & { readonly grant?: string }, at: number): CloudEvent {
  return cloudEvent(type, '/approval', randomUUID(), at, { ...GRANT, ...data })
}
const GRANT = { grant: 'grt_1', agent: 'agent-7', method: 'storage.objects.delete', resources: ['//storage.googleapis.com/projects/_/buckets/tmp/objects/*'], rule: 'tests/approve', mode: 'sandbox' } as const

/** Calls that a rule tells of, the last of them at `at`. */
export function noticedEvent(count: number, at: number, data: Partial<EventData<'calls.noticed'>> = {}): CloudEvent {
  const call = { record: 'rec_a.1', at, run: 'run-1', method: 'storage.buckets.patch', resources: ['//storage.googleapis.com/projects/_/buckets/b'], result: 'answered', status: 200 } as const
  return cloudEvent('calls.noticed', '/audit', randomUUID(), at, { agent: 'agent-7', rule: 'tests/told', effect: 'allow', mode: 'sandbox', count, calls: Array.from({ length: Math.min(20, count) }, () => call), ...data })
}

export function lockEvent(data: Partial<EventData<'lock.changed'>>, at: number, id: string = randomUUID()): CloudEvent {
  return cloudEvent('lock.changed', '/approval', id, at, { id: 'lock_1', state: 'set', scope: { kind: 'agent', agent: 'agent-7' }, by: 'bo', reason: 'odd deletes', ...data })
}
