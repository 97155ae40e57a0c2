/**
 * Publishes facts right after their commit and deletes them once the bus has them. What a process that died, or a bus that was down,
 * has left is found by looking for facts that are older than any publishing takes. Facts may come twice and in any order; none is lost.
 */
import type { EventBus } from '@lockkeeper/domain/ports'
import type { Outbox, WaitingFact } from './outbox.ts'

const POLL_MS = 5000
const GRACE_MS = 5000
/** Facts of one page of a look, and of one publish and delete. */
const BATCH = 200
/** Facts that are published right away at one time; what is over that waits for the next look. */
const MAX_UNDER_WAY = 2000

export interface OutboxRelayOptions {
  readonly outbox: Outbox
  readonly bus: Pick<EventBus, 'publish'>
  /** Ms between two looks for what was left behind. Default 5,000. */
  readonly pollMs?: number
  /** Ms that the process which wrote a fact has for publishing it. Default 5,000. */
  readonly graceMs?: number
  /** For the operator's log. What could not be published is tried again by the next look. */
  readonly onProblem: (problem: string, cause: unknown) => void
}

export interface OutboxRelay {
  /** Looks now instead of at its time; resolves when what was found has been tried. Never rejects. */
  look(): Promise<void>
  /** Begins nothing new; resolves when what is under way has ended. What is left waits in the database. */
  close(): Promise<void>
}

export function createOutboxRelay(options: OutboxRelayOptions): OutboxRelay {
  return new Relay(options)
}

class Relay implements OutboxRelay {
  readonly #options: OutboxRelayOptions
  readonly #underWay = new Set<Promise<unknown>>()
  readonly #ids = new Set<string>()
  #looking: Promise<void> | undefined
  #timer: NodeJS.Timeout | undefined
  #closed = false

  constructor(options: OutboxRelayOptions) {
    this.#options = options
    options.outbox.onCommitted(facts => {
      if (this.#ids.size + facts.length <= MAX_UNDER_WAY) void this.#send(facts)
    })
    this.#plan()
  }

  look(): Promise<void> {
    return this.#looking ??= this.#look().finally(() => { this.#looking = undefined })
  }

  async close(): Promise<void> {
    this.#closed = true
    clearTimeout(this.#timer)
    this.#options.outbox.onCommitted(undefined)
    await Promise.all([this.#looking, ...this.#underWay])
  }

  /** Whether at least one topic took its facts; one topic's failure does not hold up another's. */
  #send(facts: readonly WaitingFact[]): Promise<boolean> {
    for (const { id } of facts) this.#ids.add(id)
    const topics = [...Map.groupBy(facts, ({ topic }) => topic).entries()]
    const sending: Promise<boolean> = Promise.all(topics.map(([topic, own]) => this.#publish(topic, own))).then(taken => taken.includes(true)).finally(() => {
      for (const { id } of facts) this.#ids.delete(id)
      this.#underWay.delete(sending)
    })
    this.#underWay.add(sending)
    return sending
  }

  async #publish(topic: string, facts: readonly WaitingFact[]): Promise<boolean> {
    try {
      await this.#options.bus.publish(topic, facts.map(({ event }) => event))
      await this.#options.outbox.remove(facts.map(({ id }) => id))
      return true
    } catch (error) {
      // One that the bus can never take must not keep its neighbours.
      if (error instanceof TypeError && facts.length > 1) return (await Promise.all(facts.map(fact => this.#publish(topic, [fact])))).includes(true)
      this.#options.onProblem(`${facts.length} facts for the topic ${topic} wait in the outbox`, error)
      return false
    }
  }

  async #look(): Promise<void> {
    const { outbox, onProblem, graceMs = GRACE_MS } = this.#options
    try {
      let after: Parameters<Outbox['page']>[1]
      do {
        const { facts, broken, next } = await outbox.page(BATCH, after)
        for (const name of broken) onProblem(`${name} is no fact and stays where it is`, undefined)
        const left = facts.filter(({ id, ageMs }) => ageMs >= graceMs && !this.#ids.has(id))
        // The oldest come first: behind a page of young ones there are only younger ones. And a bus that takes nothing is down.
        if (left.length === 0 && facts.some(({ ageMs }) => ageMs < graceMs)) return
        if (left.length > 0 && !await this.#send(left)) return
        after = next
      } while (after !== undefined && !this.#closed)
    } catch (error) {
      onProblem('the outbox cannot be read', error)
    }
  }

  #plan(): void {
    if (this.#closed) return
    this.#timer = setTimeout(() => { void this.look().finally(() => this.#plan()) }, this.#options.pollMs ?? POLL_MS).unref()
  }
}
