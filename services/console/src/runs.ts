/** The newest runs, from the newest records: who worked, how much, and what was refused. */
import type { RunRecord, RunSummary } from './api-types.ts'

type Found = RunRecord & { readonly agent?: string, readonly run?: string, readonly facts?: Readonly<Record<string, string>> }

/** `records` newest first, as the audit service gives them. Newest run first. */
export function runsOf(records: readonly Found[]): readonly RunSummary[] {
  const runs = new Map<string, RunSummary>()
  for (const { run, agent, facts, kind, at, result, origin } of records) {
    const who = agent ?? facts?.['agent']
    if (run === undefined || who === undefined) continue
    const key = JSON.stringify([who, run])
    const before = runs.get(key) ?? { agent: who, run, calls: 0, refused: 0, waiting: 0, first: at, last: at }
    const outcome = kind === 'outcome' && origin === 'agent'
    runs.set(key, {
      ...before, first: Math.min(before.first, at), last: Math.max(before.last, at),
      calls: before.calls + (outcome ? 1 : 0), refused: before.refused + (outcome && result === 'refused' ? 1 : 0), waiting: before.waiting + (outcome && result === 'pending' ? 1 : 0),
    })
  }
  return [...runs.values()].sort((left, right) => right.last - left.last)
}

/** Of several pages: a run may have records on each. Newest first. */
export function mergeRuns(summaries: readonly RunSummary[]): readonly RunSummary[] {
  const runs = new Map<string, RunSummary>()
  for (const each of summaries) {
    const key = JSON.stringify([each.agent, each.run])
    const before = runs.get(key)
    runs.set(key, before === undefined ? each : {
      ...before, first: Math.min(before.first, each.first), last: Math.max(before.last, each.last),
      calls: before.calls + each.calls, refused: before.refused + each.refused, waiting: before.waiting + each.waiting,
    })
  }
  return [...runs.values()].sort((left, right) => right.last - left.last)
}
