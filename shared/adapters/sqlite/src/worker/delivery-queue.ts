/** The queue: one row for each event and subscription, from publish to acknowledgement or dead letter. */
import type { DatabaseSync } from 'node:sqlite'
import type { DeadRow, FactRow, OperationOf, PullReply } from '../protocol.ts'

/** One pull brings at most this much JSON text, so that a message stays bounded. */
const PULL_CHARACTERS = 16 * 1024 * 1024

interface Registered { readonly id: number, readonly topic: string, readonly name: string, readonly maxDeliveries: number }
interface DeliveryRow { readonly seq: number, readonly subscription: number, readonly attempts: number, readonly event: string }

/** Publishing would let the queue grow past its bound: refused rather than kept for no one. */
export class BacklogFull extends Error {}

export class DeliveryQueue {
  readonly #maxBacklog: number
  readonly #sql: ReturnType<typeof statements>
  #byTopic = new Map<string, Registered[]>()
  #byId = new Map<number, Registered>()
  /** Deliveries and dead letters in the file; whoever rolls back to a savepoint puts it back. */
  backlog = 0

  constructor(db: DatabaseSync, maxBacklog: number) {
    this.#maxBacklog = maxBacklog
    this.#sql = statements(db)
    this.reload()
  }

  /** Memory follows the file again: at opening and after a rolled back group. */
  reload(): void {
    this.#byTopic = new Map()
    this.#byId = new Map()
    for (const row of this.#sql.subscriptions.all() as unknown as Registered[]) this.#remember(row)
    this.backlog = (this.#sql.backlog.get() as { waiting: number }).waiting
  }

  /** Answers with the delivery numbers of the fact's leases, in order. */
  publish(fact: FactRow, now: number): number[] {
    const subscriptions = this.#byTopic.get(fact.topic) ?? []
    if (this.backlog + subscriptions.length > this.#maxBacklog) {
      throw new BacklogFull(`${this.backlog} deliveries wait in the store, which is its limit; ${this.#laggard()}`)
    }
    const leased: number[] = []
    for (const { id } of subscriptions) {
      const lease = fact.leases.find(([subscription]) => subscription === id)
      const { lastInsertRowid } = this.#sql.insert.run(id, lease === undefined ? now : lease[1], lease === undefined ? 0 : 1, fact.json)
      if (lease !== undefined) leased[fact.leases.indexOf(lease)] = Number(lastInsertRowid)
    }
    this.backlog += subscriptions.length
    return leased
  }

  register({ topic, name, maxDeliveries }: OperationOf<'register'>): number {
    const { id } = this.#sql.register.get(topic, name, maxDeliveries) as { id: number }
    this.#remember({ id, topic, name, maxDeliveries })
    return id
  }

  /** Leases what is due. A delivery that has had all its attempts and still came due was never acknowledged: a dead letter. */
  pull({ subscription, limit, now, leaseUntil }: OperationOf<'pull'>): PullReply {
    const due = this.#sql.due.all(subscription, now, limit + 1) as unknown as DeliveryRow[]
    const maxDeliveries = this.#byId.get(subscription)?.maxDeliveries ?? 0
    const rows: { seq: number, attempt: number, json: string }[] = []
    let characters = 0
    let taken = 0
    for (const row of due.slice(0, limit)) {
      if (characters > PULL_CHARACTERS) break
      taken += 1
      if (row.attempts >= maxDeliveries) {
        this.#toDeadLetters(row, 'not acknowledged in time', now)
        continue
      }
      this.#sql.lease.run(leaseUntil, row.seq)
      characters += row.event.length
      rows.push({ seq: row.seq, attempt: row.attempts + 1, json: row.event })
    }
    const { next } = this.#sql.next.get(subscription) as { next: number | null }
    return { rows, more: taken < due.length, ...(next === null ? {} : { nextDue: next }) }
  }

  ack(seq: number): void {
    this.backlog -= Number(this.#sql.remove.run(seq).changes)
  }

  retry({ seq, attempt, dueAt, undo }: OperationOf<'retry'>): void {
    this.#sql.retry.run(dueAt, undo ? 1 : 0, seq, attempt)
  }

  bury({ seq, attempt, error, now }: OperationOf<'bury'>): void {
    const row = this.#sql.one.get(seq) as unknown as DeliveryRow | undefined
    if (row !== undefined && row.attempts === attempt) this.#toDeadLetters(row, error, now)
  }

  deadLetters(limit: number): DeadRow[] {
    return (this.#sql.dead.all(limit) as unknown as { seq: number, subscription: number, event: string, error: string, at: number }[]).map(row => {
      const { topic, name } = this.#byId.get(row.subscription)!
      return { seq: row.seq, topic, subscription: name, json: row.event, error: row.error, at: row.at }
    })
  }

  redrive(seq: number, now: number): readonly [topic: string, name: string] | null {
    const letter = this.#sql.raise.get(seq) as { subscription: number, event: string } | undefined
    if (letter === undefined) return null
    this.#sql.restore.run(seq, letter.subscription, now, letter.event)
    const { topic, name } = this.#byId.get(letter.subscription)!
    return [topic, name]
  }

  #toDeadLetters(row: DeliveryRow, error: string, now: number): void {
    this.#sql.bury.run(row.seq, row.subscription, row.event, error, now)
    this.#sql.remove.run(row.seq)
  }

  #remember(row: Registered): void {
    const others = (this.#byTopic.get(row.topic) ?? []).filter(known => known.id !== row.id)
    this.#byTopic.set(row.topic, [...others, row])
    this.#byId.set(row.id, row)
  }

  #laggard(): string {
    const worst = this.#sql.worst.get() as { subscription: number, waiting: number } | undefined
    const { topic, name } = this.#byId.get(worst?.subscription ?? 0) ?? { topic: '', name: 'none' }
    return worst === undefined ? 'all are dead letters' : `${worst.waiting} of them for subscription ${name} of ${topic}`
  }
}

function statements(db: DatabaseSync) {
  return {
    subscriptions: db.prepare('SELECT id, topic, name, max_deliveries AS maxDeliveries FROM subscription ORDER BY id'),
    backlog: db.prepare('SELECT (SELECT count(*) FROM delivery) + (SELECT count(*) FROM dead_letter) AS waiting'),
    worst: db.prepare('SELECT subscription, count(*) AS waiting FROM delivery GROUP BY subscription ORDER BY waiting DESC LIMIT 1'),
    register: db.prepare('INSERT INTO subscription (topic, name, max_deliveries) VALUES (?, ?, ?) ON CONFLICT (topic, name) DO UPDATE SET max_deliveries = excluded.max_deliveries RETURNING id'),
    insert: db.prepare('INSERT INTO delivery (subscription, due_at, attempts, event) VALUES (?, ?, ?, ?)'),
    due: db.prepare('SELECT seq, subscription, attempts, event FROM delivery WHERE subscription = ? AND due_at <= ? ORDER BY due_at, seq LIMIT ?'),
    next: db.prepare('SELECT min(due_at) AS next FROM delivery WHERE subscription = ?'),
    lease: db.prepare('UPDATE delivery SET attempts = attempts + 1, due_at = ? WHERE seq = ?'),
    remove: db.prepare('DELETE FROM delivery WHERE seq = ?'),
    retry: db.prepare('UPDATE delivery SET due_at = ?, attempts = attempts - ? WHERE seq = ? AND attempts = ?'),
    one: db.prepare('SELECT seq, subscription, attempts, event FROM delivery WHERE seq = ?'),
    bury: db.prepare('INSERT INTO dead_letter (seq, subscription, event, error, at) VALUES (?, ?, ?, ?, ?)'),
    dead: db.prepare('SELECT seq, subscription, event, error, at FROM dead_letter ORDER BY at DESC, seq DESC LIMIT ?'),
    raise: db.prepare('DELETE FROM dead_letter WHERE seq = ? RETURNING subscription, event'),
    restore: db.prepare('INSERT INTO delivery (seq, subscription, due_at, attempts, event) VALUES (?, ?, ?, 0, ?)'),
  }
}
