/** Starts an agent's command and stands in for it: its standard streams, its signals, its exit code. */
import { spawn, type ChildProcess, type SpawnOptions } from 'node:child_process'
import { readFileSync } from 'node:fs'
import { constants } from 'node:os'
import type { Writable } from 'node:stream'
import { CommandFailed } from '../command-failed.ts'
import { namespaceArguments } from './container-script.ts'
import type { InitOrder } from './namespace-init.ts'
import { SYSTEM_PATH, systemProgram } from './system-program.ts'
import type { User } from './other-user.ts'

const FORWARDED = ['SIGINT', 'SIGTERM', 'SIGHUP', 'SIGQUIT', 'SIGUSR2', 'SIGWINCH', 'SIGCONT'] as const
/** What the terminal itself sends to every process of the foreground group. */
const FROM_TERMINAL: readonly string[] = ['SIGINT', 'SIGQUIT', 'SIGWINCH', 'SIGCONT']
/** Those of them that `unshare`, which leads the group of a container, survives. */
const TO_GROUP: readonly string[] = ['SIGINT', 'SIGWINCH']
const NOT_FOUND = 127
const NOT_STARTED = 126

export interface Started {
  /** The command's exit code; 128 + n when signal n ended it. */
  readonly ended: Promise<number>
  /** Ends the command at once, and in a container everything that it started. */
  kill(): void
}

export interface PlainCommand { readonly program: string, readonly arguments: readonly string[], readonly environment: Readonly<Record<string, string>>, readonly user?: User }

export function startPlain({ program, arguments: args, environment, user }: PlainCommand): Started {
  const detached = user !== undefined && needsOwnSession()
  return attend(program, detached, () => {
    const child = spawn(program, [...args], { stdio: 'inherit', env: environment, detached, ...(user === undefined ? {} : { uid: user.uid, gid: user.gid }) })
    return { child, send: (signal) => { child.kill(signal) } }
  })
}

export interface ContainedCommand { readonly script: string, readonly order: InitOrder, readonly user?: User }

export function startContained({ script, order, user }: ContainedCommand): Started {
  const detached = needsOwnSession()
  const options: SpawnOptions = { stdio: ['inherit', 'inherit', 'inherit', 'pipe'], env: { PATH: SYSTEM_PATH }, cwd: '/', detached, ...(user === undefined ? {} : { uid: user.uid, gid: user.gid }) }
  return attend('unshare', detached, () => {
    const child = spawn(systemProgram('unshare') ?? 'unshare', namespaceArguments(script), options)
    const control = child.stdio[3] as Writable & { resume(): void }
    // What comes back is the agent's, and nobody asked; a broken pipe shows as the end of the child.
    control.on('error', () => control.destroy())
    control.resume()
    control.write(`${JSON.stringify(order)}\n`)
    return { child, send: (signal) => { control.write(`${signal}\n`) } }
  })
}

/**
 * Whoever shares a terminal can push characters into it that the shell reads afterwards (TIOCSTI), unless the kernel forbids it. A
 * session of its own takes that away; job control goes with it.
 */
function needsOwnSession(): boolean {
  if (!process.stdin.isTTY && !process.stdout.isTTY && !process.stderr.isTTY) return false
  try {
    return readFileSync('/proc/sys/dev/tty/legacy_tiocsti', 'utf8').trim() !== '0'
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return true
    throw error
  }
}

interface Child { readonly child: ChildProcess, readonly send: (signal: NodeJS.Signals) => void }

function attend(program: string, detached: boolean, start: () => Child): Started {
  const shared = process.stdin.isTTY && !detached
  const pass = (signal: NodeJS.Signals): void => {
    if (shared && FROM_TERMINAL.includes(signal)) return
    // As the terminal would: to the command and all that it started.
    if (detached && TO_GROUP.includes(signal) && child.pid !== undefined) process.kill(-child.pid, signal)
    else send(signal)
  }
  // First the listeners: a signal may come as soon as the command runs, and must not end this process alone.
  for (const signal of FORWARDED) process.on(signal, pass)
  const { child, send } = start()
  const { promise, resolve, reject } = Promise.withResolvers<number>()
  child.once('error', (error: NodeJS.ErrnoException) => {
    if (child.pid !== undefined) return reject(error)
    process.stderr.write(`lockkeeper: ${program} cannot be started: ${error.code === 'ENOENT' ? 'there is no such program' : error.code}\n`)
    resolve(error.code === 'ENOENT' ? NOT_FOUND : NOT_STARTED)
  })
  child.once('exit', (code, signal) => resolve(code ?? exitCodeOf(signal)))
  return {
    ended: promise.finally(() => { for (const signal of FORWARDED) process.off(signal, pass) }),
    kill() { child.kill('SIGKILL') },
  }
}

function exitCodeOf(signal: NodeJS.Signals | null): number {
  if (signal === null) throw new CommandFailed('the command ended without a code or a signal')
  return 128 + constants.signals[signal]
}
