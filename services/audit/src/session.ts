/** A session: all records of one run, in order, as steps a person can follow. */
import type { StoredRecord } from '@lockkeeper/transparency-log'
import type { RecordSearch } from './record-search.ts'
import { bodyHashes, type RecordViews, type ShownBody } from './record-view.ts'

export interface SessionStep {
  readonly at: number
  /** A call's intent and outcomes, or the one record of a plain read, or one event. */
  readonly records: readonly StoredRecord[]
  readonly request?: ShownBody
  readonly response?: ShownBody
}

export interface Session {
  readonly run: string
  /** Agents that used this run id, in the order of their first record. */
  readonly agents: readonly string[]
  readonly steps: readonly SessionStep[]
  /** Records beyond the limit were left out. */
  readonly truncated: boolean
}

export interface SessionOptions {
  /** Records of this agent only, and events without an agent. */
  readonly agent?: string
  /** Read the masked bodies too, about 8 MiB in all. */
  readonly bodies?: boolean
}

const MOST_RECORDS = 10_000
const MOST_BODY_TEXT = 8 * 1024 * 1024

export async function readSession(run: string, options: SessionOptions, search: RecordSearch, views: RecordViews): Promise<Session> {
  const records: StoredRecord[] = []
  let truncated = false
  for await (const { record } of search.forward({ run })) {
    if (options.agent !== undefined && agentOf(record) !== undefined && agentOf(record) !== options.agent) continue
    if (records.length === MOST_RECORDS) {
      truncated = true
      break
    }
    records.push(record)
  }
  const agents = [...new Set(records.flatMap((record) => agentOf(record) ?? []))]
  const steps = stepsOf(records)
  return { run, agents, truncated, steps: options.bodies === true ? await withBodies(steps, views) : steps }
}

function agentOf(record: StoredRecord): string | undefined {
  return record.kind === 'event' ? record.facts?.['agent'] : record.agent
}

/** Outcomes join their intents; a fact that the bus brought twice stands once. */
export function stepsOf(records: readonly StoredRecord[]): readonly SessionStep[] {
  const byIntent = new Map<string, StoredRecord[]>()
  const steps: { readonly at: number, readonly records: StoredRecord[] }[] = []
  const seen = new Set<string>()
  for (const record of inOrder(records)) {
    const open = record.kind === 'outcome' && record.intent !== undefined ? byIntent.get(record.intent) : undefined
    const fact = record.kind === 'event' && record.facts?.['event'] !== undefined ? `${record.facts['source']} ${record.facts['event']}` : undefined
    if (fact !== undefined && seen.has(fact)) continue
    if (fact !== undefined) seen.add(fact)
    if (open !== undefined) {
      open.push(record)
      continue
    }
    const step = { at: record.at, records: [record] }
    if (record.kind !== 'event') byIntent.set(record.id, step.records)
    steps.push(step)
  }
  return steps
}

/** By time; at the same time what others close before them, else as the log has them. */
function inOrder(records: readonly StoredRecord[]): readonly StoredRecord[] {
  const rank = (record: StoredRecord): number => record.kind === 'outcome' && record.intent !== undefined ? 1 : 0
  return records.toSorted((left, right) => left.at - right.at || rank(left) - rank(right))
}

async function withBodies(steps: readonly SessionStep[], views: RecordViews): Promise<readonly SessionStep[]> {
  let left = MOST_BODY_TEXT
  const read = async (hash: string | undefined): Promise<ShownBody | undefined> => {
    if (hash === undefined) return undefined
    if (left <= 0) return { hash }
    const body = await views.body(hash)
    left -= body.text?.length ?? body.base64?.length ?? 0
    return body
  }
  const full: SessionStep[] = []
  for (const step of steps) {
    const hashes = bodyHashes(step.records)
    const [request, response] = [await read(hashes.request), await read(hashes.response)]
    full.push({ ...step, ...(request === undefined ? {} : { request }), ...(response === undefined ? {} : { response }) })
  }
  return full
}
