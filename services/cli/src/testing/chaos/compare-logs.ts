/**
 * Tests only: the verdict on a chaos run. The upstream's own log, what agents heard, what approvers decided and the audit log are
 * compared; whatever one has and the other lacks is a violation of invariant 5 or 8.
 */
import type { StoredRecord } from '@lockkeeper/transparency-log'
import type { HeardAnswer } from './chaos-agents.ts'
import type { Dial } from './chaos-upstream.ts'
import { markerIn } from './planned-calls.ts'

export interface RunFacts {
  readonly dials: readonly Dial[]
  readonly answers: readonly HeardAnswer[]
  /** By approval: what the approver decided. */
  readonly decided: ReadonlyMap<string, 'approve' | 'deny'>
  /** Monotonic ms at which a process that writes records was killed. */
  readonly killedAt: readonly number[]
  readonly records: readonly StoredRecord[]
}

type Intent = StoredRecord & { readonly kind: 'intent' }
type Outcome = StoredRecord & { readonly kind: 'outcome' }

/** An outcome is durable a few ms after its answer; a process that is killed in between takes it along. */
const OUTCOME_WITHIN_MS = 1_000

/** Empty: all is well. */
export function violations(facts: RunFacts): readonly string[] {
  const intents = facts.records.filter((record): record is Intent => record.kind === 'intent')
  const outcomes = facts.records.filter((record): record is Outcome => record.kind === 'outcome')
  return [...ofDials(facts, intents), ...ofReads(facts), ...ofOpenChanges(intents, outcomes), ...ofAnswers(facts, outcomes)]
}

/** Every change that reached the upstream has a record of its own, is what was approved, and came once. */
function * ofDials({ dials, decided }: RunFacts, intents: readonly Intent[]): Generator<string> {
  const byId = new Map<string, Intent>(intents.map((intent) => [intent.id, intent]))
  const seen = new Set<string>()
  const used = new Set<string>()
  for (const { verb, path, reason } of dials) {
    const kind = markerIn(path)?.kind
    const what = `${verb} ${path}`
    if (kind === 'denied' || kind === 'declined' || kind === undefined) yield `${what} was refused and reached the upstream`
    const intent = byId.get(reason.replace(/^lockkeeper\//, ''))
    if (kind === 'read' && intent === undefined) continue
    if (intent === undefined || intent.verb !== verb || intent.path !== path) {
      yield `${what} reached the upstream without a record (${reason})`
      continue
    }
    if (seen.has(intent.id)) yield `${what} was dialled twice under one record`
    seen.add(intent.id)
    if (kind !== 'asked') continue
    const { approval } = intent
    if (approval === undefined || decided.get(approval) !== 'approve') yield `${what} reached the upstream without an approval`
    else if (used.has(approval)) yield `${what} was dialled twice under approval ${approval}`
    else used.add(approval)
  }
}

/** A small plain read has one record, which is durable before its first byte is released. */
function * ofReads({ answers, records }: RunFacts): Generator<string> {
  const recorded = new Set(records.map((record) => record.kind === 'event' ? undefined : markerIn(record.path)?.marker))
  for (const { marker, kind, status } of answers) if (kind === 'read' && status === 200 && !recorded.has(marker)) yield `${marker} was delivered and has no record`
}

/** At the end every writer is closed or known as lost. */
function * ofOpenChanges(intents: readonly Intent[], outcomes: readonly Outcome[]): Generator<string> {
  for (const { verb, path } of openChanges(intents, outcomes)) yield `${verb} ${path} has an intent and no outcome, not even that it is unknown`
}

function openChanges(intents: readonly Intent[], outcomes: readonly Outcome[]): readonly Intent[] {
  const closed = new Set(outcomes.map(({ intent }) => intent))
  return intents.filter(({ change, id }) => change === true && !closed.has(id))
}

/** Each answer that was heard has its outcome, but for those that a kill took with it. */
function * ofAnswers({ answers, killedAt }: RunFacts, outcomes: readonly Outcome[]): Generator<string> {
  for (const [marker, heard] of lostOutcomes(answers, outcomes)) {
    const excused = heard.filter(({ at }) => killedAt.some((killed) => killed >= at - 100 && killed - at < OUTCOME_WITHIN_MS))
    if (excused.length === 0) yield `${marker} was answered ${heard.length} times and has fewer outcomes, although nothing was killed`
  }
}

/** Markers with fewer outcomes than answers, with those answers. */
export function lostOutcomes(answers: readonly HeardAnswer[], outcomes: readonly Outcome[]): ReadonlyMap<string, readonly HeardAnswer[]> {
  const recorded = new Map<string, number>()
  for (const { path } of outcomes) {
    const marker = markerIn(path)?.marker
    if (marker !== undefined) recorded.set(marker, (recorded.get(marker) ?? 0) + 1)
  }
  const heard = Map.groupBy(answers, ({ marker }) => marker)
  return new Map([...heard].filter(([marker, all]) => all.length > (recorded.get(marker) ?? 0)))
}
