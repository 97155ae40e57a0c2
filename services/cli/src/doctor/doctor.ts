/** `lockkeeper doctor`: every check once, what each found, and what to do. */
import { homedir } from 'node:os'
import { systemClock } from '@lockkeeper/domain'
import { strike } from '@lockkeeper/service-kit'
import { openAdminClient } from '../admin/admin-client.ts'
import { adminSocketPath } from '../admin/admin-place.ts'
import { CommandFailed } from '../command-failed.ts'
import type { AdminOptions } from '../commands/admin-option.ts'
import type { GatewayStatus } from '../commands/agent.ts'
import { plain, print, printJson } from '../commands/output.ts'
import { strongestLevel } from '../gateway/isolation.ts'
import { loadConfig } from '../gateway/load-config.ts'
import { checkConfiguration, checkFiles, checkIsolation, checkPolicies } from './configuration-checks.ts'
import { checkCredentials } from './credential-checks.ts'
import { checkNode, checkOtherCredentials } from './environment-checks.ts'
import { findings, type Finding } from './finding.ts'
import { checkAuthority, checkDoors, checkGateway } from './gateway-checks.ts'
import { checkNotifier } from './notifier-checks.ts'
import type { Surroundings } from './surroundings.ts'
import { checkIssuers, checkToken } from './token-checks.ts'

export interface DoctorOptions extends AdminOptions { readonly config?: string, readonly tokenFile?: string }

type Check = (given: Surroundings) => readonly Finding[] | Promise<readonly Finding[]>

/** In the order in which they are printed: from what everything stands on to what stands on it. */
const CHECKS: readonly (readonly [name: string, check: Check])[] = [
  ['configuration', checkConfiguration], ['gateway', checkGateway], ['isolation', checkIsolation], ['files', checkFiles], ['policies', checkPolicies],
  ['authority', checkAuthority], ['doors', checkDoors], ['issuers', checkIssuers], ['token', checkToken], ['credentials', checkCredentials],
  ['notifier', checkNotifier], ['other credentials', checkOtherCredentials], ['node', checkNode],
]
const METADATA_SERVER = 'http://169.254.169.254'
const MARKS = { ok: 'ok', warning: 'warning', problem: 'PROBLEM', skipped: 'skipped' } as const

/** CommandFailed (exit code 1) when anything is a problem. */
export async function doctor(options: DoctorOptions): Promise<void> {
  const found = await examine(await lookAround(options, process.env))
  if (options.json === true) printJson({ findings: found })
  else for (const { check, result, is, todo } of found) print(`${MARKS[result].padEnd(8)} ${check}: ${plain(is)}${todo === undefined ? '' : `\n         → ${plain(todo)}`}`)
  const problems = found.filter(({ result }) => result === 'problem').length
  if (problems > 0) throw new CommandFailed(`${problems} problem${problems === 1 ? '' : 's'} found`)
}

/** A check that fails itself is a problem of its own and stops no other. */
export async function examine(given: Surroundings): Promise<readonly Finding[]> {
  const found = await Promise.all(CHECKS.map(async ([name, check]) => {
    try {
      return await check(given)
    } catch (error) {
      return [findings(name).problem(`the check itself failed: ${(error as Error).message}`, 'Tell the maintainers what it says.')]
    }
  }))
  return found.flat().map((one) => ({ ...one, is: strike(one.is) }))
}

async function lookAround({ config, tokenFile, admin }: DoctorOptions, environment: Readonly<Record<string, string | undefined>>): Promise<Surroundings> {
  const gateway = await running(adminSocketPath(admin, environment))
  const file = config ?? environment['LOCKKEEPER_CONFIG'] ?? ('status' in gateway ? gateway.status.config : undefined)
  const loaded = file === undefined ? undefined : loadConfig(file, environment)
  return {
    configuration: loaded === undefined || !('problems' in loaded) ? loaded : { file: file ?? '', problems: loaded.problems },
    gateway, tokenFile: tokenFile ?? environment['LOCKKEEPER_TOKEN_FILE'], environment, home: homedir(), clock: systemClock, strongest: strongestLevel(), metadata: METADATA_SERVER,
  }
}

async function running(socket: string): Promise<Surroundings['gateway']> {
  try {
    const client = openAdminClient(socket)
    return { client, status: await client.get<GatewayStatus>('/v1/status') }
  } catch (error) {
    if (error instanceof CommandFailed) return { absent: error.message }
    throw error
  }
}
