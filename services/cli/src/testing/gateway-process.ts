/** Tests only: `lockkeeper up --config` as a process of its own, so that it can be killed and started again on the same store. */
import { spawn, type ChildProcess } from 'node:child_process'
import { once } from 'node:events'
import { dirname, join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { fileURLToPath } from 'node:url'
import type { ApprovalDocument } from '@lockkeeper/domain/collections'
import { openAdminClient, type AdminClient } from '../admin/admin-client.ts'
import { spawnWithUs } from './ends-with-parent.ts'

export interface GatewayProcess {
  readonly origin: string
  readonly pid: number
  readonly admin: AdminClient
  /** Everything that it wrote, on both streams. */
  output(): string
  /** Resolves with all output once it matches, within 20 s. */
  until(pattern: RegExp): Promise<string>
  /** Keys for its terminal, where it has one. */
  press(keys: string): void
  /** Waits until the newest request of the agent is in this state, up to 20 s; any state when none is named. */
  approval(agent: string, state?: string): Promise<ApprovalDocument>
  approve(id: string): Promise<void>
  kill(): Promise<void>
  /** SIGTERM; resolves with the exit code. */
  stop(): Promise<number | null>
}

const COMMAND = fileURLToPath(new URL('../../bin/lockkeeper.js', import.meta.url))
const PASSED = ['PATH', 'HOME', 'LANG', 'TMPDIR', 'NODE_V8_COVERAGE']
/** Generous: tests share their machine. */
const WAIT_MS = 20_000
const POLL_MS = 20

export interface ProcessOptions {
  readonly credential: string
  /** How far its wall clock is ahead, so that what ends in minutes has ended. */
  readonly aheadMs?: number
  /** In a pseudo-terminal of util-linux `script`. */
  readonly terminal?: boolean
}

export async function startGatewayProcess(file: string, { credential, aheadMs = 0, terminal = false }: ProcessOptions): Promise<GatewayProcess> {
  const clock = `data:text/javascript,const{now}=Date;Date.now=()=>now()+${aheadMs}`
  const env = { ...Object.fromEntries(PASSED.flatMap((name) => process.env[name] === undefined ? [] : [[name, process.env[name]]])), LOCKKEEPER_SECRET_SANDBOX_UPSTREAM: credential }
  const line = ['--import', clock, COMMAND, 'up', '--config', file]
  const child = terminal ? spawn('script', ['-qec', [process.execPath, ...line].map((word) => `'${word}'`).join(' '), '/dev/null'], { env, stdio: ['pipe', 'pipe', 'pipe'] }) : spawnWithUs(line, { env, stdin: 'pipe' })
  let written = ''
  child.stderr?.setEncoding('utf8').on('data', (text: string) => { written += text })
  child.stdout?.setEncoding('utf8').on('data', (text: string) => { written += text })
  const until = (pattern: RegExp): Promise<string> => outputThat(child, pattern, () => written)
  const origin = /^agents: (\S+)/m.exec(await until(/^agents: \S+[^]*lockkeeper run/m))?.[1] ?? ''
  return { until, ...around(child, origin, openAdminClient(join(dirname(file), '.lockkeeper', 'admin.sock')), () => written) }
}

function around(child: ChildProcess, origin: string, admin: AdminClient, output: () => string): Omit<GatewayProcess, 'until'> {
  const end = async (signal: NodeJS.Signals): Promise<number | null> => {
    if (child.exitCode !== null || child.signalCode !== null) return child.exitCode
    const exited = once(child, 'exit')
    child.kill(signal)
    return (await exited)[0] as number | null
  }
  return {
    origin, admin, output, pid: child.pid ?? 0,
    press: (keys) => void child.stdin?.write(keys),
    async approval(agent, state) {
      for (const until = performance.now() + WAIT_MS; ;) {
        const { approvals } = await admin.get<{ readonly approvals: readonly ApprovalDocument[] }>(`/v1/approvals?agent=${agent}`)
        const newest = approvals[0]
        if (newest !== undefined && (state === undefined || newest.state === state)) return newest
        if (performance.now() > until) throw new Error(`the request of ${agent} is ${newest?.state ?? 'not there'}, not ${state ?? 'there'}`)
        await sleep(POLL_MS)
      }
    },
    async approve(id) { await admin.post(`/v1/terminal/approvals/${id}`, { verdict: 'approve' }) },
    async kill() { await end('SIGKILL') },
    stop: () => end('SIGTERM'),
  }
}

async function outputThat(child: ChildProcess, pattern: RegExp, written: () => string): Promise<string> {
  const { promise, resolve, reject } = Promise.withResolvers<string>()
  const look = (): void => { if (pattern.test(written())) resolve(written()) }
  const timer = setTimeout(() => reject(new Error(`the gateway did not write ${pattern} within ${WAIT_MS} ms but: ${written()}`)), WAIT_MS)
  child.stdout?.on('data', look)
  child.once('exit', (code) => reject(new Error(`the gateway ended with ${code}: ${written()}`)))
  look()
  try {
    return await promise
  } finally {
    clearTimeout(timer)
    child.stdout?.off('data', look)
  }
}
