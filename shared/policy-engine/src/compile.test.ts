import assert from 'node:assert/strict'
import { z } from 'zod'
import { casesSchema, compile, policyDocumentSchema, type PolicyDocument } from './index.ts'
import { document, METHODS } from './testing/samples.ts'

async function problemsOf(...documents: readonly unknown[]): Promise<readonly string[]> {
  const compiled = await compile(documents as readonly PolicyDocument[], METHODS, { bundle: 'b', maskProblems: ({ detectors }) => detectors.filter((name) => name !== 'secrets').map((name) => `unknown detector "${name}"`) })
  return 'problems' in compiled ? compiled.problems.map(({ path, message, document: name }) => `${name ?? '?'}:${path.join('.')}: ${message}`) : []
}

const rule = (extra: object) => ({ name: 'r', methods: ['storage.objects.get'], effect: 'allow', ...extra })

describe('policy engine: what does not compile', () => {
  const hostile: readonly (readonly [string, unknown, RegExp])[] = [
    ['no document at all', null, /expected object/],
    ['another version', { ...document('p', []), apiVersion: 'lockkeeper.dev/v2' }, /apiVersion/],
    ['an unknown field of a document', { ...document('p', []), rule: [] }, /Unrecognized key/],
    ['no agents', document('p', [], []), /p:agents/],
    ['the name builtin', document('builtin', []), /metadata.name/],
    ['a name with a slash', document('a/b', []), /metadata.name/],
    ['an unknown field of a rule', document('p', [rule({ effekt: 'deny' }) as never]), /p:rules.0: Unrecognized key/],
    ['an unknown effect', document('p', [rule({ effect: 'permit' }) as never]), /rules.0.effect/],
    ['a method that does not exist', document('p', [rule({ methods: ['storage.objects.get', 'storage.objects.gett'] }) as never]), /rules.0.methods.1: .*matches no known method/],
    ['a glob that matches no method', document('p', [rule({ methods: ['storge.*'] }) as never]), /matches no known method/],
    ['an unknown class', document('p', [rule({ methods: ['class:hihg'] }) as never]), /no risk class/],
    ['an empty list of methods', document('p', [rule({ methods: [] }) as never]), /rules.0.methods/],
    ['a resource without a service', document('p', [rule({ resources: ['projects/p'] }) as never]), /begin with \/\//],
    ['a glob with three stars', document('p', [rule({ resources: ['//x/***'] }) as never]), /\* and \*\* only/],
    ['a glob with many wildcards', document('p', [rule({ resources: [`//x/${'*a'.repeat(17)}`] }) as never]), /at most 16/],
    ['a condition that is no CEL', document('p', [rule({ when: 'call.' }) as never]), /rules.0.when/],
    ['a condition that is no bool', document('p', [rule({ when: 'call.method' }) as never]), /must be a bool/],
    ['a condition on a field that does not exist', document('p', [rule({ when: 'call.metod == "x"' }) as never]), /No such key: metod/],
    ['a backtracking pattern', document('p', [rule({ when: 'call.method.matches("(a+)+$")' }) as never]), /re2/],
    ['approval without approve', document('p', [rule({ approval: { quorum: 1 } }) as never]), /effect approve only/],
    ['a mask on a denial', document('p', [rule({ effect: 'deny', mask: ['secrets'] }) as never]), /rules.0.mask/],
    ['an unknown detector', document('p', [rule({ mask: ['secrets', 'secretz'] }) as never]), /rules.0.mask: .*"secretz"/],
    ['a reviewer that is nobody', document('p', [rule({ effect: 'approve', approval: { reviewers: ['oncall'] } }) as never]), /person:ID or group:NAME/],
    ['a hold that is too long', document('p', [rule({ effect: 'approve', approval: { hold: '2m' } }) as never]), /between 5s and 55s/],
    ['an expiry that is no duration', document('p', [rule({ effect: 'approve', approval: { expires: '30' } }) as never]), /for example 30m/],
    ['an escalation after the expiry', document('p', [rule({ effect: 'approve', approval: { expires: '5m', escalate: { after: '5m', to: ['group:leads'] } } }) as never]), /approval.escalate.after: comes after/],
    ['an escalation after the default expiry', document('p', [rule({ effect: 'approve', approval: { escalate: { after: '30m', to: ['group:leads'] } } }) as never]), /approval.escalate.after: comes after/],
    ['an escalation to nobody', document('p', [rule({ effect: 'approve', approval: { escalate: { after: '5m', to: [] } } }) as never]), /approval.escalate.to/],
    ['break-glass for anybody', document('p', [rule({ effect: 'approve', approval: { breakGlass: ['*'] } }) as never]), /person:ID or group:NAME/],
    ['patterns without an end', document('p', [rule({ effect: 'approve', approval: { patterns: { maxUses: 5 } } }) as never]), /approval.patterns/],
    ['an empty selector', document('p', [], [' ']), /agents.0/],
    ['a selector of an unknown kind', document('p', [], ['team:x']), /selects nothing/],
    ['a selector of a prototype member', document('p', [], ['constructor:x']), /selects nothing/],
    ['a label without a value', document('p', [], ['label:trust']), /KEY=VALUE/],
    ['a star among words', document('p', [], ['issuer:x *']), /no selector word/],
  ]
  for (const [title, input, pattern] of hostile) {
    it(`${title} is a problem with its place`, async () => {
      const problems = await problemsOf(input)
      assert.ok(problems.some((problem) => pattern.test(problem)), problems.join('\n') || 'compiled')
    })
  }

  it('two documents or two rules of one name are a problem', async () => {
    assert.match((await problemsOf(document('p', []), document('p', [])))[0] ?? '', /another document/)
    assert.match((await problemsOf(document('p', [rule({}) as never, rule({}) as never])))[0] ?? '', /another rule/)
  })

  it('all problems are told at once, at most 200', async () => {
    assert.equal((await problemsOf(document('p', [rule({ when: 'x' }) as never, { ...rule({ methods: ['nope'] }), name: 's' } as never]), { kind: 'x' })).length >= 3, true)
    const many = Array.from({ length: 500 }, (_, n) => ({ ...rule({ methods: ['nope'] }), name: `r${n}` }))
    assert.equal((await problemsOf(document('p', many as never))).length, 200)
  })

  it('the schemas can be published as JSON Schema', () => {
    assert.equal(z.toJSONSchema(policyDocumentSchema).type, 'object')
    assert.equal(z.toJSONSchema(casesSchema).type, 'object')
  })
})
