import assert from 'node:assert/strict'
import { manualClock } from '@lockkeeper/testkit'
import { createPeopleDirectory } from './people.ts'
import { checkIssuerSettings, createVerifier } from './verifier.ts'

const good = { name: 'ci', issuer: 'https://ci.example', audience: 'lockkeeper', agent: { id: 'claims.sub' } }
const problemsOf = (mode: 'real' | 'sandbox', ...settings: unknown[]): readonly string[] => checkIssuerSettings(settings, mode).map(({ path, message }) => `${path.join('.')}: ${message}`)

describe('auth: issuers\' settings', () => {
  it('the plain form is accepted in both modes', () => {
    assert.deepEqual(problemsOf('real', good), [])
    assert.deepEqual(problemsOf('sandbox', good), [])
  })

  describe('invariant 14: real mode takes https issuers only; sandbox takes http on loopback', () => {
    const urls: readonly (readonly [string, boolean, boolean])[] = [
      ['https://ci.example', true, true],
      ['https://ci.example/tenant/v2.0', true, true],
      ['http://127.0.0.1:9000', false, true],
      ['http://[::1]:9000', false, true],
      ['http://localhost:9000', false, true],
      ['http://ci.example', false, false],
      ['http://127.0.0.1.evil.example', false, false],
      ['http://localhost.evil.example', false, false],
      ['http://127.0.0.1@evil.example', false, false],
      ['http://0.0.0.0:9000', false, false],
      ['https://user:pass@ci.example', false, false],
      ['https://ci.example/#x', false, false],
      ['https://ci.example/?x=1', false, false],
      ['ftp://ci.example', false, false],
      ['file:///etc/issuer', false, false],
      ['ci.example', false, false],
    ]
    for (const [issuer, real, sandbox] of urls) {
      it(issuer, () => {
        assert.equal(problemsOf('real', { ...good, issuer }).length === 0, real)
        assert.equal(problemsOf('sandbox', { ...good, issuer }).length === 0, sandbox)
      })
    }
    it('the address of keys obeys the same rule', () => {
      assert.match(problemsOf('real', { ...good, jwks: 'http://127.0.0.1:9000/jwks' })[0] ?? '', /0\.jwks: .*https/)
      assert.deepEqual(problemsOf('sandbox', { ...good, jwks: 'http://127.0.0.1:9000/jwks' }), [])
    })
  })

  describe('what cannot be used is reported with its place', () => {
    const bad: Readonly<Record<string, readonly [object, RegExp]>> = {
      'an unknown name': [{ audiance: 'x' }, /^0: .*audiance/],
      'no audience': [{ audience: undefined }, /0\.audience/],
      'an empty list of audiences': [{ audience: [] }, /0\.audience/],
      'HS256': [{ algorithms: ['HS256'] }, /0\.algorithms\.0/],
      'none': [{ algorithms: ['none'] }, /0\.algorithms\.0/],
      'no algorithm': [{ algorithms: [] }, /0\.algorithms/],
      'a requirement that is no bool': [{ require: ['claims.sub'] }, /0\.require\.0: .*bool/],
      'an expression with a syntax error': [{ agent: { id: 'claims.' } }, /0\.agent\.id/],
      'an expression over another variable': [{ agent: { id: 'token.sub' } }, /0\.agent\.id/],
      'an id that is no text': [{ agent: { id: 'claims.sub == "a"' } }, /0\.agent\.id: .*string/],
      'a label name': [{ agent: { id: 'claims.sub', labels: { 'A B': 'claims.a' } } }, /0\.agent\.labels/],
      'a label\'s expression': [{ agent: { id: 'claims.sub', labels: { a: '1 +' } } }, /0\.agent\.labels\.a/],
      'no discovery and no keys': [{ discovery: false }, /0\.jwks: is needed/],
      'keys that are a path': [{ jwks: './keys.json' }, /0\.jwks: is neither a key set nor a usable URL/],
      'keys with a doubled member': [{ jwks: '{"keys":[],"keys":[]}' }, /0\.jwks: is no strict JSON/],
      'keys without keys': [{ jwks: '{}' }, /0\.jwks: has no `keys`/],
    }
    for (const [what, [change, problem]] of Object.entries(bad)) {
      it(what, () => { assert.match(problemsOf('real', { ...good, ...change }).join('\n'), problem) })
    }
  })

  it('two issuers of one name, and two sources of keys for one issuer, are problems', () => {
    assert.deepEqual(problemsOf('real', good, { ...good, jwks: 'https://ci.example/jwks' }), ['1.name: another issuer has this name', '1.jwks: differs from that of ci, which has the same issuer'])
  })

  it('all problems of all issuers come at once', () => {
    assert.equal(problemsOf('real', { ...good, require: ['1'], agent: { id: '(', run: ')' } }, { ...good, name: 'two', agent: { id: '[' } }).length, 4)
  })

  it('a verifier is not made of settings with problems', () => {
    assert.throws(() => createVerifier({ issuers: [{ ...good, issuer: 'http://ci.example' }], people: createPeopleDirectory([]), clock: manualClock(), mode: 'real' }), { name: 'TypeError', message: /issuers\.0\.issuer/ })
  })
})
