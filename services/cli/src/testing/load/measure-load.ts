/** Tests only: many calls held at once, released one after the other, and ended by SIGTERM; with times and memory. */
import { readFile } from 'node:fs/promises'
import { setTimeout as sleep } from 'node:timers/promises'
import { createAgent, type Answer, type Heard } from '../agent-client.ts'
import { message, TOPIC } from '../calls.ts'

export interface LoadSubject {
  readonly origin: string
  /** Of the process that holds. */
  readonly pid: number
  token(agent: string): Promise<string>
  /** Ids of requests that wait, by agent. */
  pending(agent: string): Promise<readonly string[]>
  /** Resolves once the process has asked for approval of so many calls in all: so many are held, or were. */
  untilAsked(count: number): Promise<void>
  approve(approval: string): Promise<void>
  /** SIGTERM; resolves with the exit code. */
  stop(): Promise<number | null>
}

export interface LoadNumbers {
  readonly held: number
  /** Of the process that holds, while it does; undefined where there is no /proc. */
  readonly rssMiB: number | undefined
  /** Of the same process when it was ready and had taken no call. */
  readonly rssBeforeMiB: number | undefined
  /** From the decision until the agent has its answer. */
  readonly releaseP50Ms: number
  readonly releaseP99Ms: number
  /** From SIGTERM until the last held call is answered. */
  readonly endedMs: number
  /** How the held calls were answered then: `428 APPROVAL_PENDING`, with their count. */
  readonly ends: Readonly<Record<string, number>>
  readonly exitCode: number | null
}

/** An agent may have so many calls held. */
const PER_AGENT = 20
const PENDING_WITHIN_MS = 60_000

export async function measureLoad(subject: LoadSubject, { calls, releases }: { readonly calls: number, readonly releases: number }): Promise<LoadNumbers> {
  const heard: Heard = { sent: 0, texts: [], tokens: [] }
  const hold = async (id: string, count: number): Promise<readonly Promise<Answer>[]> => {
    const agent = createAgent({ id, run: id, token: await subject.token(id) }, () => subject.origin, heard)
    return Array.from({ length: count }, (_, index) => agent.post(`${TOPIC}:publish`, message(`${id}-${index}`)))
  }
  const rssBeforeMiB = await residentMiB(subject.pid)
  const times = await releaseTimes(subject, hold, releases)
  const agents = Array.from({ length: Math.ceil(calls / PER_AGENT) }, (_, index) => `held-${index}`)
  const answers = (await Promise.all(agents.map((id, index) => hold(id, Math.min(PER_AGENT, calls - index * PER_AGENT))))).flat()
  await subject.untilAsked(releases + answers.length)
  const rssMiB = await residentMiB(subject.pid)
  const began = performance.now()
  const exit = subject.stop()
  const ended = await Promise.all(answers)
  const endedMs = performance.now() - began
  return {
    held: answers.length, rssMiB, rssBeforeMiB, releaseP50Ms: percentile(times, 0.5), releaseP99Ms: percentile(times, 0.99), endedMs,
    ends: countOf(ended.map(({ status, reason }) => `${status} ${reason}`)), exitCode: await exit,
  }
}

type Hold = (id: string, count: number) => Promise<readonly Promise<Answer>[]>

async function releaseTimes(subject: LoadSubject, hold: Hold, releases: number): Promise<readonly number[]> {
  const times: number[] = []
  for (let round = 0; times.length < releases; round++) {
    const id = `released-${round}`
    const count = Math.min(PER_AGENT, releases - times.length)
    const answers = await hold(id, count)
    await untilPending(subject, id, count)
    for (const approval of await subject.pending(id)) {
      const began = performance.now()
      await subject.approve(approval)
      // Whichever call it was: the one that is answered next.
      await Promise.any(answers.filter((answer) => !settled.has(answer)).map(async (answer) => {
        const { status, text } = await answer
        if (status !== 200) throw new Error(`${status}: ${text}`)
        settled.add(answer)
      }))
      times.push(performance.now() - began)
    }
  }
  return times
}

const settled = new WeakSet<Promise<Answer>>()

async function untilPending(subject: LoadSubject, agent: string, count: number): Promise<void> {
  for (const until = performance.now() + PENDING_WITHIN_MS; ; await sleep(250)) {
    const { length } = await subject.pending(agent)
    if (length === count) return
    if (performance.now() > until) throw new Error(`${length} calls of ${agent} wait instead of ${count}`)
  }
}

function percentile(times: readonly number[], part: number): number {
  const sorted = times.toSorted((left, right) => left - right)
  return sorted[Math.min(sorted.length - 1, Math.ceil(sorted.length * part) - 1)] ?? NaN
}

function countOf(texts: readonly string[]): Readonly<Record<string, number>> {
  const counts: Record<string, number> = {}
  for (const text of texts) counts[text] = (counts[text] ?? 0) + 1
  return counts
}

async function residentMiB(pid: number): Promise<number | undefined> {
  try {
    return Number(/VmRSS:\s+(\d+)/.exec(await readFile(`/proc/${pid}/status`, 'utf8'))?.[1]) / 1024
  } catch {
    // No /proc on this system.
    return undefined
  }
}
