/**
 * Calls that a rule tells somebody of, of one agent under one rule within one span of time: the first is told at once, what follows is
 * collected until the span's end. Pure; sums do not depend on the order of facts.
 */
import { hash } from 'node:crypto'
import { sha256 } from '@lockkeeper/domain/digest'
import type { EventData, NoticedCall } from '@lockkeeper/domain/events'

export type Noticed = EventData<'calls.noticed'>

export interface NoticeSubject extends Pick<Noticed, 'agent' | 'rule' | 'effect' | 'mode'> {
  readonly kind: 'notice'
  readonly id: string
  readonly revision: number
  /** Epoch ms; the span. */
  readonly from: number
  readonly until: number
  readonly count: number
  /** The first ones, with their records. */
  readonly calls: readonly NoticedCall[]
}

/** Calls that a message names one by one. */
const MOST_NAMED = 20

/**
 * Which span a fact belongs to: that of its last call. Spans are of the clock, so that every instance finds the same, and each agent's and
 * rule's begin at moments of their own, so that their ends do not come all at once.
 */
export function noticePlace({ agent, rule, effect, calls }: Noticed, spanMs: number): { readonly id: string, readonly from: number } {
  const who = JSON.stringify([agent, rule, effect])
  const shift = Number.parseInt(hash('sha256', who).slice(0, 12), 16) % spanMs
  const last = Math.max(...calls.map(({ at }) => at))
  const from = Math.floor((last - shift) / spanMs) * spanMs + shift
  return { id: `notice-${sha256(JSON.stringify([who, from]))}`, from }
}

export function applyNotice(before: NoticeSubject | undefined, { count, calls, ...fact }: Noticed, { id, from }: { readonly id: string, readonly from: number }, spanMs: number): NoticeSubject {
  const known: NoticeSubject = before ?? { kind: 'notice', id, revision: 0, ...fact, from, until: from + spanMs, count: 0, calls: [] }
  return { ...known, revision: known.revision + 1, count: known.count + count, calls: [...known.calls, ...calls].slice(0, MOST_NAMED) }
}
