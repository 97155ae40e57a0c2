/** `lockkeeper agent env|adc|token`: what an agent needs that is not started by `lockkeeper run`. */
import { mkdir, writeFile } from 'node:fs/promises'
import { resolve } from 'node:path'
import type { Command } from 'commander'
import { agentFiles, agentVariables, externalAccount, type AgentAccess } from '../agent/agent-environment.ts'
import type { IsolationLevel } from '@lockkeeper/domain'
import { CommandFailed, WrongUse } from '../command-failed.ts'
import type { GatewayFiles } from '../gateway/isolation.ts'
import { clientOf, withAdmin, type AdminOptions } from './admin-option.ts'
import { print } from './output.ts'

export interface AccessOptions extends AdminOptions { readonly tokenFile?: string, readonly directory?: string, readonly project?: string }
export interface GatewayStatus { readonly mode: 'sandbox' | 'real', readonly isolation: IsolationLevel, readonly origin: string, readonly authority?: string, readonly doors: { readonly forward: boolean, readonly domain?: string }, readonly files: GatewayFiles }

export function addAgentCommands(program: Command): void {
  const agent = program.command('agent').description('What to set where an agent runs.')
  withAccess(withAdmin(agent.command('env')))
    .description('Writes the trust bundle and the credential file, and prints the variables as shell exports.')
    .addHelpText('after', '\nExample:\n  $ eval "$(lockkeeper agent env --token-file /run/agent/oidc.jwt)"')
    .action(async (options: AccessOptions) => {
      const access = await writeAccess(options)
      for (const [name, value] of Object.entries(agentVariables(access)).sort()) print(`export ${name}='${value.replaceAll('\'', '\'\\\'\'')}'`)
    })
  withAccess(withAdmin(agent.command('adc')))
    .description('Prints an external_account credential file (application default credentials) that exchanges the agent\'s token at the gateway.')
    .addHelpText('after', '\nExample:\n  $ lockkeeper agent adc --token-file /run/agent/oidc.jwt > adc.json')
    .action(async (options: AccessOptions) => print(JSON.stringify(externalAccount(await accessOf(options)), null, 2)))
  withAdmin(agent.command('token'))
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

export function withAccess(command: Command): Command {
  return command
    .option('--token-file <file>', 'file with the agent\'s OIDC token, kept fresh by whoever issues it (default: LOCKKEEPER_TOKEN_FILE)')
    .option('--directory <dir>', 'where the trust bundle and credential file are written', '.lockkeeper-agent')
    .option('--project <id>', 'Google Cloud project where a client names none')
}

export async function accessOf(options: AccessOptions): Promise<AgentAccess> {
  const tokenFile = options.tokenFile ?? process.env['LOCKKEEPER_TOKEN_FILE']
  if (tokenFile === undefined) throw new WrongUse('name the agent\'s token with --token-file or LOCKKEEPER_TOKEN_FILE')
  const { origin, authority } = await clientOf(options).get<GatewayStatus>('/v1/status')
  if (authority === undefined) throw new CommandFailed('the gateway has no forward door; open it with doors.forward in its configuration')
  return { origin, authority, tokenFile: resolve(tokenFile), directory: resolve(options.directory ?? '.lockkeeper-agent'), ...(options.project === undefined ? {} : { project: options.project }) }
}

export async function writeAccess(options: AccessOptions): Promise<AgentAccess> {
  const access = await accessOf(options)
  await mkdir(resolve(access.directory, 'gcloud'), { recursive: true })
  for (const { path, content } of agentFiles(access)) await writeFile(path, content)
  return access
}
