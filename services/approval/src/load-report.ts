/** How much was asked of whom in the last days: for approvers, and for who owns the policies. */
import type { DocumentStore } from '@lockkeeper/domain/ports'
import { load, type LoadDocument } from './collections.ts'
import { addedWaits, medianOf } from './load-buckets.ts'
import { ALL_RULES, dayOf } from './load-book.ts'
import type { People } from './routing.ts'

export interface LoadOf {
  /** A person's id, or `policy/rule`. */
  readonly name: string
  readonly asked: number
  readonly askedPerDay: number
  readonly approved: number
  readonly denied: number
  /** Ms from the request (or from its escalation) to the decision; absent where nothing was decided. */
  readonly medianMs?: number
  /** Approvals within 3 s, of all approvals. */
  readonly fastShare: number
}

export interface LoadReport {
  /** Days that are looked at, today included, in UTC. */
  readonly days: number
  readonly from: string
  readonly persons: readonly (LoadOf & { readonly called: string })[]
  /** `share`: of all requests; `tooMuch`: more than its share on at least one of the days. */
  readonly rules: readonly (LoadOf & { readonly share: number, readonly tooMuch: boolean })[]
}

const DAY_MS = 86_400_000
const PAGE = 1_000
const MAX_PAGES = 20

/** `days` 1 to 90. Busiest first. */
export async function reportLoad(documents: DocumentStore, people: People, now: number, days: number): Promise<LoadReport> {
  const from = dayOf(now - (days - 1) * DAY_MS)
  const [persons, rules] = await Promise.all([read(documents, 'person', from), read(documents, 'rule', from)])
  const total = rules.get(ALL_RULES)?.asked ?? 0
  const busiest = (sums: ReadonlyMap<string, LoadDocument>): readonly LoadDocument[] => [...sums.values()].sort((left, right) => right.asked - left.asked || (left.name < right.name ? -1 : 1))
  return {
    days, from,
    persons: busiest(persons).map((each) => ({ ...loadOf(each, days), called: people.byId(each.name)?.name ?? each.name })),
    rules: busiest(rules).filter(({ name }) => name !== ALL_RULES).map((each) => ({ ...loadOf(each, days), share: total === 0 ? 0 : each.asked / total, tooMuch: each.noticed === true })),
  }
}

/** One sum for each name. */
async function read(documents: DocumentStore, kind: LoadDocument['kind'], from: string): Promise<ReadonlyMap<string, LoadDocument>> {
  const sums = new Map<string, LoadDocument>()
  let cursor: string | undefined
  for (let page = 0; page < MAX_PAGES; page += 1) {
    const found = await documents.query(load, { name: 'byKind', equal: { kind }, from, limit: PAGE, ...cursor === undefined ? {} : { cursor } })
    for (const { data } of found.docs) sums.set(data.name, together(sums.get(data.name), data))
    cursor = found.cursor
    if (cursor === undefined) break
  }
  return sums
}

function together(left: LoadDocument | undefined, right: LoadDocument): LoadDocument {
  if (left === undefined) return right
  return {
    ...left, asked: left.asked + right.asked, approved: left.approved + right.approved, denied: left.denied + right.denied, fast: left.fast + right.fast, waits: addedWaits(left.waits, right.waits),
    ...left.noticed === true || right.noticed === true ? { noticed: true } : {},
  }
}

function loadOf({ name, asked, approved, denied, fast, waits }: LoadDocument, days: number): LoadOf {
  const medianMs = medianOf(waits)
  return { name, asked, askedPerDay: Math.round(asked / days * 10) / 10, approved, denied, fastShare: approved === 0 ? 0 : fast / approved, ...medianMs === undefined ? {} : { medianMs } }
}
