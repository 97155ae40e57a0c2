/** One emulator of each kind for the whole run; suites keep apart by project id. */
import { randomBytes } from 'node:crypto'
import process from 'node:process'
import { startContainer } from './emulator-container.ts'
import { planEmulator, thisMachine, type EmulatorName, type EmulatorPlan } from './emulator-plan.ts'
import { startProcess, type StartedEmulator } from './emulator-process.ts'

export interface RunningEmulator {
  readonly available: true
  /** `HOST:PORT` on this machine, plain HTTP/2. */
  readonly host: string
  /** A project that no other call in this run, and no other run, has: nothing is in it yet. */
  readonly projectId: string
}

export interface NoEmulator { readonly available: false, readonly why: string }

const plans = new Map<EmulatorName, EmulatorPlan>()
const started = new Map<EmulatorName, Promise<StartedEmulator>>()

/** Found once for a run. */
export function emulatorPlan(name: EmulatorName): EmulatorPlan {
  const plan = plans.get(name) ?? planEmulator(name, thisMachine)
  plans.set(name, plan)
  return plan
}

/** Starts it with the first call. Rejects where one was found and does not start: that is a fault, not an absence. */
export function firestoreEmulator(): Promise<RunningEmulator | NoEmulator> {
  return emulator('firestore')
}

export function pubsubEmulator(): Promise<RunningEmulator | NoEmulator> {
  return emulator('pubsub')
}

export async function emulator(name: EmulatorName): Promise<RunningEmulator | NoEmulator> {
  const plan = emulatorPlan(name)
  if (plan.way === 'none') return { available: false, why: plan.why }
  // Google's libraries look for a metadata server otherwise, and warn that there is none.
  process.env['METADATA_SERVER_DETECTION'] ??= 'none'
  let running = started.get(name)
  if (running === undefined) {
    running = start(name, plan)
    started.set(name, running)
  }
  const { host } = await running
  return { available: true, host, projectId: freshProjectId() }
}

/** Valid as a project id of Google's: 6 to 30 characters, a letter first. */
export function freshProjectId(): string {
  return `test-${randomBytes(8).toString('hex')}`
}

/** For the end of the run. What never came up needs no stop, and its test has said so. */
export async function stopEmulators(): Promise<void> {
  const all = [...started.values()]
  started.clear()
  await Promise.all(all.map(async running => {
    const one = await running.catch(() => undefined)
    await one?.stop()
  }))
}

async function start(name: EmulatorName, plan: Exclude<EmulatorPlan, { way: 'none' }>): Promise<StartedEmulator> {
  if (plan.way === 'running') return { host: plan.host, stop: () => Promise.resolve() }
  return plan.way === 'container' ? startContainer(name, plan.image) : startProcess(name, plan.java, plan.args)
}
