/** What every part of the sandbox shares: it listens on loopback, says its name, and will not stand beside anything real. */
import type { Server } from 'node:http'
import type { AddressInfo } from 'node:net'
import type { CredentialSource } from '@lockkeeper/domain/ports'
import type { Mode } from '@lockkeeper/domain'

/** The `server` header of every answer, so that nobody takes the sandbox for Google. */
export const SANDBOX_NAME = 'lockkeeper-sandbox'

const LOOPBACK = '127.0.0.1'

/** Variables that put a Google credential in reach of a process (SDK and Application Default Credentials documentation). */
const CREDENTIAL_VARIABLES = [
  'GOOGLE_APPLICATION_CREDENTIALS', 'GOOGLE_OAUTH_ACCESS_TOKEN', 'GOOGLE_CREDENTIALS', 'GOOGLE_API_KEY',
  'CLOUDSDK_AUTH_ACCESS_TOKEN', 'CLOUDSDK_AUTH_ACCESS_TOKEN_FILE', 'CLOUDSDK_AUTH_CREDENTIAL_FILE_OVERRIDE',
] as const

/** The gateway that the sandbox would stand beside. */
export interface Beside {
  readonly mode: Mode
  /** Kinds of the credential sources of every configured target. */
  readonly credentials?: readonly CredentialSource['kind'][]
  /** The gateway's own environment; a variable that names a Google credential is a reason to refuse. */
  readonly environment?: Readonly<Record<string, string | undefined>>
}

/** Why the sandbox must not start beside this gateway, one sentence each; empty when it may (invariant 14). */
export function sandboxProblems(beside: Beside): readonly string[] {
  const problems: string[] = []
  if (beside.mode !== 'sandbox') problems.push(`the gateway runs in mode ${beside.mode}; the sandbox starts in mode sandbox only`)
  for (const kind of new Set(beside.credentials ?? [])) {
    if (kind === 'adc' || kind === 'impersonate' || kind === 'idToken') problems.push(`a target uses a real credential (${kind}); remove the target or leave the sandbox`)
  }
  for (const name of CREDENTIAL_VARIABLES) {
    const value = beside.environment?.[name]
    if (value !== undefined && value !== '') problems.push(`the environment holds a Google credential in ${name}; unset it before starting the sandbox`)
  }
  return problems
}

/** The operator has something real beside the sandbox: the text says what, and what to do. */
export class SandboxRefused extends Error {
  constructor(problems: readonly string[]) {
    super(`The sandbox refuses to start: ${problems.join('; ')}`)
    this.name = 'SandboxRefused'
  }
}

/** Throws SandboxRefused with all problems at once; the values of variables are never part of the text. */
export function refuseBesideReal(beside: Beside | undefined): void {
  if (beside === undefined) return
  const problems = sandboxProblems(beside)
  if (problems.length > 0) throw new SandboxRefused(problems)
}

/** Listens on 127.0.0.1 and resolves with the origin. Port 0 takes a free one. */
export async function listenOnLoopback(server: Server, port: number): Promise<string> {
  await new Promise<void>((resolve, reject) => {
    server.once('error', reject)
    server.listen({ host: LOOPBACK, port, exclusive: true }, () => {
      server.off('error', reject)
      resolve()
    })
  })
  return `http://${LOOPBACK}:${(server.address() as AddressInfo).port}`
}

/** A fault of the sandbox's own while it answered: told, then the connection is cut. Default: a process warning. */
export type OnFault = (error: Error) => void

export function warnOfFault(error: Error): void {
  process.emitWarning(error)
}

/** Ends open connections too, so that a held request does not keep the process alive. */
export async function closeServer(server: Server): Promise<void> {
  if (!server.listening) return
  const closed = new Promise<void>((resolve, reject) => server.close((error) => error === undefined ? resolve() : reject(error)))
  server.closeAllConnections()
  await closed
}
