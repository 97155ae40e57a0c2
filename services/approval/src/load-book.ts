/**
 * How much is asked of whom, counted as it happens and never by reading everything again. Counts gather in memory and are written each
 * second, beside the decisions and never in their way: a process that is killed forgets the last second.
 */
import { sha256 } from '@lockkeeper/domain/digest'
import { isRefusal } from '@lockkeeper/domain/errors'
import { cloudEvent, type CloudEvent } from '@lockkeeper/domain/events'
import type { Mode } from '@lockkeeper/domain'
import { PortUnavailable, type Doc, type DocumentStore, type Ref, type Write } from '@lockkeeper/domain/ports'
import type { Log } from '@lockkeeper/service-kit'
import type { ApprovalCase, Vote } from './approval-case.ts'
import { load, type LoadDocument } from './collections.ts'
import { SOURCE } from './facts.ts'
import { addedWaits, bucketOf } from './load-buckets.ts'

export interface LoadBook {
  /** A request was put before persons. */
  asked(opened: Pick<ApprovalCase, 'rule'>, reviewers: Iterable<string>): void
  /** A person's decision was taken. */
  decided(decided: Pick<ApprovalCase, 'rule' | 'at' | 'escalatedAt'>, vote: Pick<Vote, 'person' | 'verdict'>): void
  /** Writes what has gathered. Rejects with PortUnavailable, and keeps it then. */
  flush(): Promise<void>
}

export interface LoadBookParts {
  readonly documents: DocumentStore
  readonly now: () => number
  readonly mode: Mode
  /** Above which share of a day's requests a rule is spoken about, once it has made so many. */
  readonly fatigue: { readonly share: number, readonly least: number }
  readonly log: Log
}

type Counts = Pick<LoadDocument, 'kind' | 'name' | 'day' | 'asked' | 'approved' | 'denied' | 'fast' | 'waits'>

/** All rules together. */
export const ALL_RULES = '*'
/** An approval that is faster was hardly read. */
const FAST_MS = 3_000
const KEEP_DAYS_MS = 90 * 86_400_000
/** Persons and rules that gather between two writes. */
const MAX_GATHERED = 5_000
const PER_COMMIT = 40

export function loadRef({ kind, day, name }: Pick<LoadDocument, 'kind' | 'day' | 'name'>): Ref<LoadDocument> {
  return { collection: load, id: sha256(JSON.stringify([kind, day, name])) }
}

export function dayOf(at: number): string {
  return new Date(at).toISOString().slice(0, 10)
}

export function createLoadBook(parts: LoadBookParts): LoadBook {
  const { now, log } = parts
  let gathered = new Map<string, Counts>()

  function add(kind: LoadDocument['kind'], name: string, more: Partial<Counts>): void {
    const day = dayOf(now())
    const key = JSON.stringify([kind, day, name])
    const before = gathered.get(key)
    if (before === undefined && gathered.size >= MAX_GATHERED) return log.warn({ kind, name }, 'too much to count at once: a request is not in the load')
    gathered.set(key, added(before ?? { kind, name, day, asked: 0, approved: 0, denied: 0, fast: 0, waits: {} }, more))
  }

  async function flush(): Promise<void> {
    // The sums of all rules first, so that a share is taken of them as they are.
    const writing = [...gathered.values()].sort((left, right) => Number(right.name === ALL_RULES) - Number(left.name === ALL_RULES))
    gathered = new Map()
    for (let from = 0; from < writing.length; from += PER_COMMIT) {
      try {
        await write(parts, writing.slice(from, from + PER_COMMIT))
      } catch (cause) {
        if (cause instanceof PortUnavailable) writing.slice(from).forEach(restore)
        throw cause
      }
    }
  }

  function restore(counts: Counts): void {
    const key = JSON.stringify([counts.kind, counts.day, counts.name])
    const since = gathered.get(key)
    gathered.set(key, since === undefined ? counts : added(counts, since))
  }

  return {
    asked({ rule }, reviewers) {
      for (const name of [rule, ALL_RULES]) add('rule', name, { asked: 1 })
      for (const person of reviewers) add('person', person, { asked: 1 })
    },
    decided({ rule, at, escalatedAt }, { person, verdict }) {
      const waited = Math.max(0, now() - (escalatedAt ?? at))
      const one: Partial<Counts> = { ...verdict === 'approve' ? { approved: 1 } : { denied: 1 }, ...verdict === 'approve' && waited < FAST_MS ? { fast: 1 } : {}, waits: { [bucketOf(waited)]: 1 } }
      for (const name of [rule, ALL_RULES]) add('rule', name, one)
      add('person', person, one)
    },
    flush,
  }
}

function added(before: Counts, { asked = 0, approved = 0, denied = 0, fast = 0, waits = {} }: Partial<Counts>): Counts {
  return { ...before, asked: before.asked + asked, approved: before.approved + approved, denied: before.denied + denied, fast: before.fast + fast, waits: addedWaits(before.waits, waits) }
}

async function write({ documents, fatigue, mode, log }: LoadBookParts, chunk: readonly Counts[]): Promise<void> {
  const isTotal = (each: Pick<LoadDocument, 'kind' | 'name' | 'day'>, day: string): boolean => each.kind === 'rule' && each.name === ALL_RULES && each.day === day
  const days = [...new Set(chunk.map(({ day }) => day))].filter((day) => !chunk.some((each) => isTotal(each, day)))
  const totals = days.map((day) => ({ kind: 'rule', name: ALL_RULES, day }) as const)
  const noticed = await documents.transact<readonly LoadDocument[]>([...chunk, ...totals].map(loadRef), (docs, now) => {
    const sums = chunk.map((counts, index) => summed(counts, docs[index], now))
    const total = (day: string): number => {
      const own = sums.find((each) => isTotal(each, day))
      return (own ?? docs[chunk.length + days.indexOf(day)]?.data as LoadDocument | undefined)?.asked ?? 0
    }
    const found = sums.filter((each) => tooMuch(each, total(each.day), fatigue))
    const writes: readonly Write[] = sums.map((each) => ({ kind: 'put', ref: loadRef(each), data: found.includes(each) ? { ...each, noticed: true } : each }))
    return { writes, facts: found.map((each) => noticedFact(each, total(each.day), fatigue.share, mode, now)), result: found }
  })
  if (isRefusal(noticed)) throw new TypeError('counting refuses nothing')
  for (const { name, day, asked } of noticed) log.warn({ rule: name, day, asked }, 'a rule asks for more than its share of approvals')
}

function summed(counts: Counts, doc: Doc | undefined, now: number): LoadDocument {
  const before = doc?.data as LoadDocument | undefined
  return { ...before === undefined ? counts : { ...before, ...added(before, counts) }, deleteAt: now + KEEP_DAYS_MS }
}

function tooMuch(each: LoadDocument, total: number, { share, least }: LoadBookParts['fatigue']): boolean {
  return each.kind === 'rule' && each.name !== ALL_RULES && each.noticed !== true && each.asked >= least && each.asked > share * total
}

function noticedFact({ name, day, asked }: LoadDocument, total: number, share: number, mode: Mode, now: number): CloudEvent {
  return cloudEvent('fatigue.noticed', SOURCE, `load:${sha256(JSON.stringify([name, day]))}`, now, { rule: name, day, asked, of: total, share, mode }, name)
}
