/** One emulator of each kind for the whole run, however many processes it has; suites keep apart by project id. */
import { randomBytes } from 'node:crypto'
import process from 'node:process'
import { startContainer } from './emulator-container.ts'
import { EMULATORS, planEmulator, thisMachine, type EmulatorName, type EmulatorPlan } from './emulator-plan.ts'
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

/**
 * The plans that the process of the whole run hands to its workers, as JSON. A name of our own: Google's libraries read theirs
 * themselves, and would lead tests to the emulator that speak to a server of their own.
 */
const HANDED = 'TEST_EMULATORS'

/** Found once for a run. */
export function emulatorPlan(name: EmulatorName): EmulatorPlan {
  const plan = plans.get(name) ?? handedPlans(process.env)[name] ?? planEmulator(name, thisMachine)
  plans.set(name, plan)
  return plan
}

function handedPlans(environment: Readonly<Record<string, string | undefined>>): Partial<Record<EmulatorName, EmulatorPlan>> {
  return JSON.parse(environment[HANDED] ?? '{}') as Partial<Record<EmulatorName, EmulatorPlan>>
}

/**
 * Starts every emulator that can be had, and tells the processes that get this environment where it is, or why there is none. They
 * start and stop none themselves. Rejects where one was found and does not start.
 */
export async function shareEmulators(environment: Record<string, string | undefined>): Promise<void> {
  const handed = await Promise.all(EMULATORS.map(async (name): Promise<readonly [EmulatorName, EmulatorPlan]> => {
    const one = await emulator(name)
    return [name, one.available ? { way: 'running', host: one.host } : { way: 'none', why: one.why }]
  }))
  environment[HANDED] = JSON.stringify(Object.fromEntries(handed))
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
