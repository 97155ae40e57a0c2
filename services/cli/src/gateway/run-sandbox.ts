/** `up --sandbox`: the sandbox, a gateway before it, and on request the tour. */
import { mkdir, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { createLogger } from '@lockkeeper/service-kit'
import { adminRoutes, sandboxRoutes } from '../admin/admin-routes.ts'
import { openAdminServer } from '../admin/admin-server.ts'
import { print } from '../commands/output.ts'
import { consoleInvitation } from './console-invitation.ts'
import { ISOLATION_MEANING } from './isolation.ts'
import { openSandbox, type Sandbox } from './sandbox.ts'
import { openTerminal } from './terminal.ts'
import { takeTour } from './tour.ts'
import { untilStopped } from './until-stopped.ts'
import { openGateway, type Gateway } from './wire.ts'
import { agentFiles, agentVariables, type AgentAccess } from '../agent/agent-environment.ts'

const TOKEN_SECONDS = 3600

export interface SandboxRun { readonly tour: boolean, readonly once: boolean, readonly port: number }

/** Resolves with the exit code: 0, or 1 when a step of the tour failed or a part was lost. */
export async function runSandbox({ tour, once, port }: SandboxRun): Promise<number> {
  const sandbox = await openSandbox(port)
  const stop = untilStopped()
  const log = createLogger('gateway', { level: sandbox.loaded.config.log })
  print(`lockkeeper: SANDBOX, nothing here touches Google Cloud. Isolation none: ${ISOLATION_MEANING.none}`)
  const gateway = await openGateway({ loaded: sandbox.loaded, isolation: 'none', log, credentials: sandbox.credentials, onFailure: (error) => stop.fail(error) })
  await gateway.start()
  const access = await prepareAgent(gateway, sandbox)
  const admin = await openAdminServer(join(gateway.directory, 'admin.sock'), [sandboxRoutes(sandbox), ...adminRoutes(gateway, sandbox.loaded, 'none')])
  const terminal = once ? undefined : openTerminal(gateway, sandbox.loaded, () => stop.stop())
  const failed = tour ? await Promise.race([takeTour({ gateway, sandbox, access, once }), stop.stopped.then(() => true)]) : false
  if (!once) {
    invite(gateway, access, admin.path)
    for (const line of await consoleInvitation(gateway, sandbox.loaded, process.stdout.isTTY)) print(`\n${line}`)
    const failure = await stop.stopped
    if (failure !== undefined) process.stderr.write(`lockkeeper: stopped: ${failure.message}\n`)
  }
  terminal?.close()
  await admin.close()
  await gateway.drain()
  await sandbox.close()
  return failed ? 1 : 0
}

/** The files and the token of an agent that works in the sandbox. */
async function prepareAgent(gateway: Gateway, { idp, directory }: Sandbox): Promise<AgentAccess> {
  const agentDirectory = join(directory, 'agent')
  await mkdir(join(agentDirectory, 'gcloud'), { recursive: true })
  const access: AgentAccess = { origin: gateway.origin, authority: gateway.authority ?? '', tokenFile: join(agentDirectory, 'token.jwt'), directory: agentDirectory, project: 'sandbox-project' }
  await writeFile(access.tokenFile, await idp.mintAgentToken({ agent: 'tour-agent', run: 'tour', sponsor: 'sam.sponsor@sandbox.example.com', ttlSeconds: TOKEN_SECONDS }), { mode: 0o600 })
  for (const { path, content } of agentFiles(access)) await writeFile(path, content)
  return access
}

function invite(gateway: Gateway, access: AgentAccess, adminPath: string): void {
  print(`\nThe sandbox gateway stays up at ${gateway.origin} until Ctrl-C. In another terminal, as an agent:\n`)
  for (const [name, value] of Object.entries(agentVariables(access)).sort()) print(`export ${name}='${value}'`)
  print(`\nAs an approver or operator:\n\nexport LOCKKEEPER_ADMIN='${adminPath}'`)
}
