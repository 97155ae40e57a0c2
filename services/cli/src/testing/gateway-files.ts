/** Tests only: a gateway's configuration, people and policies as files, as a user writes them. JSON is YAML. */
import { cp, mkdir, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import type { RuleDocument } from '@lockkeeper/policy-engine'

/** Any part of lockkeeper.yaml; what is an object here replaces the default's object of that name. */
export type ConfigPart = Readonly<Record<string, unknown>>

export interface GatewayFileOptions {
  readonly issuer: string
  readonly upstream: string
  readonly config?: ConfigPart
  /** Rules of one policy for every agent, or whole files by name. Default: the sandbox's own policies. */
  readonly policies?: readonly RuleDocument[] | Readonly<Record<string, string>>
  readonly people?: string
}

/** The shortest hold that there may be: scenarios wait for its end. */
const HOLD = '5s'

/** Writes everything into `directory`; resolves with the path of lockkeeper.yaml. */
export async function writeGatewayFiles(directory: string, { issuer, upstream, config, policies, people }: GatewayFileOptions): Promise<string> {
  const { sandboxFiles } = await import('@lockkeeper/sandbox')
  const usual = sandboxFiles()
  const folder = join(directory, 'policies')
  if (policies === undefined) await cp(usual.policies, folder, { recursive: true })
  else {
    await mkdir(folder)
    const files = isRules(policies) ? { 'scenario.yaml': policyText(policies) } : policies
    for (const [name, text] of Object.entries(files)) await writeFile(join(folder, name), text)
  }
  if (people === undefined) await cp(usual.people, join(directory, 'people.yaml'))
  else await writeFile(join(directory, 'people.yaml'), people)
  const file = join(directory, 'lockkeeper.yaml')
  await writeFile(file, JSON.stringify({ ...defaults(issuer, upstream), ...config }, undefined, 2))
  return file
}

function isRules(policies: readonly RuleDocument[] | Readonly<Record<string, string>>): policies is readonly RuleDocument[] {
  return Array.isArray(policies)
}

/** A policy document about every agent. */
export function policyText(rules: readonly RuleDocument[], name = 'scenario'): string {
  return JSON.stringify({ apiVersion: 'lockkeeper.dev/v1', kind: 'Policy', metadata: { name, owner: 'scenarios' }, agents: ['*'], rules }, undefined, 2)
}

function defaults(issuer: string, upstream: string): ConfigPart {
  return {
    apiVersion: 'lockkeeper.dev/v1', kind: 'Gateway', mode: 'sandbox',
    listen: { address: '127.0.0.1', port: 0 },
    doors: { path: true, forward: { ca: '.lockkeeper/ca' } },
    issuers: [{ name: 'sandbox', issuer, audience: 'lockkeeper', agent: { id: 'claims.agent', run: 'claims.run', sponsor: 'claims.sponsor' } }],
    people: './people.yaml', terminal: { person: 'ada' },
    targets: [{ name: 'google', hosts: ['*.googleapis.com'], upstream, credential: { secret: 'sandbox-upstream' } }],
    policies: './policies', store: './.lockkeeper/store.sqlite', hold: HOLD, isolation: 'none', log: 'warn',
  }
}
