/**
 * `npm run bench`: what a guarded call costs, beside what bare proxies cost in the same run on the same machine. Upstream, load and
 * proxy are separate processes; the proxy has a core of its own where taskset exists. Never part of the tests.
 * `--json`: the last line is one JSON object. `--quick`: a third of the time, for a first look.
 */
import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { connect } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { decisionMicros } from './decision.ts'
import type { LoadResult } from './load.ts'
import { maskingMbPerS } from './masking.ts'
import { load, pinned, start, usage, type Running } from './processes.ts'

const quick = process.argv.includes('--quick')
const SECONDS = quick ? 2 : 6
const RATE = 200
const CONNECTIONS = 64
const NEIGHBOUR_RULES = 10_000
let publications = 0

interface Measured extends LoadResult { readonly cpuMicros: number | undefined }
interface Subject { readonly pid: number, readonly port: number, readonly path: string, readonly token: string }

const directory = await mkdtemp(join(tmpdir(), 'lockkeeper-bench-'))
const running: Running[] = []
try {
  await main()
} finally {
  await Promise.all(running.map((one) => one.stop()))
  await rm(directory, { recursive: true, force: true })
}

async function main(): Promise<void> {
  const upstream = await started('upstream.ts', [], 1)
  const httpProxy = await started('bare-http-proxy.ts', [upstream.line], 0)
  const undici = await started('bare-undici.ts', [upstream.line], 0)
  const gateway = await started('gateway.ts', [upstream.line, directory], 0)
  const { port, token } = JSON.parse(gateway.line) as { readonly port: number, readonly token: string }
  const bare = (one: Running): Subject => ({ pid: one.pid, port: Number(one.line), path: '/storage/v1/b/plain/o/x', token })
  const guarded = (bucket: string): Subject => ({ pid: gateway.pid, port, path: `/storage.googleapis.com/storage/v1/b/${bucket}/o/x`, token })

  say(`1,003-byte JSON read, ${CONNECTIONS} connections, ${SECONDS} s each${pinned ? ', the proxy alone on core 0' : ', not pinned (no taskset)'}`)
  const rows: [string, Measured][] = []
  for (const [name, subject] of [['http-proxy', bare(httpProxy)], ['undici stream', bare(undici)], ['Lockkeeper', guarded('plain')], ['Lockkeeper, masking', guarded('masked')]] as const) rows.push([name, await throughput(subject)])
  table(rows)
  const [proxied, streamed, plain, masked] = rows.map(([, measured]) => measured) as [Measured, Measured, Measured, Measured]

  const direct = await paced(Number(upstream.line), '/storage/v1/b/plain/o/x', token)
  const added = await paced(port, guarded('plain').path, token)
  say(`\nat ${RATE} requests/s: direct p50 ${ms(direct.p50)} p99 ${ms(direct.p99)}; through Lockkeeper p50 ${ms(added.p50)} p99 ${ms(added.p99)}`)
  const besideMasking = await beside(() => readList(port, token), port, token)
  const besidePublish = await beside(() => publishRules(), port, token)
  say(`the same p99 while a neighbour masks 4 MiB again and again: ${ms(besideMasking.p99)}; while ${NEIGHBOUR_RULES} rules are published: ${ms(besidePublish.p99)}`)

  const growth = await streamGrowth(gateway.pid, port, token)
  const decision = { r10: await decisionMicros(10), r1000: await decisionMicros(1000), r10000: await decisionMicros(10_000) }
  const masking = maskingMbPerS()
  say(`1 GiB through the gateway: memory grew by ${growth.toFixed(1)} MiB`)
  say(`one decision: ${decision.r10.toFixed(2)} µs at 10 rules, ${decision.r1000.toFixed(2)} at 1,000, ${decision.r10000.toFixed(2)} at 10,000`)
  say(`masking, all detectors: ${masking.whole.toFixed(0)} MB/s whole, ${masking.chunked.toFixed(0)} MB/s in 64 KiB chunks`)
  if (process.argv.includes('--json')) {
    const ratio = (left: Measured, right: Measured): number => round(left.rps / right.rps)
    say(JSON.stringify({
      throughput: { httpProxy: round(proxied.rps), undici: round(streamed.rps), noMask: { rps: round(plain.rps), xHttpProxy: ratio(plain, proxied), xUndici: ratio(plain, streamed) }, mask: { rps: round(masked.rps), xHttpProxy: ratio(masked, proxied), xUndici: ratio(masked, streamed) } },
      cpuMicros: { httpProxy: proxied.cpuMicros, undici: streamed.cpuMicros, noMask: plain.cpuMicros, mask: masked.cpuMicros },
      added: { p50ms: round(added.p50 - direct.p50), p99ms: round(added.p99 - direct.p99), p99msWhileNeighbourMasks: round(besideMasking.p99 - direct.p99), p99msWhilePublishing: round(besidePublish.p99 - direct.p99) },
      decision: { us: { r10: round(decision.r10), r1000: round(decision.r1000), r10000: round(decision.r10000) } },
      masking: { mbPerS: round(masking.whole), chunkedMbPerS: round(masking.chunked) },
      stream: { rssGrowthMiB: round(growth) },
      pinned,
    }))
  }
}

async function started(file: string, args: readonly string[], core: 0 | 1): Promise<Running> {
  const one = await start(file, args, core)
  running.push(one)
  return one
}

/** As many as go through, after a warm-up of a third of the time. */
async function throughput({ pid, port, path, token }: Subject): Promise<Measured> {
  await load({ port, path, token, seconds: SECONDS / 3, connections: CONNECTIONS })
  const before = usage(pid)
  const result = await load({ port, path, token, seconds: SECONDS, connections: CONNECTIONS })
  const after = usage(pid)
  if (result.errors > 0) throw new Error(`${result.errors} requests to ${path} failed`)
  return { ...result, cpuMicros: before === undefined || after === undefined ? undefined : round((after.cpuMs - before.cpuMs) * 1000 / result.requests) }
}

async function paced(port: number, path: string, token: string): Promise<LoadResult> {
  await load({ port, path, token, seconds: SECONDS / 3, connections: 8, rate: RATE })
  return load({ port, path, token, seconds: SECONDS, connections: 8, rate: RATE })
}

/** The paced load while `neighbour` happens over and over. */
async function beside(neighbour: () => Promise<void>, port: number, token: string): Promise<LoadResult> {
  let ending = false
  const measure = async (): Promise<LoadResult> => {
    try {
      return await load({ port, path: '/storage.googleapis.com/storage/v1/b/plain/o/x', token, seconds: SECONDS, connections: 8, rate: RATE })
    } finally {
      ending = true
    }
  }
  const disturb = async (): Promise<void> => {
    while (!ending) await neighbour()
  }
  const [result] = await Promise.all([measure(), disturb()])
  return result
}

/** A masked answer of 4 MiB, read to its end. */
function readList(port: number, token: string): Promise<void> {
  return read(port, '/storage.googleapis.com/storage/v1/b/masked/o', token).then(() => undefined)
}

/** Reads one answer on a connection of its own and resolves with the bytes of its body. */
function read(port: number, path: string, token: string): Promise<number> {
  const { promise, resolve, reject } = Promise.withResolvers<number>()
  const socket = connect({ port, host: '127.0.0.1' }, () => socket.write(`GET ${path} HTTP/1.1\r\nHost: 127.0.0.1:${port}\r\nAuthorization: Bearer ${token}\r\nConnection: close\r\n\r\n`))
  let bytes = 0
  let head = ''
  socket.on('data', (chunk) => {
    if (bytes === 0) head = chunk.toString('latin1', 0, 12)
    bytes += chunk.length
  })
  socket.once('error', reject)
  socket.once('close', () => head.endsWith('200') ? resolve(bytes) : reject(new Error(`${path} was answered ${head}`)))
  return promise
}



/** Another 10,000 rules in the watched folder, and time for them to come into force. */
async function publishRules(): Promise<void> {
  publications++
  const rules = Array.from({ length: NEIGHBOUR_RULES }, (_, index) => `  - { name: rule-${publications}-${index}, methods: [storage.objects.get], resources: ['//storage.googleapis.com/projects/_/buckets/team-${index}/**'], effect: allow }`)
  await writeFile(join(directory, 'policies', 'teams.yaml'), `apiVersion: lockkeeper.dev/v1\nkind: Policy\nmetadata: { name: teams, owner: bench }\nagents: ['issuer:bench']\nrules:\n${rules.join('\n')}\n`)
  await new Promise((resolve) => setTimeout(resolve, 1500))
}

/** MiB by which the gateway's memory grew at most while 1 GiB went through. */
async function streamGrowth(pid: number, port: number, token: string): Promise<number> {
  await read(port, '/storage.googleapis.com/storage/v1/b/plain/o/x', token)
  const before = usage(pid)?.rss ?? 0
  let most = before
  const timer = setInterval(() => { most = Math.max(most, usage(pid)?.rss ?? 0) }, 50)
  const bytes = await read(port, '/storage.googleapis.com/storage/v1/b/plain/o/huge?alt=media', token)
  clearInterval(timer)
  if (bytes < 1024 ** 3) throw new Error(`only ${bytes} bytes of 1 GiB came through`)
  return (most - before) / 1024 ** 2
}

function table(rows: readonly (readonly [string, Measured])[]): void {
  say('\n| | requests/s | p50 ms | p99 ms | CPU µs a request |\n|---|---:|---:|---:|---:|')
  for (const [name, { rps, p50, p99, cpuMicros }] of rows) say(`| ${name} | ${rps.toFixed(0)} | ${p50.toFixed(2)} | ${p99.toFixed(2)} | ${cpuMicros?.toFixed(0) ?? '–'} |`)
}

function ms(value: number): string {
  return `${value.toFixed(2)} ms`
}

function round(value: number): number {
  return Math.round(value * 100) / 100
}

function say(text: string): void {
  process.stdout.write(`${text}\n`)
}
