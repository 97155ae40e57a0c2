/**
 * Tells, of calls whose rule says so (`notify`), once their records are durable: nothing of it stands on a call's way. It is told before
 * the batch is acknowledged, so that what was not told comes again with its batch; after a crash in between a call may be told twice.
 */
import { sha256 } from '@lockkeeper/domain/digest'
import { cloudEvent, MOST_NOTICED, TOPICS, type CloudEvent, type EventData, type NoticedCall } from '@lockkeeper/domain/events'
import type { Clock } from '@lockkeeper/domain'
import type { EventBus } from '@lockkeeper/domain/ports'
import { decodeRecord, type RecordBatch, type StoredRecord } from '@lockkeeper/transparency-log'

type Notice = EventData<'calls.noticed'>
type Outcome = StoredRecord & { readonly kind: 'outcome' }

const SOURCE = '/audit'
/** As the encoder writes it; inside a text the quotes would be escaped. */
const MARK = ',"notify":true,'
const MOST_RESOURCES = 3
const MOST_TEXT = 1_000

export class Notices {
  readonly #parts: { readonly events: EventBus, readonly clock: Clock }
  #waiting: { readonly lines: readonly string[], readonly done: PromiseWithResolvers<void> }[] = []

  constructor(parts: { readonly events: EventBus, readonly clock: Clock }) {
    this.#parts = parts
  }

  /** `lines`: see noticedLines. Resolves at once where there are none, else when the facts are durable. Rejects as the bus does. */
  async tell(lines: readonly string[]): Promise<void> {
    if (lines.length === 0) return
    const done = Promise.withResolvers<void>()
    // Batches of one segment become durable together; they are told together.
    if (this.#waiting.push({ lines, done }) === 1) setImmediate(() => this.#publish())
    return done.promise
  }

  #publish(): void {
    const told = this.#waiting
    this.#waiting = []
    const facts = noticesOf(told.flatMap(({ lines }) => lines.map(decodeRecord)), this.#parts.clock.now())
    const published = facts.length === 0 ? Promise.resolve() : this.#parts.events.publish(TOPICS.notices, facts)
    published.then(() => told.forEach(({ done }) => done.resolve()), (cause: unknown) => told.forEach(({ done }) => done.reject(cause)))
  }
}

/** Records that may have to be told; the others need not be kept until the batch is durable. */
export function noticedLines({ lines }: Pick<RecordBatch, 'lines'>): readonly string[] {
  return lines.filter((line) => line.includes(MARK))
}

/** One fact for each agent, rule and effect. Pure; its ids are those of its records, so that the same records make the same facts. */
export function noticesOf(records: readonly StoredRecord[], now: number): readonly CloudEvent<'calls.noticed', Notice>[] {
  const groups = Map.groupBy(records.filter(isNoticed), ({ agent, rule, effect }) => JSON.stringify([agent, rule, effect]))
  return [...groups.values()].map((group) => {
    const [{ agent = '', rule = '', effect, mode }] = group as [Outcome, ...Outcome[]]
    const data: Notice = { agent: cut(agent), rule: cut(rule), effect: effect === 'deny' ? 'deny' : 'allow', mode, count: group.length, calls: group.slice(0, MOST_NOTICED).map(callOf) }
    return cloudEvent('calls.noticed', SOURCE, `notice:${sha256(group.map(({ id }) => id).join())}`, now, data, data.agent)
  })
}

/** What came of the call is told once. What waits for approval is told by its request. */
function isNoticed(record: StoredRecord): record is Outcome {
  if (record.kind !== 'outcome' || record.notify !== true || record.origin !== 'agent' || record.effect === 'approve') return false
  // Of an allowed call that the gateway itself refused nothing was sent.
  return record.effect === 'deny' ? record.result === 'refused' : record.result === 'answered' || record.result === 'failed' || record.result === 'unknown' || record.result === 'left'
}

function callOf({ id, at, run = '', method = '', resources = [], result, status }: Outcome): NoticedCall {
  return { record: id, at, run: cut(run), method: cut(method), resources: resources.slice(0, MOST_RESOURCES).map(cut), result: result as NoticedCall['result'], status }
}

function cut(text: string): string {
  return text.slice(0, MOST_TEXT).toWellFormed()
}
