import assert from 'node:assert/strict'
import fc from 'fast-check'
import type { PolicyDocument } from './index.ts'
import { naiveDecision } from './testing/naive-policy.ts'
import { agent, bucket, call, document, METHODS, policyOf } from './testing/samples.ts'

const now = Date.UTC(2026, 10, 24, 12)
const clock = { now: () => now, monotonic: () => 0 }

const methodPattern = fc.constantFrom('storage.objects.get', 'storage.*', 'storage.*.setIamPolicy', '*', 'class:critical', 'class:high', 'class:read', 'change', 'read', 'iam.projects.serviceAccounts.*')
const resource = fc.constantFrom(bucket('dev-a'), bucket('dev-b'), bucket('dev-a/objects/x'), bucket('dev-a/objects/x/y'), bucket('prod'), '//iam.googleapis.com/projects/p/serviceAccounts/s')
const glob = fc.constantFrom(bucket('dev-*'), bucket('dev-a'), bucket('dev-*/**'), bucket('**'), bucket('*/objects/*'), bucket('*-a/**/y'), '**', '//iam.googleapis.com/projects/*/serviceAccounts/*')
const selector = fc.constantFrom('*', 'issuer:github', 'repo:acme/*', 'id:acme/shop', 'id:*', 'issuer:github label:trust=high', 'label:trust=low', 'sponsor:a*', 'run:run-2', 'subject:repo:acme/shop', 'sponsor:*')
const when = fc.constantFrom('call.change', 'agent.labels.trust == "high"', 'call.body.size > 3', 'call.iam.addedMembers.exists(m, m in ["allUsers"])', 'call.iam.removedRoles.size() == 0', 'time.hour == 12', 'agent.sponsor == "ann"', 'call.args.fields.re2("^name")')

const rule = fc.record({
  methods: fc.array(methodPattern, { minLength: 1, maxLength: 3 }),
  resources: fc.option(fc.array(glob, { minLength: 1, maxLength: 3 }), { nil: undefined, freq: 2 }),
  when: fc.option(when, { nil: undefined, freq: 2 }),
  effect: fc.constantFrom('allow' as const, 'allow' as const, 'approve' as const, 'deny' as const),
  mask: fc.option(fc.subarray(['secrets', 'personal-data']), { nil: undefined }),
  notify: fc.option(fc.boolean(), { nil: undefined }),
  limits: fc.option(fc.record({ maxResponseBytes: fc.integer({ min: 1, max: 9 }) }), { nil: undefined }),
  quorum: fc.integer({ min: 1, max: 3 }),
}).map(({ quorum, mask, limits, ...rest }) => ({
  ...rest, ...(rest.effect === 'deny' ? {} : { mask, limits }), ...(rest.effect === 'approve' ? { approval: { quorum } } : {}),
}))

const documents = fc.array(fc.record({ agents: fc.array(selector, { minLength: 1, maxLength: 2 }), rules: fc.array(rule, { maxLength: 6 }) }), { maxLength: 8 })
  .chain((made) => fc.shuffledSubarray(made.map((_, at) => at), { minLength: made.length })
    .map((order): readonly PolicyDocument[] => made.map(({ agents, rules }, at) => document(`d${order[at] ?? at}`, rules.map((each, number) => ({ name: `r${number}`, ...each })), agents))))

const caller = fc.record({
  issuer: fc.constantFrom('github', 'ci'), id: fc.constantFrom('acme/shop', 'acme/tools', 'other'), run: fc.constantFrom('run-1', 'run-2'),
  sponsor: fc.constantFrom('ann', 'bob', undefined), labels: fc.constantFrom({}, { trust: 'high' }, { trust: 'low', constructor: 'x' }),
})
const request = fc.record({
  method: fc.constantFrom(...METHODS.map(({ id }) => id)), resources: fc.array(resource, { maxLength: 3 }),
  body: fc.constantFrom(undefined, { size: 5 }, { size: '5' }, { size: 1 }), arguments: fc.constantFrom<Readonly<Record<string, string>>>({}, { fields: 'name' }),
  iam: fc.constantFrom(undefined, { added: [{ role: 'roles/viewer', member: 'allUsers' }] }, { known: false, added: [] }),
})

describe('policy engine: agreement', () => {
  it('the indexed policy and one that looks at every rule agree on every call', async () => {
    await fc.assert(fc.asyncProperty(documents, fc.array(fc.tuple(caller, request), { minLength: 1, maxLength: 12 }), async (made, calls) => {
      const policy = await policyOf(made, { clock })
      for (const [who, what] of [...calls, ...calls]) {
        const { sponsor, ...rest } = who
        const asking = agent({ ...rest, ...(sponsor === undefined ? { sponsor: undefined } : { sponsor }) })
        const asked = call(what.method, what)
        const decision = policy.decide(asking, asked)
        const naive = naiveDecision(made, asking, asked, now)
        assert.equal(decision.effect, naive.effect)
        assert.equal(decision.rule, naive.rule)
        assert.deepEqual(decision.obligations.mask.detectors, naive.mask)
        assert.equal(decision.obligations.notify, naive.notify)
        assert.equal(decision.obligations.maxResponseBytes, naive.bytes)
        assert.equal(decision.obligations.approval?.quorum, naive.quorum)
        // A denial ends the asking; without one every condition that failed is told.
        if (decision.effect !== 'deny' || decision.rule === 'builtin/no-rule') assert.deepEqual(decision.conditionErrors.map((error) => error.slice(0, error.indexOf(':'))).sort(), [...naive.failed].sort())
        explanationAgrees(policy.explain(asking, asked))
      }
    }), { numRuns: 250 })
  }).timeout(20_000)
})

describe('policy engine: robustness', () => {
  it('no agent and no call makes decide or explain throw', async () => {
    const policy = await policyOf([document('p', [
      { name: 'a', methods: ['*'], effect: 'allow', resources: ['**', bucket('*/**/x')], when: 'call.body.size > 3 || call.resources.exists(r, r.re2("x+$"))' },
      { name: 'b', methods: ['change'], effect: 'approve', when: 'agent.labels.trust == call.args.trust' },
    ], ['issuer:* label:trust=*', 'sponsor:a*b**c'])])
    const odd = fc.oneof(fc.string(), fc.constantFrom('__proto__', 'constructor', 'toString', '', '\u0000', '/'.repeat(500), '*'))
    fc.assert(fc.property(odd, odd, fc.dictionary(odd, odd), fc.array(odd), fc.constantFrom(...METHODS.map(({ id }) => id)), fc.jsonValue(), (id, sponsor, labels, resources, name, body) => {
      const asking = agent({ id, sponsor, labels })
      const asked = call(name, { resources, arguments: labels, body: { size: body } })
      const decision = policy.decide(asking, asked)
      assert.ok(['allow', 'approve', 'deny'].includes(decision.effect))
      assert.equal(policy.explain(asking, asked).decision.rule, decision.rule)
    }), { numRuns: 500 })
  })
})

function explanationAgrees({ decision, rules }: Awaited<ReturnType<typeof policyOf>>['explain'] extends (...given: never) => infer R ? R : never): void {
  if (decision.rule.startsWith('builtin/')) return
  const winner = rules.find(({ matched, effect }) => matched && effect === decision.effect)
  assert.equal(winner?.rule, decision.rule)
}
