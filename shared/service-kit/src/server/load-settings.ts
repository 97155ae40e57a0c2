/** From a service's settings file and environment to settings that it can be started with; every problem named at once. */
import { dirname, resolve } from 'node:path'
import { checkServiceIssuers } from '@lockkeeper/auth'
import type { Mode } from '@lockkeeper/domain'
import type { z } from 'zod'
import { unknownVariables } from '../environment.ts'
import { readSettingsFile, type SettingsProblem } from '../settings-file.ts'
import { telemetryProblems, type TelemetrySettings } from '../telemetry/telemetry-schema.ts'

type Environment = Readonly<Record<string, string | undefined>>

export interface PathProblem { readonly path: readonly PropertyKey[], readonly message: string }

export interface LoadedSettings<T> {
  readonly settings: T
  /** What relative paths start from: the file's own directory. */
  readonly directory: string
  /** Where to listen, as Cloud Run says it. Default 8080. */
  readonly port: number
}

interface Common { readonly mode: Mode, readonly emulators?: unknown, readonly telemetry?: TelemetrySettings | undefined }

/** Variables that lead Google's libraries elsewhere, or make them trust anybody. */
const UNSAFE_IN_REAL = ['FIRESTORE_EMULATOR_HOST', 'PUBSUB_EMULATOR_HOST', 'STORAGE_EMULATOR_HOST', 'DATASTORE_EMULATOR_HOST', 'GCE_METADATA_HOST', 'GCE_METADATA_IP', 'GOOGLE_CLOUD_UNIVERSE_DOMAIN', 'NODE_TLS_REJECT_UNAUTHORIZED'] as const
const SANDBOX_ONLY = new Set(['file', 'directory', 'tokenFile', 'emulators'])
const KNOWN = ['LOCKKEEPER_CONFIG'] as const

/** `check`: what is wrong although each part by itself is of the right form. */
export function loadServiceSettings<S extends z.ZodType<Common>>(schema: S, environment: Environment, check: (settings: z.output<S>, directory: string) => readonly PathProblem[] = () => []): LoadedSettings<z.output<S>> | { readonly problems: readonly SettingsProblem[] } {
  const problems = unknownVariables(environment, KNOWN).map(({ name, message }) => variable(name, message))
  const port = Number(environment['PORT'] ?? 8080)
  if (!Number.isInteger(port) || port < 0 || port > 65_535) problems.push(variable('PORT', 'must be a number from 0 to 65535'))
  const name = environment['LOCKKEEPER_CONFIG']
  if (name === undefined || name === '') return { problems: [...problems, variable('LOCKKEEPER_CONFIG', 'must name the settings file')] }
  const file = resolve(name)
  const { result, source } = readSettingsFile(file, schema)
  const mode = modeOf('value' in result ? result.value : source.raw)
  if (mode !== 'sandbox') problems.push(...unsafe(environment))
  const at = ({ path, message }: PathProblem): SettingsProblem => ({ file, line: source.locate(path), path: path.map(String).join('.'), message })
  if (mode !== undefined) problems.push(...modeProblems(source.raw, mode).map(at))
  if ('problems' in result) return { problems: [...problems, ...result.problems] }
  problems.push(...telemetryProblems(result.value.telemetry, result.value.mode).map(at), ...check(result.value, dirname(file)).map(at))
  return problems.length > 0 ? { problems } : { settings: result.value, directory: dirname(file), port }
}

const variable = (name: string, message: string): SettingsProblem => ({ file: 'environment', line: 0, path: name, message })

function modeOf(raw: unknown): Mode | undefined {
  const mode = typeof raw === 'object' && raw !== null && 'mode' in raw ? raw.mode : undefined
  return mode === 'real' || mode === 'sandbox' ? mode : undefined
}

function unsafe(environment: Environment): readonly SettingsProblem[] {
  return UNSAFE_IN_REAL.filter((name) => (environment[name] ?? '') !== '').map((name) => variable(name, 'must not be set in real mode: it leads Google\'s libraries elsewhere or makes them trust what they should not'))
}

/** Sandbox and real never mix: no stand-in in real mode, no Google in the sandbox. Token issuers by the same rule. */
export function modeProblems(raw: unknown, mode: Mode): readonly PathProblem[] {
  const problems = parts(raw, []).flatMap(([key, value, path]): readonly PathProblem[] => {
    if (key === 'issuers' && isServiceIssuers(path) && Array.isArray(value)) return checkServiceIssuers(value, mode).map((found) => ({ path: [...path, ...found.path], message: found.message }))
    return mode === 'real' && SANDBOX_ONLY.has(key) ? [{ path, message: 'stands in for Google in the sandbox; it is refused in real mode' }] : []
  })
  if (mode === 'real' || (typeof raw === 'object' && raw !== null && 'emulators' in raw)) return problems
  return [...problems, { path: ['emulators'], message: 'must name the emulators in the sandbox, which never touches Google Cloud' }]
}

/** Of callers and pushers; agents' and approvers' issuers are checked by whoever has them. */
function isServiceIssuers(path: readonly PropertyKey[]): boolean {
  return path.length > 1
}

type Part = readonly [key: string, value: unknown, path: readonly PropertyKey[]]

function parts(value: unknown, path: readonly PropertyKey[]): readonly Part[] {
  if (typeof value !== 'object' || value === null) return []
  return Object.entries(value).flatMap(([key, member]): readonly Part[] => {
    const here = [...path, Array.isArray(value) ? Number(key) : key]
    return [[key, member, here], ...parts(member, here)]
  })
}
