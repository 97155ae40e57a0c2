/** How long one decision takes at 10, 1,000 and 10,000 rules: a hit in the last rule, as policies of many teams look. */
import type { Agent, Call, Method } from '@lockkeeper/domain'
import { compile, type PolicyDocument } from '@lockkeeper/policy-engine'

const method: Method = {
  id: 'storage.objects.get', host: 'storage.googleapis.com', api: 'storage', version: 'v1', verb: 'GET', template: '/storage/v1/b/{bucket}/o/{object}', change: false, risk: 'read',
  mintsCredential: false, returnsSecret: false, longRunning: false,
}
const agent: Agent = { issuer: 'bench', subject: 'bench-agent', id: 'bench-agent', run: 'run-1', chain: [], labels: {}, tokenHash: 'bench', expiresAt: Number.MAX_SAFE_INTEGER }
const DECISIONS = 200_000

/** Microseconds for one decision. */
export async function decisionMicros(rules: number): Promise<number> {
  const document: PolicyDocument = {
    apiVersion: 'lockkeeper.dev/v1', kind: 'Policy', metadata: { name: 'bench', owner: 'bench' }, agents: ['issuer:bench'],
    rules: Array.from({ length: rules }, (_, index) => ({ name: `rule-${index}`, methods: [method.id], resources: [`//storage.googleapis.com/projects/_/buckets/team-${index}/**`], effect: 'allow' as const, mask: ['personal-data'] })),
  }
  const compiled = await compile([document], [method], { bundle: 'bench' })
  if ('problems' in compiled) throw new Error(JSON.stringify(compiled.problems))
  const call: Call = {
    target: 'google', method, host: method.host, path: `/storage/v1/b/team-${rules - 1}/o/x`, query: '', resources: [`//storage.googleapis.com/projects/_/buckets/team-${rules - 1}/objects/x`],
    arguments: { bucket: `team-${rules - 1}`, object: 'x' }, body: { kind: 'none' }, media: 'none',
  }
  const { policy } = compiled
  for (let round = 0; round < DECISIONS / 10; round++) policy.decide(agent, call)
  const started = performance.now()
  for (let round = 0; round < DECISIONS; round++) policy.decide(agent, call)
  const micros = (performance.now() - started) * 1000 / DECISIONS
  if (policy.decide(agent, call).effect !== 'allow') throw new Error('the benchmark\'s call is not allowed')
  return micros
}
