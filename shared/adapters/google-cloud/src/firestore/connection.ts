/**
 * The SDK's client, replaced when its connection is dead: one that was cut without a word takes calls for as long as nobody says
 * otherwise, and gRPC's own keepalive needs 40 s to notice.
 */
import type firestore from '@google-cloud/firestore'
import { PortUnavailable } from '@lockkeeper/domain/ports'
import { isDeadline, portError, within } from './failures.ts'

export type Sdk = InstanceType<typeof firestore.v1.FirestoreClient>

const OPEN_MS = 10_000
/** Calls without any answer, one after the other, that make a connection a dead one. */
const UNANSWERED = 2
/** Ms between two renewals: a server that is slow is not helped by more connections. */
const RENEW_EVERY_MS = 3000

export class Connection {
  readonly #make: () => Sdk
  #sdk: Sdk
  #unanswered = 0
  #renewedAt = -Infinity
  #closed = false

  constructor(make: () => Sdk) {
    this.#make = make
    this.#sdk = make()
  }

  get sdk(): Sdk { return this.#sdk }

  /** PortUnavailable when no credentials are found within 10 s. The SDK must be ready before its first call. */
  async open(): Promise<void> {
    await ready(this.#sdk)
  }

  /** Passes the client on and notes whether anything was answered at all. */
  async watched<T>(work: (sdk: Sdk) => Promise<T>): Promise<T> {
    const sdk = this.#sdk
    if (this.#closed) throw new PortUnavailable('Firestore: the store was closed')
    try {
      const answer = await work(sdk)
      this.#unanswered = 0
      return answer
    } catch (error) {
      this.#unanswered = isDeadline(error) ? this.#unanswered + 1 : 0
      if (this.#unanswered >= UNANSWERED && sdk === this.#sdk) this.renew()
      throw error
    }
  }

  /** Takes effect once the new client is ready; calls that are under way end where they began. */
  renew(): void {
    const now = performance.now()
    if (this.#closed || now - this.#renewedAt < RENEW_EVERY_MS) return
    this.#renewedAt = now
    const next = this.#make()
    ready(next).then(() => this.#replace(next), () => next.close())
  }

  async close(): Promise<void> {
    this.#closed = true
    await this.#sdk.close()
  }

  #replace(next: Sdk): void {
    const before = this.#closed ? next : this.#sdk
    if (!this.#closed) this.#sdk = next
    this.#unanswered = 0
    void before.close()
  }
}

async function ready(sdk: Sdk): Promise<void> {
  try {
    await within(OPEN_MS, 'opening', sdk.initialize())
  } catch (error) {
    throw portError('opening', error)
  }
}
