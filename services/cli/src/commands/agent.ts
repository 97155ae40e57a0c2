/** `lockkeeper agent env|adc|token`: what an agent needs that is not started by `lockkeeper run`. */
import { mkdir, writeFile } from 'node:fs/promises'
import { resolve } from 'node:path'
import { Option, type Command } from 'commander'
import { agentFiles, agentVariables, externalAccount, type AgentAccess } from '../agent/agent-environment.ts'
import type { IsolationLevel } from '@lockkeeper/domain'
import { CommandFailed, WrongUse } from '../command-failed.ts'
import type { GatewayFiles } from '../gateway/isolation.ts'
import { clientOf, socketClientOf, withSocket, type AdminOptions } from './admin-option.ts'
import { print } from './output.ts'

interface AccessOptions extends AdminOptions { readonly tokenFile?: string, readonly directory?: string, readonly project?: string }
export interface GatewayStatus { readonly mode: 'sandbox' | 'real', readonly isolation: IsolationLevel, readonly origin: string, readonly authority?: string, readonly doors: { readonly path: boolean, readonly forward: boolean, readonly domain?: string }, readonly config: string, readonly policy: { readonly version?: string, readonly rules?: number, readonly problems: number }, readonly files: GatewayFiles }

const DOMAIN = /^(?:[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?\.)+[a-z0-9-]{2,63}$/
const FORMATS = ['sh', 'json', 'dotenv'] as const
type Format = typeof FORMATS[number]

export function addAgentCommands(program: Command): void {
  const agent = program.command('agent').description('What to set where an agent runs.')
  withAccess(withSocket(agent.command('env')))
    .description('Writes the trust bundle and the credential file, and prints the variables. The agent\'s process is not shut in: `lockkeeper run` does that.')
    .option('--directory <dir>', 'where the trust bundle and credential file are written', '.lockkeeper-agent')
    .addOption(new Option('--format <format>', 'sh: exports to eval; json: one object; dotenv: NAME=\'value\' lines').choices(FORMATS).default('sh'))
    .addHelpText('after', '\nExample:\n  $ eval "$(lockkeeper agent env --token-file /run/agent/oidc.jwt)"')
    .action(async (options: AccessOptions & { readonly format: Format }) => print(formatVariables(agentVariables(await writeAccess(options)), options.format)))
  withAccess(withSocket(agent.command('adc')))
    .description('Prints an external_account credential file (application default credentials) that exchanges the agent\'s token at the gateway. It holds no secret.')
    .option('--universe <domain>', 'the gateway\'s domain door: client libraries then build every host under this domain')
    .option('--output <file>', 'write it to this file instead')
    .addHelpText('after', '\nExamples:\n  $ lockkeeper agent adc --token-file /run/agent/oidc.jwt > adc.json\n  $ lockkeeper agent adc --token-file /run/agent/oidc.jwt --universe gw.example.com --output adc.json')
    .action(writeCredential)
  withSocket(agent.command('token'))
    .description('Sandbox only: mints a token for a made-up agent and prints it.')
    .requiredOption('--agent <id>', 'agent id')
    .requiredOption('--run <id>', 'run id')
    .option('--sponsor <email>', 'the human it works for')
    .addHelpText('after', '\nExample:\n  $ lockkeeper agent token --agent my-agent --run try-1 > token.jwt')
    .action(async (options: AdminOptions & { readonly agent: string, readonly run: string, readonly sponsor?: string }) => {
      const { token } = await clientOf(options).post<{ readonly token: string }>('/v1/sandbox/tokens', { agent: options.agent, run: options.run, ...(options.sponsor === undefined ? {} : { sponsor: options.sponsor }) })
      print(token)
    })
}

function withAccess(command: Command): Command {
  return command
    .option('--token-file <file>', 'file with the agent\'s OIDC token, kept fresh by whoever issues it (default: LOCKKEEPER_TOKEN_FILE)')
    .option('--project <id>', 'Google Cloud project where a client names none')
}

/** One line for each variable, in order of names. Values are quoted so that no shell reads anything into them. */
export function formatVariables(variables: Readonly<Record<string, string>>, format: Format): string {
  const sorted = Object.entries(variables).sort(([one], [other]) => one < other ? -1 : 1)
  if (format === 'json') return JSON.stringify(Object.fromEntries(sorted), null, 2)
  if (format === 'sh') return sorted.map(([name, value]) => `export ${name}='${value.replaceAll('\'', '\'\\\'\'')}'`).join('\n')
  return sorted.map(([name, value]) => {
    if (/['\r\n]/.test(value)) throw new CommandFailed(`${name} has a quote or line break in it, for which dotenv files have no common form: use --format json`)
    return `${name}='${value}'`
  }).join('\n')
}

async function writeCredential({ universe, output, ...options }: AccessOptions & { readonly universe?: string, readonly output?: string }): Promise<void> {
  if (universe !== undefined && !DOMAIN.test(universe)) throw new WrongUse('--universe must be a domain, such as gw.example.com')
  const tokenFile = tokenFileOf(options)
  const { origin, doors } = universe === undefined ? await statusOf(options) : { origin: '', doors: undefined }
  if (doors !== undefined && !doors.forward && doors.domain !== undefined) throw new WrongUse(`the gateway has no forward door; name its domain door with --universe ${doors.domain}`)
  const text = JSON.stringify(externalAccount({ origin, tokenFile, ...(universe === undefined ? {} : { universe }) }), null, 2)
  if (output === undefined) print(text)
  else await writeFile(output, `${text}\n`)
}

function tokenFileOf({ tokenFile }: AccessOptions): string {
  const named = tokenFile ?? process.env['LOCKKEEPER_TOKEN_FILE']
  if (named === undefined) throw new WrongUse('name the agent\'s token with --token-file or LOCKKEEPER_TOKEN_FILE')
  return resolve(named)
}

function statusOf(options: AdminOptions): Promise<GatewayStatus> {
  return socketClientOf(options).get<GatewayStatus>('/v1/status')
}

/** Throws CommandFailed where the gateway has no forward door, WrongUse where no token is named. */
async function writeAccess(options: AccessOptions): Promise<AgentAccess> {
  const tokenFile = tokenFileOf(options)
  const { origin, authority } = await statusOf(options)
  if (authority === undefined) throw new CommandFailed('the gateway has no forward door; open it with doors.forward in its configuration')
  const access: AgentAccess = { origin, authority, tokenFile, directory: resolve(options.directory ?? '.lockkeeper-agent'), ...(options.project === undefined ? {} : { project: options.project }) }
  await mkdir(resolve(access.directory, 'gcloud'), { recursive: true })
  for (const { path, content } of agentFiles(access)) await writeFile(path, content)
  return access
}
