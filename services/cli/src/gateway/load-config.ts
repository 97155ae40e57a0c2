/** From lockkeeper.yaml to a configuration that can be started: files read, references resolved, every problem named at once. */
import { readFileSync } from 'node:fs'
import { dirname, resolve } from 'node:path'
import { checkApproverIssuerSettings, checkIssuerSettings, peopleDocumentSchema, readPeople } from '@lockkeeper/auth'
import type { Person } from '@lockkeeper/domain'
import { notifyProblems } from '@lockkeeper/notifier'
import { readSettingsFile, unknownVariables, type SettingsProblem, type SettingsSource } from '@lockkeeper/service-kit'
import { gatewaySchema, type GatewayConfig } from './config-schema.ts'
import { modeProblems } from './mode-problems.ts'
import { readCertificates } from './notify-certificates.ts'
import { publishedTargets } from './published-targets.ts'
import { soundParts } from './sound-parts.ts'

/** Environment variables that the gateway reads; any other `LOCKKEEPER_*` stops the start. */
const KNOWN_VARIABLES = ['LOCKKEEPER_CONFIG', 'LOCKKEEPER_ADMIN', 'LOCKKEEPER_TOKEN_FILE', 'LOCKKEEPER_GATEWAY'] as const

/** Secrets may come from the environment: `LOCKKEEPER_SECRET_<NAME>`, as a target's `credential: { secret: name }` asks for. */
function secretVariables(environment: Readonly<Record<string, string | undefined>>): readonly string[] {
  return Object.keys(environment).filter((name) => name.startsWith('LOCKKEEPER_SECRET_'))
}

export interface LoadedConfig {
  readonly config: GatewayConfig
  readonly people: readonly Person[]
  readonly file: string
  /** Directory that relative paths start from: the file's own. */
  readonly directory: string
  /** Targets are published with the policies; `config.targets` are those of the folder's targets.yaml at the start, none where sets are pushed. */
  readonly publishedTargets: boolean
}

export function loadConfig(file: string, environment: Readonly<Record<string, string | undefined>>): LoadedConfig | { readonly problems: readonly SettingsProblem[] } {
  const path = resolve(file)
  const directory = dirname(path)
  const variables = unknownVariables(environment, [...KNOWN_VARIABLES, ...secretVariables(environment)]).map(({ name, message }): SettingsProblem => ({ file: 'environment', line: 0, path: name, message }))
  const { result, source } = readSettingsFile(path, gatewaySchema)
  const unsound = 'problems' in result
  // No YAML: nothing more can be said.
  if (unsound && source.raw === undefined) return { problems: [...variables, ...result.problems] }
  const { config: read, problems: missing } = readFiles(unsound ? soundParts(source.raw) : result.value, directory, source)
  const published = publishedTargets(read, directory, source)
  const config = published.targets === undefined ? read : { ...read, targets: published.targets }
  const { people, problems: unknown } = loadPeople(config, directory)
  const problems = [...variables, ...(unsound ? result.problems : []), ...missing, ...unknown, ...published.problems, ...crossProblems(config, unknown.length > 0 ? undefined : people, source)]
  return problems.length > 0 ? { problems } : { config, people, file: path, directory, publishedTargets: published.targets !== undefined }
}

/** `jwks: ./keys.json` and PEM files become their content. */
function readFiles(config: GatewayConfig, directory: string, source: SettingsSource): { readonly config: GatewayConfig, readonly problems: readonly SettingsProblem[] } {
  const problems: SettingsProblem[] = []
  const read = (name: string, path: readonly PropertyKey[]): string => {
    try {
      return readFileSync(resolve(directory, name), 'utf8')
    } catch (error) {
      problems.push({ file: source.file, line: source.locate(path), path: path.map(String).join('.'), message: `${name} cannot be read: ${(error as NodeJS.ErrnoException).code ?? ''}` })
      return ''
    }
  }
  const keys = <T extends { readonly jwks?: unknown }>(issuer: T, path: readonly PropertyKey[]): T =>
    typeof issuer.jwks === 'string' && /^\.{0,2}\//.test(issuer.jwks) ? { ...issuer, jwks: read(issuer.jwks, [...path, 'jwks']) } : issuer
  const { tls } = config.listen
  return {
    problems,
    config: {
      ...config, ...config.notify === undefined ? {} : { notify: readCertificates(config.notify, read) },
      issuers: config.issuers.map((issuer, index) => keys(issuer, ['issuers', index])),
      approverIssuers: config.approverIssuers.map((issuer, index) => keys(issuer, ['approverIssuers', index])),
      listen: { ...config.listen, ...(tls === undefined ? {} : { tls: { certificate: read(tls.certificate, ['listen', 'tls', 'certificate']), key: read(tls.key, ['listen', 'tls', 'key']) } }) },
      targets: config.targets.map((target, index) => target.certificateAuthority === undefined ? target : { ...target, certificateAuthority: read(target.certificateAuthority, ['targets', index, 'certificateAuthority']) }),
    },
  }
}

function loadPeople(config: GatewayConfig, directory: string): { readonly people: readonly Person[], readonly problems: readonly SettingsProblem[] } {
  if (config.people === undefined) return { people: [], problems: [] }
  const { result, source } = readSettingsFile(resolve(directory, config.people), peopleDocumentSchema)
  if ('problems' in result) return { people: [], problems: result.problems }
  const read = readPeople(result.value)
  if ('people' in read) return { people: read.people, problems: [] }
  return { people: [], problems: read.problems.map(({ path, message }) => ({ file: source.file, line: source.locate(path), path: path.join('.'), message })) }
}

/** `people`: undefined where their file is unsound. */
function crossProblems(config: GatewayConfig, people: readonly Person[] | undefined, source: SettingsSource): readonly SettingsProblem[] {
  const at = (path: readonly PropertyKey[], message: string): SettingsProblem => ({ file: source.file, line: source.locate(path), path: path.map(String).join('.'), message })
  const problems = checkIssuerSettings(config.issuers, config.mode).map(({ path, message }) => at(['issuers', ...path], message))
  if (config.approverIssuers.length > 0) problems.push(...checkApproverIssuerSettings(config.approverIssuers, config.mode, config.issuers).map(({ path, message }) => at(['approverIssuers', ...path], message)))
  problems.push(...modeProblems(config).map(({ path, message }) => at(path, message)))
  if (config.notify !== undefined) problems.push(...notifyProblems(config.notify, config.mode).map(({ path, message }) => at(['notify', ...path], message)))
  if (config.terminal !== undefined && people !== undefined && !people.some(({ id }) => id === config.terminal?.person)) problems.push(at(['terminal', 'person'], `${config.terminal.person} is not in the people file`))
  config.console?.signIn.forEach(({ issuer, clientId }, index) => {
    const known = config.approverIssuers.find(({ name }) => name === issuer)
    if (known === undefined) problems.push(at(['console', 'signIn', index, 'issuer'], `${issuer} is not among approverIssuers`))
    else if (![known.audience].flat().includes(clientId)) problems.push(at(['console', 'signIn', index, 'clientId'], `must be an audience of the approver issuer ${issuer}`))
  })
  if (!config.doors.path && config.doors.forward === undefined && config.doors.domain === undefined) problems.push(at(['doors'], 'no door is open: name path, forward or domain'))
  if (config.doors.domain !== undefined && config.listen.tls === undefined) problems.push(at(['doors', 'domain'], 'needs listen.tls with a certificate for the domain'))
  return problems
}
