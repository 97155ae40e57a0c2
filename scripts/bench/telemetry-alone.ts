/**
 * `node scripts/bench/telemetry-alone.ts`: CPU time of what telemetry does for one plain read, and of nothing else: the spans, events
 * and measures that the proxy makes of it, and their export to a collector. Short turns of each share of traces kept, in changing order;
 * the median of the turns. Where a machine is busy the whole gateway's time hides it (telemetry.ts).
 */
import { systemClock } from '@lockkeeper/domain'
import { createLogger } from '@lockkeeper/service-kit'
import { startTelemetry } from '@lockkeeper/service-kit/telemetry'
import { setTimeout as sleep } from 'node:timers/promises'
import { CallTelemetry } from '../../services/proxy/src/telemetry/call-telemetry.ts'
import { CallTrace } from '../../services/proxy/src/telemetry/call-trace.ts'
import { start } from './processes.ts'

const CALLS = 500
const TURNS = 60
/** For the exports of a turn. */
const EXPORTED_MS = 60
const GUARDS = ['verified', 'classified', 'unlocked', 'decided', 'granted', 'credential', 'claimed', 'intent'] as const
const READ = {
  request: { method: 'GET' }, heldMs: 0, intent: { id: 'rec_AAAAAAAAAAAA1' },
  facts: { door: 'path', host: 'storage.googleapis.com', verb: 'GET', path: '/storage/v1/b/plain/o/x', target: 'google', method: 'storage.objects.get', agent: 'bench-agent', run: 'run-1', effect: 'allow', rule: 'bench/plain' },
} as const
const ENDING = { result: 'answered', status: 200, requestBytes: 0, responseBytes: 1003 } as const

const collector = await start('collector.ts', [], 1)
try {
  await main(`http://127.0.0.1:${collector.line}`)
} finally {
  await collector.stop()
}

async function main(endpoint: string): Promise<void> {
  const subjects = await Promise.all([0, 0.1, 1].map(async (share) => {
    const telemetry = await startTelemetry({ serviceName: 'bench', version: '0', instance: 'bench', mode: 'sandbox', endpoint, sampleRatio: share, clock: systemClock, log: createLogger('bench', { level: 'error' }) })
    if (telemetry === undefined) throw new Error('telemetry did not start')
    return { share, telemetry, calls: new CallTelemetry(telemetry, systemClock), turns: [] as number[] }
  }))
  for (let turn = 0; turn < TURNS; turn++) {
    for (const { calls, turns } of turn % 2 === 0 ? subjects : subjects.toReversed()) turns.push(await micros(calls))
  }
  for (const { share, telemetry, turns } of subjects) {
    const sorted = turns.slice(TURNS / 4).toSorted((left, right) => left - right)
    process.stdout.write(`${share * 100} % of traces kept: ${(sorted[sorted.length >> 1] ?? NaN).toFixed(1)} µs of CPU a read (${sorted[sorted.length >> 2]?.toFixed(1)} to ${sorted[(sorted.length * 3) >> 2]?.toFixed(1)} in the middle half of ${sorted.length} turns)\n`)
    await telemetry.shutdown()
  }
}

/** CPU µs of one read, all threads. */
async function micros(calls: CallTelemetry): Promise<number> {
  const before = process.cpuUsage()
  for (let call = 0; call < CALLS; call++) {
    const read = { ...READ, startedAt: systemClock.monotonic() }
    const trace = new CallTrace(calls, undefined)
    for (const guard of GUARDS) trace.passed(guard)
    trace.dialling(read)
    trace.sent()
    trace.headed(200)
    trace.received()
    trace.end(read, ENDING)
  }
  await sleep(EXPORTED_MS)
  const { user, system } = process.cpuUsage(before)
  return (user + system) / CALLS
}
