/**
 * `node scripts/bench/telemetry.ts`: what telemetry costs, in CPU time of the gateway for one plain read at a fixed rate: the same
 * gateway without it, and with it at three shares of traces that are kept. Short turns in changing order within one run, each compared
 * with the turn without telemetry of the same round, so that a machine that others use disturbs all of them alike; CPU time, because
 * others' load is in every other clock. `--rounds N`, default 24 (some three minutes). Linux only.
 */
import { readdirSync, readFileSync } from 'node:fs'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { parseArgs } from 'node:util'
import { load, start, type Running } from './processes.ts'

const { values } = parseArgs({ options: { rounds: { type: 'string', default: '24' } } })
const TURN = { seconds: 1, connections: 16, rate: 300 } as const
const SHARES = [undefined, 0, 0.1, 1] as const

interface Subject { readonly name: string, readonly pid: number, readonly port: number, readonly token: string, readonly turns: number[] }

const running: Running[] = []
const directories: string[] = []
try {
  await main(Number(values.rounds))
} finally {
  await Promise.all(running.map((one) => one.stop()))
  await Promise.all(directories.map((directory) => rm(directory, { recursive: true, force: true })))
}

async function main(rounds: number): Promise<void> {
  if (!Number.isInteger(rounds) || rounds < 1) throw new TypeError('--rounds must be a whole number from 1')
  const upstream = await started('upstream.ts', [], 1)
  const collector = await started('collector.ts', [], 1)
  const subjects: Subject[] = []
  for (const share of SHARES) subjects.push(await subjectOf(share, upstream.line, collector.line))
  for (const subject of subjects) await turn(subject)
  for (let round = 0; round < rounds; round++) {
    const order = round % 2 === 0 ? subjects : subjects.toReversed()
    for (const subject of order) subject.turns.push(await turn(subject))
  }
  const none = subjects[0]?.turns ?? []
  process.stdout.write(`plain reads at ${TURN.rate}/s, ${rounds} turns of ${TURN.seconds} s each\n\n| telemetry | CPU µs a read: least | median | more than without it: median | a quarter of the rounds below | a quarter above |\n|---|---:|---:|---:|---:|---:|\n`)
  for (const { name, turns } of subjects) {
    const more = turns.map((micros, round) => micros - (none[round] ?? NaN))
    process.stdout.write(`| ${[name, ...[at(turns, 0), at(turns, 0.5), at(more, 0.5), at(more, 0.25), at(more, 0.75)].map((micros) => micros.toFixed(0))].join(' | ')} |\n`)
  }
}

async function subjectOf(share: number | undefined, upstream: string, collector: string): Promise<Subject> {
  const directory = await mkdtemp(join(tmpdir(), 'lockkeeper-bench-'))
  directories.push(directory)
  const telemetry = share === undefined ? [] : [JSON.stringify({ otlp: `http://127.0.0.1:${collector}`, sampleRatio: share })]
  const gateway = await started('gateway.ts', [upstream, directory, ...telemetry], 0)
  const { port, token } = JSON.parse(gateway.line) as { readonly port: number, readonly token: string }
  return { name: share === undefined ? 'none' : `${share * 100} % of traces kept`, pid: gateway.pid, port, token, turns: [] }
}

/** CPU µs of one read. */
async function turn({ pid, port, token }: Subject): Promise<number> {
  const before = cpuMicros(pid)
  const { requests, errors } = await load({ ...TURN, port, token, path: '/storage.googleapis.com/storage/v1/b/plain/o/x' })
  const after = cpuMicros(pid)
  if (errors > 0) throw new Error(`${errors} reads failed`)
  return (after - before) / requests
}

async function started(file: string, args: readonly string[], core: 0 | 1): Promise<Running> {
  const one = await start(file, args, core)
  running.push(one)
  return one
}

/** Of all its threads, to the nanosecond where times in /proc/PID/stat have 10 ms (Documentation/scheduler/sched-stats). */
function cpuMicros(pid: number): number {
  return readdirSync(`/proc/${pid}/task`).reduce((sum, thread) => sum + Number(readFileSync(`/proc/${pid}/task/${thread}/schedstat`, 'utf8').split(' ')[0]) / 1000, 0)
}

function at(numbers: readonly number[], share: number): number {
  return numbers.toSorted((left, right) => left - right)[Math.floor((numbers.length - 1) * share)] ?? NaN
}
