import assert from 'node:assert/strict'
import { parseStrict } from '@lockkeeper/domain/json'
import fc from 'fast-check'
import { createConditions, toCel, type CompiledCondition } from './index.ts'

class Caller {
  readonly id: string
  readonly labels: Map<unknown, unknown>
  reads = 0
  constructor(id: string, labels: Record<string, string>) {
    this.id = id
    this.labels = toCel(labels) as Map<unknown, unknown>
  }
  get body(): unknown {
    this.reads++
    return toCel({ size: 3 })
  }
}

const conditions = createConditions({
  variables: { claims: 'dyn', name: 'string', caller: 'Caller', now: 'google.protobuf.Timestamp' },
  types: { Caller: { ctor: Caller, fields: { id: 'string', labels: 'map<string, string>', body: 'dyn' } } },
})

function compiled(expression: string, result: 'bool' | 'string' | 'dyn' = 'bool'): CompiledCondition {
  const condition = conditions.compile(expression, result)
  if ('problem' in condition) assert.fail(`${expression}: ${condition.problem}`)
  return condition
}

const evaluate = (expression: string, claims: unknown, result: 'bool' | 'string' | 'dyn' = 'bool') => compiled(expression, result).evaluate({ claims })
const problemOf = (expression: string, result: 'bool' | 'string' | 'dyn' = 'bool') => {
  const condition = conditions.compile(expression, result)
  return 'problem' in condition ? condition.problem : undefined
}
const long = (length: number) => Array.from({ length }, (_, index) => index)

describe('conditions: what is refused at compile', () => {
  const refused: readonly (readonly [string, string, RegExp])[] = [
    ['a syntax error', 'claims.a ==', /character|token/i],
    ['an unknown variable', 'token.a == 1', /Unknown variable: token/],
    ['an unknown field of a typed variable', 'caller.idd == "x"', /No such key: idd/],
    ['a prototype member of a typed variable', 'caller.constructor == "x"', /No such key/],
    ['a wrong type', 'caller.id == 1', /no such overload/],
    ['a result that is no bool', 'caller.id', /must be a bool and is string/],
    ['a result that may be no bool', 'claims.admin', /write == true/],
    ['matches()', 'caller.id.matches("^(a+)+$")', /write \.re2/],
    ['matches() within a macro', 'claims.a.exists(x, x.matches("a"))', /write \.re2/],
    ['matches() in a map key', '{caller.id.matches("a"): 1} == {true: 1}', /write \.re2/],
    ['a pattern from data', 'caller.id.re2(claims.pattern)', /written out/],
    ['a pattern put together', 'caller.id.re2("a" + caller.id)', /written out/],
    ['a pattern that is no RE2', 'caller.id.re2("(?=a)")', /not RE2/],
    ['a pattern that unfolds', 'caller.id.re2("((a{100}){100}){100}")', /not RE2|too large/],
    ['a pattern that is too long', `caller.id.re2("${'a'.repeat(257)}")`, /longer than 256/],
    ['a nested comprehension over data', 'claims.a.exists(x, claims.b.exists(y, x == y))', /nested loop/],
    ['a nested comprehension over the element', 'claims.a.all(x, x.members.all(y, y == 1))', /nested loop/],
    ['membership of data within a comprehension', 'claims.a.all(x, x in claims.b)', /nested loop/],
    ['a text to look for from data', 'claims.a.contains(claims.b)', /contains\(\) takes a text that is written out/],
    ['the same by position', 'claims.a.indexOf(claims.b) == 0', /written out/],
    ['the same through a loop over data', 'claims.list.exists(x, claims.a.contains(x))', /written out/],
    ['the same through a variable that is hidden', '["a"].exists(x, [claims.b].exists(x, claims.a.contains(x)))', /written out/],
    ['a duration from data', 'now > timestamp("2026-01-01T00:00:00Z") + duration(claims.a)', /written out/],
    ['JSON within data', 'bytes(claims.a).json().b == 1', /json\(\)/],
    ['cel.bind', 'cel.bind(x, claims.a, x == 1)', /write the expression out/],
    ['an expression that is too long', `caller.id == "${'a'.repeat(9_000)}"`, /longer than/],
    ['an expression with too many nodes', long(300).map((n) => `claims.a == ${n}`).join(' || '), /maxAstNodes/],
    ['an expression that is too deep', `${'('.repeat(40)}true${')'.repeat(40)}`, /maxDepth/],
  ]
  for (const [title, expression, pattern] of refused) {
    it(`${title} is refused with the reason`, () => assert.match(problemOf(expression) ?? 'compiled', pattern))
  }

  it('a string result may come from a claim of unknown type, not from a known other type', () => {
    assert.equal(problemOf('claims.sub', 'string'), undefined)
    assert.match(problemOf('size(caller.id)', 'string') ?? '', /must be a string/)
  })

  it('a type that CEL does not know is our own mistake', () => {
    assert.throws(() => createConditions({ variables: { x: 'no-such-type' } }), TypeError)
  })
})

describe('conditions: evaluation', () => {
  const cases: readonly (readonly [string, unknown, unknown])[] = [
    ['claims.owner == "acme"', { owner: 'acme' }, true],
    ['claims.n == 5', { n: 5 }, true],
    ['claims.n > 4.5', { n: 5 }, true],
    ['claims.n < 5', { n: 4.5 }, true],
    ['claims.constructor == "x"', { constructor: 'x' }, true],
    ['has(claims.__proto__)', {}, false],
    ['"toString" in claims', {}, false],
    ['claims.groups.exists(g, g in ["a", "b"])', { groups: ['z', 'b'] }, true],
    ['claims.groups.filter(g, g != "z").size() == 1', { groups: ['z', 'b'] }, true],
    ['claims.ref.re2("^refs/heads/(main|release-[0-9]+)$")', { ref: 'refs/heads/release-12' }, true],
    ['claims.ref.re2("main")', { ref: 'xmainx' }, true],
    ['!has(claims.env) || claims.env == "dev"', {}, true],
    ['["a", "b"].exists(x, ["a"].exists(y, x == y))', {}, true],
    ['claims.missing == 1 || true', {}, true],
    ['["drop", "grant"].exists(word, claims.sql.lowerAscii().contains(word))', { sql: 'GRANT x' }, true],
    ['claims.sub.split(":")[1] == "acme/shop"', { sub: 'repo:acme/shop:ref' }, true],
    ['claims.age < duration("1h") || true', { age: 1 }, true],
  ]
  for (const [expression, claims, value] of cases) {
    it(`${expression} over ${JSON.stringify(claims)} is ${String(value)}`, () => assert.deepEqual(evaluate(expression, claims), { ok: true, value }))
  }

  it('a number means its value, however it is written', () => {
    for (const text of ['5', '5.0', '5e0', '0.5e1', '50E-1']) {
      assert.deepEqual(evaluate('claims.n == 5', parseStrict(`{"n":${text}}`)), { ok: true, value: true }, text)
    }
    assert.deepEqual(evaluate('claims.n == 0', parseStrict('{"n":-0.0}')), { ok: true, value: true })
    assert.deepEqual(evaluate('claims.n == 9007199254740993', parseStrict('{"n":9007199254740993}')), { ok: true, value: true })
  })

  const failing: readonly (readonly [string, string, unknown, RegExp])[] = [
    ['a missing member', 'claims.a.b == 1', { a: {} }, /no such key: b/],
    ['a wrong type', 'claims.a > 1', { a: 'x' }, /no such overload/],
    ['a list over 1,000 elements', 'claims.a.exists(x, x == 1)', { a: long(1_001) }, /cannot inspect/],
    ['the size of such a list', 'size(claims.a) > 3', { a: long(1_001) }, /cannot inspect/],
    ['presence of such a list', 'has(claims.a)', { a: long(1_001) }, /cannot inspect/],
    ['such a list deeper in', 'claims.a.b[0].c == [1]', { a: { b: [{ c: long(1_001) }] } }, /cannot inspect/],
    ['a text over 262,144 characters', 'claims.a.contains("b")', { a: 'a'.repeat(262_145) }, /cannot inspect/],
    ['an object of over 1,000 members', 'claims.a.x == 1', { a: Object.fromEntries(long(1_001).map((n) => [`k${n}`, n])) }, /cannot inspect/],
    ['too much text for re2() again and again', 'claims.a.re2("b$") || claims.a.re2("c$")', { a: 'a'.repeat(200_000) }, /cannot inspect/],
    ['too much text for re2() in pieces', 'claims.a.exists(x, x.re2("b$"))', { a: Array(100).fill('a'.repeat(5_000)) }, /cannot inspect/],
  ]
  for (const [title, expression, claims, pattern] of failing) {
    it(`${title} is an error, never a throw and never a yes`, () => {
      const outcome = evaluate(expression, claims)
      assert.equal(outcome.ok, false)
      assert.match(outcome.ok ? '' : outcome.error, pattern)
    })
  }

  it('a list over 1,000 elements does not disturb a condition that leaves it alone', () => {
    assert.deepEqual(evaluate('claims.b == 1', { a: long(5_000), b: 1 }), { ok: true, value: true })
  })

  it('a missing variable is an error', () => {
    assert.deepEqual(compiled('name == "x"').evaluate({}), { ok: false, error: 'Unknown variable: name' })
  })

  it('an identity mapping that yields no string is an error', () => {
    assert.deepEqual(evaluate('claims.sub', { sub: 'me' }, 'string'), { ok: true, value: 'me' })
    assert.deepEqual(evaluate('claims.sub', { sub: 7 }, 'string'), { ok: false, error: 'the result is no string' })
    assert.deepEqual(evaluate('string(claims.sub)', { sub: 7 }, 'string'), { ok: true, value: '7' })
  })

  it('no error text carries a value of the context', () => {
    const canary = 'canary7f3a'
    for (const expression of ['int(claims.a) == 1', 'timestamp(claims.a) == now', 'claims[claims.a] == 1', 'bool(claims.a)', 'claims.b[claims.a] == 1', 'double(claims.a) > 1.0']) {
      const outcome = compiled(expression).evaluate({ claims: { a: canary, b: [1] }, now: new Date(0) })
      assert.equal(outcome.ok, false, expression)
      assert.ok(!JSON.stringify(outcome).includes(canary), expression)
    }
  })

  it('a typed variable is read where the expression reads it and not before', () => {
    const caller = new Caller('a', { trust: 'high', constructor: 'c' })
    assert.deepEqual(compiled('caller.labels.trust == "high" && caller.labels["constructor"] == "c"').evaluate({ caller }), { ok: true, value: true })
    assert.equal(caller.reads, 0)
    assert.deepEqual(compiled('caller.body.size == 3').evaluate({ caller }), { ok: true, value: true })
    assert.equal(caller.reads, 1)
  })

  it('a pattern that explodes elsewhere takes linear time', () => {
    const start = performance.now()
    assert.deepEqual(evaluate('claims.a.re2("^(a+)+$")', { a: `${'a'.repeat(100_000)}!` }), { ok: true, value: false })
    assert.ok(performance.now() - start < 1_000)
  })

  it('any JSON value is evaluated without a throw', () => {
    const expressions = ['claims.a == 1', 'claims.a.exists(x, x == "a")', 'size(claims) > 0', 'claims[0] == 1', 'claims.a.b.c == "x" || claims == "y"'].map((text) => compiled(text))
    fc.assert(fc.property(fc.jsonValue(), (claims) => {
      for (const condition of expressions) assert.equal(typeof condition.evaluate({ claims }).ok, 'boolean')
    }), { numRuns: 300 })
  })
})
