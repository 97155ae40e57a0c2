/** Children of the tour: real clients in processes of their own, with a given environment, bounded in time and output. */
import { spawn } from 'node:child_process'
import { access, constants } from 'node:fs/promises'
import { delimiter, join } from 'node:path'

export interface ChildRun {
  /** Exit code; null when it was ended by a signal (the time was over). */
  readonly code: number | null
  readonly stdout: string
  readonly stderr: string
}

interface ChildOptions {
  readonly command: string
  readonly args: readonly string[]
  /** The whole environment: nothing is inherited. */
  readonly environment: Readonly<Record<string, string>>
  /** Written to its standard input; for what must not stand in an argument list. */
  readonly input?: string
  /** Default 60,000. */
  readonly timeoutMs?: number
}

/** Bytes of each stream that are kept. */
const MOST_OUTPUT = 1024 * 1024

export function runChild({ command, args, environment, input = '', timeoutMs = 60_000 }: ChildOptions): Promise<ChildRun> {
  return new Promise((resolve, reject) => {
    const child = spawn(command, args, { env: { ...environment }, stdio: ['pipe', 'pipe', 'pipe'] })
    const timer = setTimeout(() => child.kill('SIGKILL'), timeoutMs)
    const [stdout, stderr] = [gather(child.stdout), gather(child.stderr)]
    // A child that does not read its input is no fault of ours.
    child.stdin.on('error', () => child.stdin.destroy())
    child.stdin.end(input)
    child.once('error', (error) => { clearTimeout(timer); reject(error) })
    child.once('close', (code) => { clearTimeout(timer); resolve({ code, stdout: stdout(), stderr: stderr() }) })
  })
}

function gather(stream: NodeJS.ReadableStream): () => string {
  const chunks: Buffer[] = []
  let size = 0
  stream.on('data', (chunk: Buffer) => {
    if (size < MOST_OUTPUT) chunks.push(chunk.subarray(0, MOST_OUTPUT - size))
    size += chunk.length
  })
  return () => Buffer.concat(chunks).toString('utf8')
}

/** The full path of a program, or undefined when it is not on PATH. */
export async function findProgram(name: string, path: string): Promise<string | undefined> {
  for (const folder of path.split(delimiter).filter((entry) => entry !== '')) {
    const candidate = join(folder, name)
    try {
      await access(candidate, constants.X_OK)
      return candidate
    } catch {
      // Not in this folder; the next one may have it.
      continue
    }
  }
  return undefined
}

/** How the tour starts a sandbox client. */
export type SpawnClient = (name: string, environment: Readonly<Record<string, string>>, args: readonly string[], timeoutMs?: number) => Promise<ChildRun>

/** `command` is what comes before the client's name: `[process.execPath, 'bin/lockkeeper.js', 'sandbox-client']`. */
export function clientSpawner(command: readonly [string, ...string[]]): SpawnClient {
  const [program, ...before] = command
  return (name, environment, args, timeoutMs) => runChild({ command: program, args: [...before, name, ...args], environment, ...(timeoutMs === undefined ? {} : { timeoutMs }) })
}
