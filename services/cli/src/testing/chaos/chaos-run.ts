/** Tests only: agents call, an approver decides, processes are killed at random and started again; then all logs are compared. */
import { setTimeout as sleep } from 'node:timers/promises'
import { createAgents, type Agents } from './chaos-agents.ts'
import type { ChaosEdition } from './chaos-edition.ts'
import type { ChaosUpstream } from './chaos-upstream.ts'
import { lostOutcomes, violations } from './compare-logs.ts'
import { markerIn, planCalls, type Random } from './planned-calls.ts'

export interface ChaosOptions {
  readonly calls: number
  /** Kills in all, spread over the run. */
  readonly kills: number
  readonly agents: number
  readonly random: Random
  /** Ms in which a call must find its end, however often it is sent. Default 120,000. */
  readonly patienceMs?: number
  readonly onProgress?: (text: string) => void
}

export interface ChaosResult {
  /** Empty: all is well. */
  readonly violations: readonly string[]
  readonly facts: Readonly<Record<string, number>>
}

const APPROVER_PAUSE_MS = 40
/** A decision whose taking failed is made again at once; one that only seems lost after so long, or a busy service would drown in them. */
const DECIDE_AGAIN_MS = 30_000

export async function runChaos(edition: ChaosEdition, upstream: ChaosUpstream, options: ChaosOptions): Promise<ChaosResult> {
  const began = performance.now()
  const ended = new AbortController()
  const agents = createAgents(edition, planCalls(options.calls, options.random), options.agents, { signal: ended.signal, patienceMs: options.patienceMs })
  const decided = new Map<string, 'approve' | 'deny'>()
  const kills: Kill[] = []
  const approving = approve(edition, decided, ended.signal)
  const killing = kill(edition, agents, kills, options, ended.signal)
  // A part that does not start again ends the run: agents would call in vain.
  const broken = killing.then(() => new Promise<never>(() => undefined))
  const { sent, answers, surprises } = await Promise.race([agents.run(), broken]).finally(() => ended.abort())
  await Promise.all([approving, killing])
  const calledMs = performance.now() - began
  const known = { dials: upstream.dials, answers, decided, killedAt: kills.map(({ at }) => at) }
  // Records may still be on their way: what differs at first must be the same in time.
  const { records, report } = await edition.settle((all) => violations({ ...known, records: all }).length === 0)
  const outcomes = records.filter((record) => record.kind === 'outcome')
  return {
    violations: [...surprises, ...violations({ ...known, records }), ...report.problems.map((problem) => `the log does not verify: ${JSON.stringify(problem)}`)],
    facts: {
      calls: options.calls, requests: sent, answers: answers.length, kills: kills.length, approvals: decided.size,
      upstreamReads: upstream.dials.filter(({ verb }) => verb === 'GET').length, upstreamChanges: upstream.dials.filter(({ verb }) => verb !== 'GET').length,
      records: records.length, unknown: outcomes.filter(({ result }) => result === 'unknown').length, receipts: outcomes.filter(({ result }) => result === 'receipt').length,
      answersWhoseOutcomeDiedWithTheProcess: lostOutcomes(answers, outcomes).size, seconds: Math.round(calledMs / 1000), secondsToSettle: Math.round((performance.now() - began - calledMs) / 1000),
    },
  }
}

/** Decides what waits: as its marker says. */
async function approve(edition: ChaosEdition, decided: Map<string, 'approve' | 'deny'>, signal: AbortSignal): Promise<void> {
  const lastAt = new Map<string, number>()
  while (!signal.aborted) {
    const waiting = await edition.pending().catch(() => [])
    await Promise.all(waiting.map(async (request) => {
      if (performance.now() - (lastAt.get(request.id) ?? -Infinity) < DECIDE_AGAIN_MS) return
      lastAt.set(request.id, performance.now())
      const verdict = request.resources.some((resource) => markerIn(resource)?.kind === 'asked') ? 'approve' : 'deny'
      decided.set(request.id, verdict)
      // The service was killed or the request settled meanwhile: it is looked at again.
      await edition.decide(request, verdict).catch(() => lastAt.delete(request.id))
    }))
    await sleep(APPROVER_PAUSE_MS)
  }
}

interface Kill { readonly part: string, readonly at: number }

/** The next kill when so many calls are settled, give or take; one at a time. */
async function kill(edition: ChaosEdition, agents: Agents, kills: Kill[], { calls, kills: wanted, random, onProgress }: ChaosOptions, signal: AbortSignal): Promise<void> {
  const every = Math.floor(calls / (wanted + 1))
  for (let index = 1; index <= wanted; index++) {
    const due = index * every - Math.floor(every / 4) + random.below(Math.max(1, Math.floor(every / 2)))
    while (agents.done < due && !signal.aborted) await sleep(5)
    if (signal.aborted) return
    await sleep(random.below(40))
    const part = edition.parts[random.below(edition.parts.length)] ?? ''
    onProgress?.(`${agents.done} calls are settled; ${part} is killed`)
    kills.push({ part, at: performance.now() })
    await edition.kill(part)
  }
}
