import assert from 'node:assert/strict'
import type { RuleDocument } from './index.ts'
import { agent, bucket, byId, call, document, method, policyOf } from './testing/samples.ts'

const allow = (name: string, extra: Partial<RuleDocument> = {}): RuleDocument => ({ name, methods: ['*'], effect: 'allow', ...extra })
const deny = (name: string, extra: Partial<RuleDocument> = {}): RuleDocument => ({ name, methods: ['*'], effect: 'deny', ...extra })
const approve = (name: string, extra: Partial<RuleDocument> = {}): RuleDocument => ({ name, methods: ['*'], effect: 'approve', ...extra })
const one = (...rules: readonly RuleDocument[]) => policyOf([document('p', rules)])

describe('policy engine: who wins', () => {
  const get = call('storage.objects.get', { resources: [bucket('dev-a/objects/x')] })

  it('without a rule a call is denied', async () => {
    const decision = (await one()).decide(agent(), get)
    assert.equal(decision.effect, 'deny')
    assert.equal(decision.rule, 'builtin/no-rule')
    assert.equal(decision.bundle, 'b1')
  })

  it('deny wins over approve, approve over allow, whatever their order', async () => {
    assert.equal((await one(allow('a'), approve('b'), deny('c'))).decide(agent(), get).rule, 'p/c')
    assert.equal((await one(deny('c'), approve('b'), allow('a'))).decide(agent(), get).rule, 'p/c')
    assert.equal((await one(allow('a'), approve('b'))).decide(agent(), get).rule, 'p/b')
    assert.equal((await one(allow('a'))).decide(agent(), get).rule, 'p/a')
  })

  it('among equals the first wins, documents by name, whatever the order of files', async () => {
    const documents = [document('z', [allow('a')]), document('b', [allow('y'), allow('x')])]
    for (const given of [documents, [...documents].reverse()]) assert.equal((await policyOf(given)).decide(agent(), get).rule, 'b/y')
  })

  it('a document that does not speak about the agent changes nothing', async () => {
    const policy = await policyOf([document('a', [deny('no')], ['repo:acme/tools']), document('b', [allow('yes')], ['repo:acme/*'])])
    assert.equal(policy.decide(agent(), get).effect, 'allow')
    assert.equal(policy.decide(agent({ id: 'acme/tools' }), get).effect, 'deny')
    assert.equal(policy.decide(agent({ id: 'evil/acme' }), get).rule, 'builtin/no-rule')
  })

  it('invariant 3: a method that mints credentials is denied whatever policy says', async () => {
    const decision = (await one(allow('all'))).decide(agent(), call('iam.projects.serviceAccounts.keys.create'))
    assert.equal(decision.effect, 'deny')
    assert.equal(decision.rule, 'builtin/mints-credential')
    assert.equal(decision.wouldAllow, undefined)
  })

  it('invariant 2: a method that the policy was not compiled with is denied', async () => {
    const policy = await one(allow('all'))
    const stranger = { ...get, method: method('storage.objects.rewrite', 'change') }
    assert.equal(policy.decide(agent(), stranger).rule, 'builtin/no-rule')
    const disguised = { ...get, method: { ...byId('storage.buckets.delete'), risk: 'read' as const, change: false } }
    assert.equal(policy.decide(agent(), disguised).rule, 'builtin/no-rule')
  })

  it('plain HTTP targets have the methods http.VERB on every host', async () => {
    const policy = await one(allow('a', { methods: ['http.get'], resources: ['//reports.example/**'] }))
    const http = (verb: string, host: string) => ({ ...get, method: { ...method(`http.${verb}`, verb === 'get' ? 'read' : 'change'), host }, host, resources: [`//${host}/reports/1`] })
    assert.equal(policy.decide(agent(), http('get', 'reports.example')).effect, 'allow')
    assert.equal(policy.decide(agent(), http('get', 'other.example')).effect, 'deny')
    assert.equal(policy.decide(agent(), http('post', 'reports.example')).effect, 'deny')
  })

  it('an equal method from another table is the same method', async () => {
    assert.equal((await one(allow('all'))).decide(agent(), { ...get, method: { ...get.method } }).effect, 'allow')
  })
})

describe('policy engine: resources', () => {
  const both = [bucket('dev-a'), bucket('prod')]

  it('allow needs all of a call\'s resources, deny and approve one', async () => {
    const asked = call('storage.buckets.get', { resources: both })
    assert.equal((await one(allow('a', { resources: [bucket('dev-*')] }))).decide(agent(), asked).effect, 'deny')
    assert.equal((await one(allow('a', { resources: [bucket('dev-*'), bucket('prod')] }))).decide(agent(), asked).effect, 'allow')
    assert.equal((await one(allow('a'), deny('b', { resources: [bucket('prod')] }))).decide(agent(), asked).effect, 'deny')
    assert.equal((await one(allow('a'), approve('b', { resources: [bucket('prod')] }))).decide(agent(), asked).effect, 'approve')
  })

  it('a call without resources meets only rules without resources', async () => {
    const asked = call('storage.buckets.get')
    assert.equal((await one(allow('a', { resources: ['**'] }))).decide(agent(), asked).effect, 'deny')
    assert.equal((await one(allow('a'))).decide(agent(), asked).effect, 'allow')
  })

  it('a star stays within its segment', async () => {
    const policy = await one(allow('a', { resources: [bucket('dev-*')] }))
    assert.equal(policy.decide(agent(), call('storage.objects.get', { resources: [bucket('dev-a')] })).effect, 'allow')
    assert.equal(policy.decide(agent(), call('storage.objects.get', { resources: [bucket('dev-a/objects/secret')] })).effect, 'deny')
  })

  it('the same resource twice counts once', async () => {
    const policy = await one(allow('a', { resources: [bucket('dev-*')] }))
    assert.equal(policy.decide(agent(), call('storage.buckets.get', { resources: [bucket('dev-a'), bucket('dev-a')] })).effect, 'allow')
    assert.equal(policy.decide(agent(), call('storage.buckets.get', { resources: [bucket('prod'), bucket('dev-a'), bucket('dev-a')] })).effect, 'deny')
  })
})

describe('policy engine: conditions', () => {
  const large = call('storage.buckets.setIamPolicy', { resources: [bucket('a')], body: { list: Array.from({ length: 1_001 }, (_, n) => n) } })
  const failing: readonly (readonly [string, string])[] = [
    ['a member that is missing', 'call.body.nothing == 1'], ['a wrong type', 'call.body.list > 1'], ['a list that is too long', 'call.body.list.exists(x, x == 5000)'],
    ['an IAM change that was not read', 'call.iam.removedRoles.size() == 5'], ['a sponsor that is missing', 'agent.sponsor == "x"'],
  ]
  for (const [title, when] of failing) {
    it(`${title} counts as true for deny and approve and as false for allow, and is recorded`, async () => {
      const asking = agent({ sponsor: undefined })
      assert.equal((await one(allow('a'), deny('d', { when }))).decide(asking, large).rule, 'p/d')
      assert.equal((await one(allow('a'), approve('d', { when }))).decide(asking, large).rule, 'p/d')
      const decision = (await one(approve('a'), allow('d', { when, mask: ['secrets'] }))).decide(asking, large)
      assert.deepEqual(decision.obligations.mask.detectors, [])
      assert.match(decision.conditionErrors[0] ?? '', /^p\/d: .*counted as false$/)
    })
  }

  it('a condition that fails is recorded also where no rule is left', async () => {
    const decision = (await one(allow('a', { when: 'call.iam.removedRoles.size() == 0' }))).decide(agent(), call('storage.buckets.setIamPolicy', { resources: [bucket('a')], iam: { known: false } }))
    assert.equal(decision.rule, 'builtin/no-rule')
    assert.deepEqual(decision.conditionErrors, ['p/a: the value is not known yet; counted as false'])
  })

  it('a call concerns policy where a rule could let it pass if its condition held', async () => {
    const asked = call('storage.buckets.setIamPolicy', { resources: [bucket('dev-a')], iam: { known: false, added: [{ role: 'r', member: 'user:x' }] } })
    const inDev = { resources: [bucket('dev-*')], when: 'call.iam.addedMembers.all(m, m.startsWith("group:"))' }
    assert.equal((await one(allow('a', inDev))).concerns(agent(), asked), true)
    assert.equal((await one(approve('a'))).concerns(agent(), asked), true)
    assert.equal((await one(deny('a', inDev), allow('b', { methods: ['read'] }))).concerns(agent(), asked), false)
    assert.equal((await one(allow('a', inDev))).concerns(agent(), { ...asked, resources: [bucket('prod')] }), false)
    assert.equal((await policyOf([document('p', [allow('a')], ['id:other'])])).concerns(agent(), asked), false)
    assert.equal((await one(allow('a'))).concerns(agent(), call('iam.projects.serviceAccounts.keys.create')), false)
  })

  it('an IAM change is judged by what it adds and removes', async () => {
    const policy = await one(approve('a'), deny('public', { when: 'call.iam.addedMembers.exists(m, m in ["allUsers", "allAuthenticatedUsers"])' }), deny('last', { when: 'call.iam.removedRoles.exists(r, r == "roles/owner")' }))
    const change = (iam: object) => policy.decide(agent(), call('storage.buckets.setIamPolicy', { resources: [bucket('a')], iam })).rule
    assert.equal(change({ added: [{ role: 'roles/storage.objectViewer', member: 'allUsers' }] }), 'p/public')
    assert.equal(change({ added: [{ role: 'roles/storage.objectViewer', member: 'group:a@b' }] }), 'p/a')
    assert.equal(change({ removed: [{ role: 'roles/owner', member: 'user:a@b' }] }), 'p/last')
    assert.equal(change({ known: false, added: [] }), 'p/last', 'what is removed is not known: deny counts as true')
  })

  it('conditions see agent, call and time', async () => {
    const now = Date.UTC(2026, 10, 24, 21)
    const when = `agent.issuer == "github" && agent.id == "acme/shop" && agent.run == "run-1" && agent.subject.startsWith("repo:") && agent.sponsor == "ann" && agent.labels.trust == "high"
      && call.method == "storage.objects.insert" && call.target == "google" && call.host == "storage.googleapis.com" && call.verb == "GET" && call.change && call.risk == "change" && call.media == "none"
      && call.resources.exists(r, r.endsWith("/b")) && call.args.name == "x" && call.body.n == 5 && !has(call.iam)
      && time.now > timestamp("2026-01-01T00:00:00Z") && time.hour == 21 && time.weekday == 2`
    const policy = await policyOf([document('p', [allow('a', { when })])], { clock: { now: () => now, monotonic: () => 0 } })
    const decision = policy.decide(agent(), call('storage.objects.insert', { resources: [bucket('b')], body: { n: 5 }, arguments: { name: 'x' } }))
    assert.deepEqual(decision.conditionErrors, [])
    assert.equal(decision.effect, 'allow')
  })
})

describe('policy engine: obligations', () => {
  const get = call('storage.objects.get', { resources: [bucket('dev-a')] })

  it('obligations of all matching rules are united, the strictest hold', async () => {
    const policy = await one(
      allow('a', { mask: ['secrets'], fields: ['b'], limits: { maxResponseBytes: 100 } }), allow('b', { mask: ['personal-data', 'secrets'], fields: ['a'], notify: true, limits: { maxResponseBytes: 50 } }),
      approve('c', { approval: { reviewers: ['group:one'], quorum: 1, expires: '2h', hold: '30s' }, mask: ['credit-cards'] }),
      approve('d', { approval: { reviewers: ['group:two'], quorum: 2, expires: '5m', reason: 'required' } }),
      approve('other', { resources: [bucket('prod')], approval: { quorum: 5 } }),
    )
    assert.deepEqual(policy.decide(agent(), get).obligations, {
      mask: { detectors: ['credit-cards', 'personal-data', 'secrets'], fields: ['a', 'b'] }, notify: true, maxResponseBytes: 50,
      approval: { reviewers: ['group:one'], quorum: 2, expiresMs: 300_000, reasonRequired: true, holdMs: 30_000 },
    })
  })

  const PATTERNS = { none: undefined, never: false, some: { maxUses: 5, maxFor: '1h' }, more: { maxUses: 50, maxFor: '30m' } } as const
  const UNITED: readonly (readonly [readonly (keyof typeof PATTERNS)[], unknown])[] = [
    [['none', 'none'], undefined], [['some'], { maxUses: 5, maxForMs: 3_600_000, critical: true }], [['some', 'more'], { maxUses: 5, maxForMs: 1_800_000, critical: true }],
    [['some', 'none'], { maxUses: 5, maxForMs: 3_600_000, critical: false }], [['none', 'more'], { maxUses: 20, maxForMs: 1_800_000, critical: false }], [['more', 'never'], false], [['never', 'none'], false],
  ]
  for (const [kinds, wanted] of UNITED) {
    it(`patterns stay within the bounds of every rule: ${kinds.join(' and ')}`, async () => {
      const rules = kinds.map((kind, index) => approve(`r${index}`, { approval: PATTERNS[kind] === undefined ? {} : { patterns: PATTERNS[kind] } }))
      assert.deepEqual((await one(...rules)).decide(agent(), get).obligations.approval?.patterns, wanted)
    })
  }

  it('break-glass is for whom every rule names, and escalation is the winning rule\'s', async () => {
    const escalate = { after: '10m', to: ['group:leads'] }
    const decide = async (...approvals: readonly RuleDocument['approval'][]) => (await one(...approvals.map((approval, index) => approve(`r${index}`, { approval })))).decide(agent(), get).obligations.approval
    assert.deepEqual((await decide({ breakGlass: ['person:ana', 'group:leads'] }, { breakGlass: ['group:leads'] }))?.breakGlass, ['group:leads'])
    assert.equal((await decide({ breakGlass: ['person:ana'] }, {}))?.breakGlass, undefined)
    assert.equal((await decide({}, { breakGlass: ['person:ana'], escalate }))?.escalate, undefined)
    assert.deepEqual([(await decide({ validate: true }, { validate: false }))?.validate, (await decide({ validate: true }, {}))?.validate], [false, undefined])
    assert.deepEqual((await decide({ escalate }, {}))?.escalate, { afterMs: 600_000, reviewers: ['group:leads'] })
  })

  it('an approval without terms takes one person and 30 minutes', async () => {
    assert.deepEqual((await one(approve('a'))).decide(agent(), get).obligations.approval, { reviewers: [], quorum: 1, expiresMs: 1_800_000, reasonRequired: false })
  })

  it('invariant 4: the hash is the same while winning rule and obligations are, and differs when one of them does', async () => {
    const hashOf = async (...rules: readonly RuleDocument[]) => (await one(...rules)).decide(agent(), get).hash
    const base = await hashOf(approve('a'))
    assert.equal(await hashOf(approve('a')), base)
    assert.equal(await hashOf(approve('a'), approve('unrelated', { resources: [bucket('prod')] })), base)
    const different: readonly (readonly RuleDocument[])[] = [
      [approve('b')], [allow('a')], [approve('a', { message: 'x' })], [approve('a', { approval: { quorum: 2 } })], [approve('a', { when: 'true' })],
      [approve('a'), allow('b', { mask: ['secrets'] })], [approve('a'), allow('b', { notify: true })], [approve('a', { description: 'x' })],
    ]
    const hashes = await Promise.all(different.map((rules) => hashOf(...rules)))
    assert.equal(new Set([base, ...hashes]).size, different.length + 1)
  })

  it('a decision cannot be changed by who gets it', async () => {
    const decision = (await one(allow('a', { mask: ['secrets'] }))).decide(agent(), get)
    assert.throws(() => { (decision.obligations.mask.detectors as string[]).pop() }, TypeError)
    assert.throws(() => { (decision as { effect: string }).effect = 'allow' }, TypeError)
  })
})

describe('policy engine: what would be allowed', () => {
  const wouldAllow = async (rules: readonly RuleDocument[], id: string, resources: readonly string[], iam?: object) =>
    (await one(...rules)).decide(agent(), call(id, { resources, ...(iam === undefined ? {} : { iam }) })).wouldAllow

  it('another resource is named when the method is allowed there', async () => {
    const rules = [allow('far', { resources: [bucket('zeta')] }), allow('near', { resources: [bucket('dev-*')] })]
    assert.equal(await wouldAllow(rules, 'storage.buckets.get', [bucket('dev/x')]), `storage.buckets.get on ${bucket('dev-*')}: rule p/near allows it.`)
  })

  it('a suggestion that would be denied too is not made', async () => {
    const rules = [allow('a', { resources: [bucket('dev-*')] }), deny('b', { resources: ['**'] })]
    assert.equal(await wouldAllow(rules, 'storage.buckets.get', [bucket('prod')]), undefined)
  })

  it('the condition that failed is named', async () => {
    assert.match(await wouldAllow([allow('a', { when: 'agent.labels.trust == "low"' })], 'storage.buckets.get', [bucket('x')]) ?? '', /trust == "low": rule p\/a allows it/)
  })

  it('the condition of the denial is named when the rest would pass', async () => {
    const rules = [approve('a'), deny('public', { when: 'call.iam.addedMembers.exists(m, m == "allUsers")' })]
    assert.match(await wouldAllow(rules, 'storage.buckets.setIamPolicy', [bucket('x')], { added: [{ role: 'r', member: 'allUsers' }] }) ?? '', /where rule p\/public does not hold .*: rule p\/a asks for approval/)
  })

  it('reading is named where changing is denied', async () => {
    assert.match(await wouldAllow([allow('a', { methods: ['read'] })], 'storage.buckets.setIamPolicy', [bucket('x')]) ?? '', /^storage.buckets.getIamPolicy on the same resource: rule p\/a allows it/)
  })
})

describe('policy engine: explain', () => {
  it('every rule is told with what matched or did not', async () => {
    const policy = await policyOf([
      document('a', [allow('x')], ['repo:other/*']),
      document('b', [
        allow('method', { methods: ['storage.buckets.delete'] }), allow('place', { resources: [bucket('prod')] }), allow('cond', { when: 'call.change' }), deny('err', { methods: ['storage.objects.get'], when: 'call.body.x == 1' }), allow('yes'),
      ]),
    ])
    const { decision, rules } = policy.explain(agent(), call('storage.objects.get', { resources: [bucket('dev')] }))
    assert.equal(decision.rule, 'b/err')
    assert.deepEqual(rules.map(({ rule, outcome, matched }) => `${rule} ${outcome} ${matched}`), [
      'a/x agent false', 'b/method method false', 'b/place resource false', 'b/cond condition false', 'b/err failed true', 'b/yes matched true',
    ])
  })
})
