/** The processes of the benchmark: started, pinned to a core where taskset exists, told to end. */
import { spawn, spawnSync, type ChildProcess } from 'node:child_process'
import { readFileSync } from 'node:fs'
import { availableParallelism } from 'node:os'
import { join } from 'node:path'
import type { LoadOptions, LoadResult } from './load.ts'

const pins = process.platform === 'linux' && availableParallelism() > 1 && spawnSync('taskset', ['--version']).status === 0

export const pinned: boolean = pins

export interface Running { readonly line: string, readonly pid: number, stop(): Promise<void> }

/** Starts a file of this folder and resolves with the first line that it prints. Core 0 is the measured proxy's, core 1 everybody else's. */
export async function start(file: string, args: readonly string[], core: 0 | 1): Promise<Running> {
  const child = launch(file, args, core, 'inherit')
  const line = await firstLine(child, file)
  return { line, pid: child.pid ?? 0, stop: () => ended(child) }
}

/** One load, in a process of its own. */
export async function load(options: LoadOptions): Promise<LoadResult> {
  const child = launch('load.ts', [JSON.stringify(options)], 1, 'inherit')
  return JSON.parse(await firstLine(child, 'load.ts')) as LoadResult
}

function launch(file: string, args: readonly string[], core: 0 | 1, stderr: 'inherit'): ChildProcess {
  const command = [process.execPath, '--disable-warning=DEP0060', join(import.meta.dirname, file), ...args]
  const [program, ...rest] = pins ? ['taskset', '-c', String(core), ...command] : command
  return spawn(program as string, rest, { stdio: ['ignore', 'pipe', stderr] })
}

function firstLine(child: ChildProcess, name: string): Promise<string> {
  const { promise, resolve, reject } = Promise.withResolvers<string>()
  let text = ''
  child.stdout?.setEncoding('utf8').on('data', (chunk: string) => {
    text += chunk
    const end = text.indexOf('\n')
    if (end !== -1) resolve(text.slice(0, end))
  })
  child.once('error', reject)
  child.once('exit', (code) => reject(new Error(`${name} ended with ${code} before it was ready`)))
  return promise
}

async function ended(child: ChildProcess): Promise<void> {
  const { promise, resolve } = Promise.withResolvers<void>()
  if (child.exitCode !== null) return
  child.once('exit', () => resolve())
  child.kill('SIGTERM')
  await promise
}

/** Resident bytes of a process and CPU ms of all its threads (proc_pid_stat(5)); undefined where there is no /proc. */
export function usage(pid: number): { readonly rss: number, readonly cpuMs: number } | undefined {
  try {
    const status = readFileSync(`/proc/${pid}/status`, 'utf8')
    const fields = readFileSync(`/proc/${pid}/stat`, 'utf8').split(') ')[1]?.split(' ') ?? []
    return { rss: Number(/VmRSS:\s+(\d+)/.exec(status)?.[1] ?? 0) * 1024, cpuMs: (Number(fields[11]) + Number(fields[12])) * 10 }
  } catch {
    // No /proc on this system: the table says so.
    return undefined
  }
}
