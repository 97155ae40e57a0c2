/** What a search asks for: every given field must fit. */
import type { StoredRecord } from '@lockkeeper/transparency-log'
import { z } from 'zod'
import { fieldTerm, type Wanted } from './segment-index.ts'

const word = z.string().min(1).max(1_000)

export const recordFilter = z.strictObject({
  agent: word.optional(),
  run: word.optional(),
  /** Discovery id. */
  method: word.optional(),
  effect: z.enum(['allow', 'deny', 'approve']).optional(),
  reason: word.optional(),
  approval: word.optional(),
  kind: z.enum(['intent', 'outcome', 'event']).optional(),
  result: z.enum(['answered', 'refused', 'failed', 'unknown', 'receipt', 'pending', 'left']).optional(),
  /** Epoch ms, inclusive. */
  from: z.number().optional(),
  to: z.number().optional(),
  /** Stands anywhere in the record's line, whatever the case. */
  text: word.optional(),
})

export type RecordFilter = z.output<typeof recordFilter>

const INDEXED = ['agent', 'run', 'method', 'effect', 'reason', 'approval'] as const

/** What the index can tell of it. */
export function wantedOf(filter: RecordFilter): Wanted {
  const terms = INDEXED.flatMap((name) => filter[name] === undefined ? [] : [fieldTerm(name, filter[name])])
  return { terms, ...(filter.from === undefined ? {} : { fromAt: filter.from }), ...(filter.to === undefined ? {} : { toAt: filter.to }) }
}

export function fits(record: StoredRecord, line: string, filter: RecordFilter): boolean {
  if (filter.kind !== undefined && record.kind !== filter.kind) return false
  if (filter.from !== undefined && record.at < filter.from || filter.to !== undefined && record.at > filter.to) return false
  if (INDEXED.some((name) => filter[name] !== undefined && fieldOf(record, name) !== filter[name])) return false
  if (filter.result !== undefined && (record.kind !== 'outcome' || record.result !== filter.result)) return false
  return filter.text === undefined || line.toLowerCase().includes(filter.text.toLowerCase())
}

function fieldOf(record: StoredRecord, name: (typeof INDEXED)[number]): string | undefined {
  if (name === 'run' || name === 'approval') return record[name]
  if (record.kind === 'event') return name === 'agent' || name === 'method' ? record.facts?.[name] : undefined
  if (name === 'reason') return record.kind === 'outcome' ? record.reason : undefined
  return record[name]
}
