/**
 * For mocha (`require` in .mocharc.cjs): what holds for the whole run, whether its files follow each other in one process or are given
 * out to several (`parallel`, then the processes are workers of this one, and `mochaHooks` are run by them around each file).
 *
 * - Tests must close what they open: a process that cannot end after its last test would hang for ever, so it says what is still open
 *   and ends as a failure; a worker looks after each file. Nothing is hidden by an `exit` that would come anyway.
 * - Emulators are shared by all suites and all workers, so they are stopped here, and the suites that had none are named in the last lines.
 * - A run that breaks off before its summary has failed.
 */
import { relative } from 'node:path'
import process from 'node:process'
import { setTimeout as delay } from 'node:timers/promises'
import { shareEmulators, stopEmulators, suiteNotRun } from '@lockkeeper/testkit/emulators'

/** What is used of mocha's runner, which is `this` in both hooks. Of a worker's tests it gets copies. */
interface Run {
  /** mocha's own word for a run that has begun, which a parallel one does not say: the first worker that breaks down would end its count. */
  state?: string
  isParallelMode(): boolean
  on(event: 'pending', listener: (test: { readonly title: string, titlePath(): readonly string[] }) => void): void
  on(event: 'fail', listener: (test: { readonly file?: string, readonly parent?: { readonly root: boolean } }) => void): void
}

const GRACE_MS = 10_000
/** Libraries leave timers behind that only end; a worker lets go of them after this. */
const TIMERS_MS = 200
const LOOK_MS = 10

const notRun: string[] = []
let isOver = false

export async function mochaGlobalSetup(this: Run): Promise<void> {
  this.on('pending', (test) => notRun.push(...suiteNotRun(test)))
  process.on('exit', failWhenBrokenOff)
  if (!this.isParallelMode()) return
  this.state = 'running'
  this.on('fail', ({ file, parent }) => { if (parent?.root === true && file !== undefined) process.stdout.write(`  in ${relative('.', file)}:\n`) })
  await shareEmulators(process.env)
}

export async function mochaGlobalTeardown(): Promise<void> {
  isOver = true
  failWhenAlive(GRACE_MS)
  await stopEmulators()
  for (const line of notRun) process.stdout.write(`${line}\n`)
}

/** mocha goes on waiting for a worker that broke down between two files, or for the last one, and a process that waits for nothing ends with 0. */
function failWhenBrokenOff(): void {
  if (isOver) return
  process.stderr.write('\nThe run broke off before its end.\n')
  process.exitCode = 1
}

/** Ends this process as a failure if it still lives after `graceMs`; does not keep it alive itself. */
export function failWhenAlive(graceMs: number): void {
  setTimeout(() => {
    process.stderr.write(`\nThe tests are over, but ${graceMs} ms later these still keep the process alive: ${process.getActiveResourcesInfo().join(', ')}\nSome test leaves a server, store, worker, child or timer open.\n`)
    // mocha writes its own exit code on exit, so this comes after it; nothing but exit() ends what something keeps alive.
    process.on('exit', () => { process.exitCode = 1 })
    process.exit()
  }, graceMs).unref()
}

/** For workers. Each is ended by the run, so nothing would show what its files leave open: it looks after every one. */
export const mochaHooks = process.env['MOCHA_WORKER_ID'] === undefined ? {} : { beforeAll: lookAfterTheRest }

const known = process.getActiveResourcesInfo()

/** As the last of all hooks: what a file closes in a hook outside its suites is registered by now. */
function lookAfterTheRest(this: Mocha.Context): void {
  this.runnable().parent?.afterAll(nothingIsLeftOpen)
}

async function nothingIsLeftOpen(this: Mocha.Context): Promise<void> {
  this.timeout(0)
  const hook = this.runnable()
  await untilClosed(relative('.', hook.parent?.suites[0]?.file ?? ''), GRACE_MS, () => hook.isFailed())
  // What was left behind has thrown meanwhile: that has ended this hook, and a second end would break the worker.
  if (hook.isFailed()) await new Promise(() => undefined)
}

/**
 * Rejects when something is still open after `graceMs` that was not open when this process began, timers excepted: those are waited
 * for only so long that what they throw is told of the right file. Says the same only once.
 */
export async function untilClosed(file: string, graceMs: number, isEnded: () => boolean = () => false): Promise<void> {
  for (const begin = performance.now(); !isEnded(); await delay(LOOK_MS)) {
    const open = left(known)
    const held = open.filter((kind) => kind !== 'Timeout' && kind !== 'Immediate')
    const waited = performance.now() - begin
    if (open.length === 0 || (held.length === 0 && waited > Math.min(TIMERS_MS, graceMs))) return
    if (waited > graceMs) {
      known.push(...held)
      throw new Error(`${graceMs} ms after the last test of ${file} these are still open: ${held.join(', ')}; some test leaves a server, store, worker or child behind`)
    }
  }
}

/** What keeps this process alive beside what did so before. */
function left(before: readonly string[]): readonly string[] {
  const counted = [...before]
  return process.getActiveResourcesInfo().filter((kind) => {
    const index = counted.indexOf(kind)
    if (index !== -1) counted.splice(index, 1)
    return index === -1
  })
}
