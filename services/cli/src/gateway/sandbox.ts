/**
 * The sandbox around a gateway: its identity provider, its Google-shaped upstream, and a configuration like a user's own, written to
 * a directory of its own. Test parts on loopback; nothing here touches Google Cloud (invariant 14).
 */
import { cp, mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { CredentialSource } from '@lockkeeper/domain/ports'
import type { SandboxIdp, SandboxUpstream } from '@lockkeeper/sandbox'
import { CommandFailed } from '../command-failed.ts'
import { loadConfig, type LoadedConfig } from './load-config.ts'
import { formatProblems } from '@lockkeeper/service-kit'

export interface Sandbox {
  readonly loaded: LoadedConfig
  readonly idp: SandboxIdp
  readonly upstream: SandboxUpstream
  readonly credentials: Readonly<Record<string, CredentialSource>>
  readonly directory: string
  close(): Promise<void>
}

const TARGET = 'google'

/** `port` 0: any free one. Loads the sandbox package only now: no gateway in real mode ever has it in memory. */
export async function openSandbox(port: number): Promise<Sandbox> {
  const { sandboxFiles, startSandboxIdp, startSandboxUpstream } = await import('@lockkeeper/sandbox')
  const beside = { mode: 'sandbox', environment: process.env } as const
  const directory = await mkdtemp(join(tmpdir(), 'lockkeeper-sandbox-'))
  const parts: { close(): Promise<void> }[] = []
  const close = async (): Promise<void> => {
    await Promise.all(parts.map((part) => part.close()))
    await rm(directory, { recursive: true, force: true })
  }
  try {
    const idp = await startSandboxIdp({ beside })
    parts.push(idp)
    const upstream = await startSandboxUpstream({ beside })
    parts.push(upstream)
    const files = sandboxFiles()
    await cp(files.policies, join(directory, 'policies'), { recursive: true })
    await cp(files.people, join(directory, 'people.yaml'))
    const file = join(directory, 'lockkeeper.yaml')
    await writeFile(file, configuration(idp.issuer, upstream.origin, port))
    const loaded = loadConfig(file, {})
    if ('problems' in loaded) throw new TypeError(`the sandbox's own configuration is wrong:\n${formatProblems(loaded.problems)}`)
    return { loaded, idp, upstream, directory, close, credentials: { [TARGET]: fixedCredential(upstream.credential) } }
  } catch (error) {
    await close()
    throw error instanceof TypeError ? error : new CommandFailed(`the sandbox does not start: ${(error as Error).message}`)
  }
}

function configuration(issuer: string, upstream: string, port: number): string {
  return `# The sandbox's configuration: test parts on loopback only. Nothing here touches Google Cloud.
apiVersion: lockkeeper.dev/v1
kind: Gateway
mode: sandbox
listen: { address: 127.0.0.1, port: ${port} }
doors:
  path: true
  forward: { ca: .lockkeeper/ca }
issuers:
  - name: sandbox
    issuer: ${issuer}
    audience: lockkeeper
    agent: { id: claims.agent, run: claims.run, sponsor: 'has(claims.sponsor) ? claims.sponsor : ""' }
people: ./people.yaml
terminal: { person: ada }
console: { port: 0 }
targets:
  - name: ${TARGET}
    hosts: ["*.googleapis.com"]
    upstream: ${upstream}
    credential: { secret: sandbox-upstream }
policies: ./policies
store: ./.lockkeeper/store.sqlite
isolation: none
log: warn
`
}

/** The made-up credential of the sandbox's upstream; real sources refuse to stand beside the sandbox. */
function fixedCredential(credential: string): CredentialSource {
  return { kind: 'secret', principal: 'sandbox-upstream', authorization: () => `Bearer ${credential}` }
}
