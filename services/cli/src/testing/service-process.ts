/** Tests only: one service of the Google Cloud edition as the process that it is there: its main.ts, its settings file, nothing else. */
import type { ChildProcess } from 'node:child_process'
import { once } from 'node:events'
import { writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { fileURLToPath } from 'node:url'
import { spawnWithUs } from './ends-with-parent.ts'

export type ServiceName = 'proxy' | 'approval' | 'audit' | 'policy' | 'notifier'

export interface ServiceProcess {
  /** `http://127.0.0.1:PORT`. */
  readonly origin: string
  readonly port: number
  readonly pid: number
  /** Everything that it wrote. */
  output(): string
  /** Resolves when `/readyz` answers 200, up to two minutes. */
  ready(): Promise<void>
  kill(): Promise<void>
  /** SIGTERM; resolves with the exit code. */
  stop(): Promise<number | null>
}

export interface ServiceProcessOptions {
  readonly directory: string
  readonly settings: object
  readonly environment?: Readonly<Record<string, string>>
  /** Default: any free one. */
  readonly port?: number
  /** A module that runs before the service, as a text: another clock. */
  readonly preload?: string
}

const PASSED = ['PATH', 'HOME', 'LANG', 'TMPDIR', 'NODE_V8_COVERAGE']
/** Generous: tests share their machine, and the log's lease outlives a killed audit process by 15 s. */
const WAIT_MS = 120_000
const POLL_MS = 25
let files = 0

export async function startService(name: ServiceName, { directory, settings, environment = {}, port = 0, preload }: ServiceProcessOptions): Promise<ServiceProcess> {
  const file = join(directory, `${name}-${++files}.yaml`)
  await writeFile(file, JSON.stringify(settings))
  const child = spawnWithUs([...preload === undefined ? [] : ['--import', `data:text/javascript,${preload}`], fileURLToPath(import.meta.resolve(`../../../${name}/src/main.ts`))], {
    env: { ...Object.fromEntries(PASSED.flatMap((variable) => process.env[variable] === undefined ? [] : [[variable, process.env[variable]]])), METADATA_SERVER_DETECTION: 'none', LOCKKEEPER_CONFIG: file, PORT: String(port), ...environment },
  })
  let written = ''
  for (const stream of [child.stdout, child.stderr]) stream?.setEncoding('utf8').on('data', (text: string) => { written += text })
  const listens = await lineOf(child, /"port":(\d+)/, () => written)
  const listening = Number(listens)
  const origin = `http://127.0.0.1:${listening}`
  const end = async (signal: NodeJS.Signals): Promise<number | null> => {
    if (child.exitCode !== null || child.signalCode !== null) return child.exitCode
    const exited = once(child, 'exit')
    child.kill(signal)
    return (await exited)[0] as number | null
  }
  return {
    origin, port: listening, pid: child.pid ?? 0, output: () => written,
    async ready() {
      for (const until = performance.now() + WAIT_MS; ;) {
        const answer = await fetch(`${origin}/readyz`).catch(() => undefined)
        if (answer?.status === 200) return
        if (performance.now() > until || child.exitCode !== null) throw new Error(`${name} is not ready: ${await answer?.text() ?? 'no answer'}; it wrote: ${written}`)
        await sleep(POLL_MS)
      }
    },
    async kill() { await end('SIGKILL') },
    stop: () => end('SIGTERM'),
  }
}

async function lineOf(child: ChildProcess, pattern: RegExp, written: () => string): Promise<string> {
  const { promise, resolve, reject } = Promise.withResolvers<string>()
  const look = (): void => {
    const found = pattern.exec(written())?.[1]
    if (found !== undefined) resolve(found)
  }
  const timer = setTimeout(() => {
    child.kill('SIGKILL')
    reject(new Error(`the service did not listen within ${WAIT_MS} ms: ${written()}`))
  }, WAIT_MS)
  child.stdout?.on('data', look)
  child.stderr?.on('data', look)
  child.once('exit', (code) => reject(new Error(`the service ended with ${code}: ${written()}`)))
  try {
    return await promise
  } finally {
    clearTimeout(timer)
    child.stdout?.off('data', look)
    child.stderr?.off('data', look)
  }
}
