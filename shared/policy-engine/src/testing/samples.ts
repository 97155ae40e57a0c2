/** Hand-made methods, agents, calls and documents for the tests of this package. */
import type { Agent, Call, IamChange, Method, RiskClass } from '@lockkeeper/domain'
import { fromPlain, serialise, type JsonObject } from '@lockkeeper/domain/json'
import { compile, type CompileOptions, type Policy, type PolicyDocument, type RuleDocument } from '../index.ts'

export function method(id: string, risk: RiskClass = 'read', extra: Partial<Method> = {}): Method {
  const api = id.slice(0, id.indexOf('.'))
  return {
    id, host: `${api}.googleapis.com`, api, version: 'v1', verb: 'GET', template: '', change: risk !== 'read' && risk !== 'sensitive-read', risk,
    mintsCredential: false, returnsSecret: false, longRunning: false, ...extra,
  }
}

export const METHODS: readonly Method[] = [
  method('storage.objects.get'), method('storage.objects.list'), method('storage.objects.delete', 'high'), method('storage.objects.insert', 'change'),
  method('storage.buckets.get'), method('storage.buckets.getIamPolicy'), method('storage.buckets.setIamPolicy', 'high', { reader: 'storage.buckets.getIamPolicy' }),
  method('storage.buckets.delete', 'critical'), method('storage.objects.setIamPolicy', 'high'),
  method('iam.projects.serviceAccounts.get'), method('iam.projects.serviceAccounts.delete', 'critical'),
  method('iam.projects.serviceAccounts.keys.create', 'critical', { mintsCredential: true }),
  method('cloudresourcemanager.projects.setIamPolicy', 'critical', { reader: 'cloudresourcemanager.projects.getIamPolicy' }), method('cloudresourcemanager.projects.getIamPolicy'),
  method('secretmanager.projects.secrets.versions.access', 'sensitive-read'), method('compute.instances.setMetadata', 'medium'),
]

export const byId = (id: string): Method => METHODS.find((candidate) => candidate.id === id) ?? method(id)

export function agent(extra: Partial<Agent> = {}): Agent {
  return { issuer: 'github', subject: 'repo:acme/shop', id: 'acme/shop', run: 'run-1', sponsor: 'ann', chain: [], labels: { trust: 'high' }, tokenHash: 'h', expiresAt: 0, ...extra }
}

export interface CallInput {
  readonly resources?: readonly string[]
  readonly body?: unknown
  readonly arguments?: Readonly<Record<string, string>>
  readonly iam?: Partial<IamChange>
}

export function call(id: string, input: CallInput = {}): Call {
  const found = byId(id)
  const value = input.body === undefined ? undefined : fromPlain(input.body) as JsonObject
  const iam: IamChange | undefined = input.iam === undefined ? undefined : { known: true, added: [], removed: [], auditConfigsChanged: false, ...input.iam }
  return {
    target: 'google', method: found, host: found.host, path: '/', query: '', resources: input.resources ?? [], arguments: input.arguments ?? {}, media: 'none',
    body: value === undefined ? { kind: 'none' } : { kind: 'json', value, bytes: new TextEncoder().encode(serialise(value)) },
    ...(iam === undefined ? {} : { iam }),
  }
}

export const bucket = (name: string): string => `//storage.googleapis.com/projects/_/buckets/${name}`

export function document(name: string, rules: readonly RuleDocument[], agents: readonly string[] = ['*']): PolicyDocument {
  return { apiVersion: 'lockkeeper.dev/v1', kind: 'Policy', metadata: { name, owner: 'platform' }, agents: [...agents], rules: [...rules] }
}

export async function policyOf(documents: readonly PolicyDocument[], options: Partial<CompileOptions> = {}): Promise<Policy> {
  const compiled = await compile(documents, METHODS, { bundle: 'b1', ...options })
  if ('problems' in compiled) throw new Error(JSON.stringify(compiled.problems))
  return compiled.policy
}
