/**
 * How an emulator can be had on this machine: one that runs already, one in a container, one from an installed Google Cloud SDK.
 * Looked up when test files are loaded, so that a suite which cannot run is one pending test and not a hundred.
 */
import { spawnSync } from 'node:child_process'
import { existsSync, readdirSync, readFileSync, realpathSync } from 'node:fs'
import { dirname, join } from 'node:path'
import process from 'node:process'
import { emulatorJar } from './emulator-jars.ts'

export const EMULATORS = ['firestore', 'pubsub'] as const
export type EmulatorName = typeof EMULATORS[number]

export type EmulatorPlan =
  /** Started by somebody else, who also stops it. */
  | { readonly way: 'running', readonly host: string }
  | { readonly way: 'container', readonly image: string }
  /** Arguments for java, up to the port. */
  | { readonly way: 'sdk', readonly java: string, readonly args: readonly string[] }
  | { readonly way: 'none', readonly why: string }

/** What is asked of the machine; tests put another one in its place. */
export interface Machine {
  readonly env: Readonly<Record<string, string | undefined>>
  /** Standard output of a program that ended with 0 within `timeoutMs`, else undefined. */
  run(command: string, args: readonly string[], timeoutMs: number): string | undefined
  exists(path: string): boolean
  list(folder: string): readonly string[]
  /** Where a program of that name on the PATH really lies. */
  which(program: string): string | undefined
  compose(): string
}

const HOST_VARIABLES = { firestore: 'FIRESTORE_EMULATOR_HOST', pubsub: 'PUBSUB_EMULATOR_HOST' } as const satisfies Record<EmulatorName, string>
const ASK_MS = 10_000
/** The public image has about 1 GB. */
const PULL_MS = 300_000

/** An image that must be pulled comes last: it is large, and an SDK is as good. */
export function planEmulator(name: EmulatorName, machine: Machine): EmulatorPlan {
  const host = machine.env[HOST_VARIABLES[name]]
  if (host !== undefined && host !== '') return { way: 'running', host }
  const engine = machine.run('docker', ['info', '--format', '{{.ServerVersion}}'], ASK_MS)?.trim() ?? ''
  const chosen = machine.env['EMULATOR_IMAGE'] ?? ''
  const image = chosen === '' ? composeImage(machine.compose()) : chosen
  if (engine !== '' && (chosen !== '' || machine.run('docker', ['image', 'inspect', '--format', '{{.Id}}', image], ASK_MS) !== undefined)) return { way: 'container', image }
  const sdk = sdkPlan(name, machine)
  if (typeof sdk !== 'string') return sdk
  if (engine !== '' && machine.run('docker', ['pull', '--quiet', image], PULL_MS) !== undefined) return { way: 'container', image }
  const container = engine === '' ? 'no container engine answers' : `${image} is not here and could not be pulled`
  return { way: 'none', why: `${HOST_VARIABLES[name]} is not set, ${container}, and ${sdk}` }
}

function sdkPlan(name: EmulatorName, machine: Machine): EmulatorPlan | string {
  const root = sdkRoot(machine)
  if (root === undefined) return 'there is no Google Cloud SDK'
  const args = emulatorJar(name, root, machine)
  if (args === undefined) return `the Google Cloud SDK in ${root} lacks the ${name} emulator`
  const home = machine.env['JAVA_HOME'] ?? ''
  const java = home === '' ? 'java' : join(home, 'bin', 'java')
  return machine.run(java, ['-version'], ASK_MS) === undefined ? 'there is no java to run the Google Cloud SDK\'s emulators' : { way: 'sdk', java, args }
}

function sdkRoot(machine: Machine): string | undefined {
  const isRoot = (folder: string | undefined): folder is string => folder !== undefined && folder !== '' && machine.exists(join(folder, 'platform'))
  const gcloud = machine.which('gcloud')
  const near = [machine.env['CLOUDSDK_ROOT_DIR'], machine.env['CLOUDSDK_ROOT'], gcloud === undefined ? undefined : dirname(dirname(gcloud))].find(isRoot)
  if (near !== undefined || gcloud === undefined) return near
  // A wrapper script lies elsewhere; gcloud itself knows, but needs a second to say so.
  const told = machine.run('gcloud', ['info', '--format=value(installation.sdk_root)'], ASK_MS)?.trim()
  return isRoot(told) ? told : undefined
}

/** The image that stands in docker-compose.test.yml as the default of EMULATOR_IMAGE. */
export function composeImage(compose: string): string {
  const image = /\$\{EMULATOR_IMAGE:-([^\s}]+)\}/.exec(compose)?.[1]
  if (image === undefined) throw new TypeError('docker-compose.test.yml names no default for EMULATOR_IMAGE')
  return image
}

export const thisMachine: Machine = {
  env: process.env,
  run(command, args, timeoutMs) {
    const { status, stdout } = spawnSync(command, args, { encoding: 'utf8', timeout: timeoutMs, stdio: ['ignore', 'pipe', 'ignore'] })
    return status === 0 ? stdout : undefined
  },
  exists: existsSync,
  list: folder => existsSync(folder) ? readdirSync(folder) : [],
  which(program) {
    const found = (process.env['PATH'] ?? '').split(':').map(folder => join(folder, program)).find(path => existsSync(path))
    return found === undefined ? undefined : realpathSync(found)
  },
  compose: () => readFileSync(join(import.meta.dirname, '../../../../docker-compose.test.yml'), 'utf8'),
}
