/** Tests only: `lockkeeper up --config` as a process of its own, so that it can be killed and started again on the same store. */
import { spawn, type ChildProcess } from 'node:child_process'
import { once } from 'node:events'
import { dirname, join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { fileURLToPath } from 'node:url'
import type { ApprovalDocument } from '@lockkeeper/domain/collections'
import { openAdminClient, type AdminClient } from '../admin/admin-client.ts'

export interface GatewayProcess {
  readonly origin: string
  readonly admin: AdminClient
  /** Everything that it wrote, on both streams. */
  output(): string
  /** Waits until the newest request of the agent is in this state, up to 8 s; any state when none is named. */
  approval(agent: string, state?: string): Promise<ApprovalDocument>
  approve(id: string): Promise<void>
  kill(): Promise<void>
  /** SIGTERM; resolves with the exit code. */
  stop(): Promise<number | null>
}

const COMMAND = fileURLToPath(new URL('../../bin/lockkeeper.js', import.meta.url))
const PASSED = ['PATH', 'HOME', 'LANG', 'TMPDIR', 'NODE_V8_COVERAGE']
const WAIT_MS = 8_000
const POLL_MS = 20

/** `aheadMs`: how far its wall clock is ahead, so that what ends in minutes has ended. */
export async function startGatewayProcess(file: string, { credential, aheadMs = 0 }: { readonly credential: string, readonly aheadMs?: number }): Promise<GatewayProcess> {
  const clock = `data:text/javascript,const{now}=Date;Date.now=()=>now()+${aheadMs}`
  const env = { ...Object.fromEntries(PASSED.flatMap((name) => process.env[name] === undefined ? [] : [[name, process.env[name]]])), LOCKKEEPER_SECRET_SANDBOX_UPSTREAM: credential }
  const child = spawn(process.execPath, ['--import', clock, COMMAND, 'up', '--config', file], { env, stdio: ['ignore', 'pipe', 'pipe'] })
  let written = ''
  child.stderr.setEncoding('utf8').on('data', (text: string) => { written += text })
  child.stdout.setEncoding('utf8').on('data', (text: string) => { written += text })
  const origin = await originOf(child, () => written)
  return around(child, origin, openAdminClient(join(dirname(file), '.lockkeeper', 'admin.sock')), () => written)
}

function around(child: ChildProcess, origin: string, admin: AdminClient, output: () => string): GatewayProcess {
  const end = async (signal: NodeJS.Signals): Promise<number | null> => {
    if (child.exitCode !== null || child.signalCode !== null) return child.exitCode
    const exited = once(child, 'exit')
    child.kill(signal)
    return (await exited)[0] as number | null
  }
  return {
    origin, admin, output,
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

async function originOf(child: ChildProcess, written: () => string): Promise<string> {
  const { promise, resolve, reject } = Promise.withResolvers<string>()
  const look = (): void => {
    const [, origin] = /^agents: (\S+)/m.exec(written()) ?? []
    if (origin !== undefined) resolve(origin)
  }
  child.stdout?.on('data', look)
  child.once('exit', (code) => reject(new Error(`the gateway ended with ${code}: ${written()}`)))
  return promise
}
