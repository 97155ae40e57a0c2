import assert from 'node:assert/strict'
import { createHmac, hash } from 'node:crypto'
import fc from 'fast-check'
import type { Agent } from '@lockkeeper/domain'
import { isRefusal, type Refusal } from '@lockkeeper/domain/errors'
import { manualClock } from '@lockkeeper/testkit'
import { createPeopleDirectory } from './people.ts'
import type { IssuerSettings } from './settings.ts'
import { createPair, json, signToken, startLoopbackIssuer, type LoopbackIssuer, type SigningPair } from './testing/loopback-issuer.ts'
import { createVerifier, type TokenVerifier } from './verifier.ts'

const people = createPeopleDirectory([])
const encode = (value: unknown): string => Buffer.from(typeof value === 'string' ? value : JSON.stringify(value)).toString('base64url')

describe('auth: token verifier', () => {
  let issuer: LoopbackIssuer
  let ec: SigningPair
  let rsa: SigningPair
  let ed: SigningPair
  let clock = manualClock()
  let verifier: TokenVerifier

  const seconds = (): number => Math.floor(clock.now() / 1000)
  const claims = (): Record<string, unknown> => ({ iss: issuer.issuer, aud: 'lockkeeper', sub: 'agent-7', iat: seconds(), exp: seconds() + 600, jti: 'run-1' })
  const settings = (extra: Partial<IssuerSettings> = {}): IssuerSettings => ({ name: 'ci', issuer: issuer.issuer, audience: 'lockkeeper', agent: { id: 'claims.sub' }, ...extra })
  const create = (extra: Partial<IssuerSettings> = {}, options: { cacheSize?: number } = {}): TokenVerifier => createVerifier({ issuers: [settings(extra)], people, clock, mode: 'sandbox', ...options })
  const agentOf = async (outcome: ReturnType<TokenVerifier['identify']>): Promise<Agent> => {
    const agent = await outcome
    assert.ok(!isRefusal(agent), isRefusal(agent) ? `${agent.reason} ${agent.message}` : '')
    return agent
  }
  const refusalOf = async (outcome: ReturnType<TokenVerifier['identify']>): Promise<Refusal> => {
    const refusal = await outcome
    assert.ok(isRefusal(refusal), 'was accepted')
    return refusal
  }

  before(async () => {
    [ec, rsa, ed] = await Promise.all([createPair('ec'), createPair('rsa', 'RS256'), createPair('ed', 'EdDSA')])
    issuer = await startLoopbackIssuer([ec, rsa, ed])
  })
  after(() => issuer.close())
  beforeEach(() => {
    clock = manualClock()
    verifier = create()
    Object.assign(issuer, { keys: [ec.jwk, rsa.jwk, ed.jwk], discovery: undefined, jwks: undefined })
  })

  it('a token of each allowed algorithm is accepted and says who the agent is', async () => {
    for (const pair of [ec, rsa, ed]) {
      const token = await signToken(pair, claims())
      const agent = await agentOf(verifier.identify(`Bearer ${token}`))
      assert.deepEqual(agent, {
        issuer: 'ci', subject: 'agent-7', id: 'agent-7', run: 'run-1', chain: [], labels: {},
        tokenHash: hash('sha256', token, 'base64url'), expiresAt: (seconds() + 600) * 1000,
      })
    }
  })

  describe('invariant 2: an Authorization header that is not exactly one bearer token is refused', () => {
    type Header = (token: string) => string | undefined | readonly string[]
    // The token itself is good, so that each header is refused for its form alone.
    const hostile: readonly (readonly [string, Header, string])[] = [
      ['none', () => undefined, 'TOKEN_MISSING'],
      ['an empty one', () => '', 'TOKEN_MISSING'],
      ['an empty list', () => [], 'TOKEN_MISSING'],
      ['two headers', (token) => [`Bearer ${token}`, `Bearer ${token}`], 'TOKEN_INVALID'],
      ['two headers, one empty', (token) => [`Bearer ${token}`, ''], 'TOKEN_INVALID'],
      ['two joined headers', (token) => `Bearer ${token}, Bearer ${token}`, 'TOKEN_INVALID'],
      ['the scheme alone', () => 'Bearer', 'TOKEN_INVALID'],
      ['the scheme and a space', () => 'Bearer ', 'TOKEN_INVALID'],
      ['two spaces', (token) => `Bearer  ${token}`, 'TOKEN_INVALID'],
      ['a leading space', (token) => ` Bearer ${token}`, 'TOKEN_INVALID'],
      ['a trailing space', (token) => `Bearer ${token} `, 'TOKEN_INVALID'],
      ['a tab', (token) => `Bearer\t${token}`, 'TOKEN_INVALID'],
      ['a comma', (token) => `Bearer ${token},`, 'TOKEN_INVALID'],
      ['a line break', (token) => `Bearer ${token}\r\nx: y`, 'TOKEN_INVALID'],
      ['a line break at the end', (token) => `Bearer ${token}\n`, 'TOKEN_INVALID'],
      ['a NUL', (token) => `Bearer ${token}\0`, 'TOKEN_INVALID'],
      ['a no-break space', (token) => `Bearer\u00a0${token}`, 'TOKEN_INVALID'],
      ['Basic', (token) => `Basic ${token}`, 'TOKEN_INVALID'],
      ['DPoP', (token) => `DPoP ${token}`, 'TOKEN_INVALID'],
      ['no scheme', (token) => token, 'TOKEN_INVALID'],
      ['a quoted token', (token) => `Bearer "${token}"`, 'TOKEN_INVALID'],
      ['a parameter', (token) => `Bearer token=${token}`, 'TOKEN_INVALID'],
      ['over 16 KiB', (token) => `Bearer ${token}${'A'.repeat(16 * 1024)}`, 'TOKEN_INVALID'],
    ]
    for (const [what, header, reason] of hostile) {
      it(what, async () => {
        const token = await signToken(ec, claims())
        const refusal = await refusalOf(verifier.identify(header(token)))
        assert.equal(refusal.reason, reason)
        for (const part of token.split('.')) assert.ok(!JSON.stringify(refusal).includes(part), 'the text holds a part of the token')
        // Also when the token is remembered already.
        await agentOf(verifier.identify(`Bearer ${token}`))
        await refusalOf(verifier.identify(header(token)))
      })
    }
    it('the scheme has no case', async () => {
      const token = await signToken(ec, claims())
      for (const scheme of ['bearer', 'BEARER', 'bEaReR']) await agentOf(verifier.identify([`${scheme} ${token}`]))
    })
  })

  describe('invariant 1: a token that is not certain to be the issuer\'s is refused', () => {
    type Forge = () => string | Promise<string>
    const parts = async (pair: SigningPair = ec): Promise<[string, string, string]> => (await signToken(pair, claims())).split('.') as [string, string, string]
    const hmac = (key: string | Buffer, header: object = {}): string => {
      const input = `${encode({ alg: 'HS256', typ: 'JWT', kid: 'rsa', ...header })}.${encode(claims())}`
      return `${input}.${createHmac('sha256', key).update(input).digest('base64url')}`
    }
    const signRaw = async (header: string, payload: string): Promise<string> => {
      const input = `${encode(header)}.${encode(payload)}`
      const signature = await crypto.subtle.sign({ name: 'ECDSA', hash: 'SHA-256' }, ec.privateKey, Buffer.from(input))
      return `${input}.${Buffer.from(signature).toString('base64url')}`
    }
    const HEADER = '{"alg":"ES256","kid":"ec"}'
    const hostile: Readonly<Record<string, readonly [Forge, RegExp]>> = {
      'no signature, alg none': [async () => `${encode({ alg: 'none' })}.${(await parts())[1]}.`, /algorithm/],
      'alg None': [async () => `${encode({ alg: 'None', kid: 'ec' })}.${(await parts())[1]}.${(await parts())[2]}`, /algorithm/],
      'an empty signature': [async () => { const [header, payload] = await parts(); return `${header}.${payload}.` }, /signature is not canonical/],
      'HMAC with a guessed secret': [() => hmac('secret'), /algorithm/],
      'HMAC with the public key as secret (JWK)': [() => hmac(JSON.stringify(rsa.jwk)), /algorithm/],
      'HMAC with the public key as secret (modulus)': [() => hmac(Buffer.from(rsa.jwk.n ?? '', 'base64url')), /algorithm/],
      'HMAC signature under alg RS256': [() => hmac(JSON.stringify(rsa.jwk), { alg: 'RS256' }), /signature does not match/],
      'a signature of another key': [async () => signToken({ ...await createPair('ec'), kid: 'ec' }, claims()), /signature does not match/],
      'a key of its own (jwk)': [async () => { const own = await createPair('ec'); return signToken(own, claims(), { jwk: own.jwk }) }, /`jwk`/],
      'a key address of its own (jku)': [() => signToken(ec, claims(), { jku: `${issuer.issuer}/jwks` }), /`jku`/],
      'a certificate address (x5u)': [() => signToken(ec, claims(), { x5u: 'https://evil.example' }), /`x5u`/],
      'a certificate (x5c)': [() => signToken(ec, claims(), { x5c: ['AAAA'] }), /`x5c`/],
      'crit, unknown': [() => signRaw('{"alg":"ES256","kid":"ec","crit":["exp"],"exp":1}', JSON.stringify(claims())), /`crit`/],
      'crit, empty': [() => signRaw('{"alg":"ES256","kid":"ec","crit":[]}', JSON.stringify(claims())), /`crit`/],
      'an unencoded payload (b64)': [() => signToken(ec, claims(), { b64: true, crit: ['b64'] }), /`crit`/],
      'compression (zip)': [() => signToken(ec, claims(), { zip: 'DEF' }), /`zip`/],
      'a nested token (cty)': [() => signToken(ec, claims(), { cty: 'JWT' }), /`cty`/],
      'an unknown key id': [() => signToken({ ...ec, kid: 'nobody' }, claims()), /published keys/],
      'a key id of another algorithm': [() => signToken({ ...ec, kid: 'rsa' }, claims()), /published keys/],
      'a key id that is a number': [() => signToken(ec, claims(), { kid: 7 }), /`kid`/],
      'a key id that is empty': [() => signToken(ec, claims(), { kid: '' }), /`kid`/],
      'a key id that is a path': [() => signToken(ec, claims(), { kid: '../../dev/null' }), /published keys/],
      'a security event (typ)': [() => signToken(ec, claims(), { typ: 'secevent+jwt' }), /another kind/],
      'a logout token (typ)': [() => signToken(ec, claims(), { typ: 'logout+jwt' }), /another kind/],
      'a typ that is a list': [() => signToken(ec, claims(), { typ: ['JWT'] }), /`typ`/],
      'another issuer': [() => signToken(ec, { ...claims(), iss: 'https://other.example' }), /`iss`/],
      'the issuer with a slash': [() => signToken(ec, { ...claims(), iss: `${issuer.issuer}/` }), /`iss`/],
      'the issuer in a list': [() => signToken(ec, { ...claims(), iss: [issuer.issuer] }), /`iss`/],
      'no issuer': [() => signToken(ec, { ...claims(), iss: undefined }), /`iss`/],
      'another audience': [() => signToken(ec, { ...claims(), aud: 'other' }), /`aud`/],
      'the audience in other case': [() => signToken(ec, { ...claims(), aud: 'Lockkeeper' }), /`aud`/],
      'no audience': [() => signToken(ec, { ...claims(), aud: undefined }), /`aud`/],
      'an empty list of audiences': [() => signToken(ec, { ...claims(), aud: [] }), /`aud`/],
      'an audience list with a number': [() => signToken(ec, { ...claims(), aud: ['lockkeeper', 7] }), /`aud`/],
      'an audience object': [() => signToken(ec, { ...claims(), aud: { 0: 'lockkeeper' } }), /`aud`/],
      'no subject': [() => signToken(ec, { ...claims(), sub: undefined }), /`sub`/],
      'an empty subject': [() => signToken(ec, { ...claims(), sub: '' }), /`sub`/],
      'a subject with a line break': [() => signToken(ec, { ...claims(), sub: 'a\nb' }), /`sub`/],
      'a subject with a direction override': [() => signToken(ec, { ...claims(), sub: 'a\u202eb' }), /`sub`/],
      'a subject of 513 characters': [() => signToken(ec, { ...claims(), sub: 'a'.repeat(513) }), /`sub`/],
      'no expiry': [() => signToken(ec, { ...claims(), exp: undefined }), /`exp`/],
      'an expiry in text': [() => signRaw(HEADER, JSON.stringify({ ...claims(), exp: '9999999999' })), /`exp`/],
      'an expiry beyond all dates': [() => signRaw(HEADER, JSON.stringify(claims()).replace(/"exp":\d+/, '"exp":1e300')), /`exp`/],
      'a negative expiry': [() => signToken(ec, { ...claims(), exp: -1 }), /`exp`/],
      'a null expiry': [() => signRaw(HEADER, JSON.stringify({ ...claims(), exp: null })), /`exp`/],
      'a negative issue time': [() => signToken(ec, { ...claims(), iat: -1 }), /`iat`/],
      'expired': [() => signToken(ec, { ...claims(), exp: seconds() - 60 }), /expired/],
      'not valid yet': [() => signToken(ec, { ...claims(), nbf: seconds() + 61 }), /`nbf`/],
      'issued in the future': [() => signToken(ec, { ...claims(), iat: seconds() + 61 }), /`iat`/],
      'a doubled claim': [() => signRaw(HEADER, JSON.stringify(claims()).replace('{', '{"sub":"admin",')), /more than one way/],
      'a doubled claim behind an escape': [() => signRaw(HEADER, JSON.stringify(claims()).replace('{', '{"s\\u0075b":"admin",')), /more than one way/],
      'a doubled header parameter': [() => signRaw('{"alg":"ES256","kid":"ec","kid":"rsa"}', JSON.stringify(claims())), /more than one way/],
      'a payload that is a list': [() => signRaw(HEADER, JSON.stringify([claims()])), /not a JSON object/],
      'a payload that is no JSON': [() => signRaw(HEADER, 'hello'), /not valid JSON/],
      'a payload with a byte order mark': [() => signRaw(HEADER, `\ufeff${JSON.stringify(claims())}`), /more than one way/],
      'a payload with something behind it': [() => signRaw(HEADER, `${JSON.stringify(claims())}{}`), /not valid JSON/],
      'a payload nested too deeply': [() => signRaw(HEADER, `{"a":${'['.repeat(200)}${']'.repeat(200)}}`), /not valid JSON/],
      'a header that is no object': [() => signRaw('"ES256"', JSON.stringify(claims())), /not a JSON object/],
      'padding in base64': [async () => { const [header, payload, signature] = await parts(); return `${header}.${payload}==.${signature}` }, /payload is not canonical/],
      'base64 with stray bits': [async () => { const [header, payload] = await parts(); return `${header}.${payload}.${'A'.repeat(85)}B` }, /not canonical/],
      'standard base64 alphabet': [async () => { const [header, payload, signature] = await parts(); return `${header}.${payload}.${signature.replaceAll('-', '+').replaceAll('_', '/')}+` }, /not canonical/],
      'a truncated signature': [async () => { const [header, payload, signature] = await parts(); return `${header}.${payload}.${signature.slice(0, -1)}` }, /not canonical/],
      'a DER signature': [async () => { const [header, payload] = await parts(); return `${header}.${payload}.${encode('0E\u0002')}` }, /signature does not match/],
      'two parts': [async () => (await parts()).slice(0, 2).join('.'), /three parts/],
      'four parts': [async () => `${(await parts()).join('.')}.AAAA`, /three parts/],
      'an encrypted token (five parts)': [() => 'eyJhbGciOiJkaXIifQ..AAAA.AAAA.AAAA', /three parts/],
      'the header of one token with the payload of another': [async () => { const [header, , signature] = await parts(); return `${header}.${encode({ ...claims(), sub: 'admin' })}.${signature}` }, /signature does not match/],
      'a Google access token': [() => 'ya29.a0AfCANARY', /three parts/],
    }
    for (const [what, [forge, why]] of Object.entries(hostile)) {
      it(what, async () => {
        const token = await forge()
        const refusal = await refusalOf(verifier.verifyToken(token))
        assert.equal(refusal.reason, 'TOKEN_INVALID')
        assert.match(refusal.message, why)
        await refusalOf(verifier.identify(`Bearer ${token}`))
        for (const part of token.split('.').filter((text) => text.length > 12)) assert.ok(!JSON.stringify(refusal).includes(part), 'the text holds a part of the token')
      })
    }

    it('any header and payload, signed or not: a refusal, never a throw', async () => {
      const part = fc.oneof(fc.string({ unit: 'binary' }), fc.json(), fc.record({ alg: fc.constantFrom('ES256', 'none', 'HS256', 'EdDSA'), kid: fc.constantFrom('ec', 'ed', '__proto__'), typ: fc.anything() }, { requiredKeys: [] }).map((value) => JSON.stringify(value)))
      await fc.assert(fc.asyncProperty(part, part, fc.string(), async (header, payload, signature) => {
        await refusalOf(verifier.verifyToken(`${encode(header)}.${encode(payload)}.${encode(signature)}`))
        await refusalOf(verifier.identify(`Bearer ${header}.${payload}`))
        await refusalOf(verifier.identify(header))
      }), { numRuns: 300 })
    })

    it('any properly signed claims: an agent with the words of the claims, or a refusal, never a throw', async () => {
      const value = fc.oneof(fc.constant('lockkeeper'), fc.string(), fc.integer(), fc.double(), fc.constant(null), fc.array(fc.string(), { maxLength: 3 }))
      const random = fc.record({ aud: value, sub: value, exp: value, nbf: value, iat: value, jti: value, act: fc.oneof(value, fc.record({ sub: value, iss: value, act: value })) }, { requiredKeys: [] })
      await fc.assert(fc.asyncProperty(random, async (change) => {
        const sent = { ...claims(), ...change }
        const outcome = await verifier.verifyToken(await signRaw('{"alg":"ES256","kid":"ec"}', JSON.stringify(sent)))
        if (isRefusal(outcome)) return
        assert.deepEqual([outcome.id, outcome.subject], [sent.sub, sent.sub])
        assert.ok(outcome.expiresAt > clock.now() - 60_000)
        assert.ok([sent.aud].flat().includes('lockkeeper'))
      }), { numRuns: 300 })
    })

    it('any single changed character of a good token', async () => {
      const token = await signToken(ec, claims())
      await agentOf(create().identify(`Bearer ${token}`))
      const alphabet = 'ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_.'
      await fc.assert(fc.asyncProperty(fc.nat(token.length - 1), fc.constantFrom(...alphabet), async (at, char) => {
        fc.pre(token[at] !== char)
        await refusalOf(verifier.identify(`Bearer ${token.slice(0, at)}${char}${token.slice(at + 1)}`))
      }), { numRuns: 300 })
    })
  })

  it('an algorithm that is not on its issuer\'s list is refused', async () => {
    const strict = create({ algorithms: ['RS256'] })
    await agentOf(strict.identify(`Bearer ${await signToken(rsa, claims())}`))
    assert.match((await refusalOf(strict.identify(`Bearer ${await signToken(ec, claims())}`))).message, /algorithm/)
  })

  it('a token without a key id is accepted only while its issuer has one key for the algorithm', async () => {
    const token = await signToken(ec, claims(), { kid: undefined })
    await agentOf(create().verifyToken(token))
    const second = await createPair('ec-2')
    issuer.keys = [ec.jwk, second.jwk]
    assert.match((await refusalOf(create().verifyToken(token))).message, /more than one/)
  })

  it('a key id that names two keys is refused', async () => {
    issuer.keys = [ec.jwk, (await createPair('ec')).jwk]
    assert.match((await refusalOf(create().verifyToken(await signToken(ec, claims())))).message, /more than one key/)
  })

  describe('clocks may differ by 60 s, not more', () => {
    const table: readonly (readonly [string, () => Record<string, unknown>, boolean])[] = [
      ['exp 59 s ago', () => ({ exp: seconds() - 59 }), true],
      ['exp 60 s ago', () => ({ exp: seconds() - 60 }), false],
      ['nbf in 60 s', () => ({ nbf: seconds() + 60 }), true],
      ['nbf in 61 s', () => ({ nbf: seconds() + 61 }), false],
      ['iat in 60 s', () => ({ iat: seconds() + 60 }), true],
      ['iat in 61 s', () => ({ iat: seconds() + 61 }), false],
      ['a fraction of a second', () => ({ exp: seconds() + 0.5 }), true],
      ['no iat', () => ({ iat: undefined }), true],
    ]
    for (const [what, change, accepted] of table) {
      it(`${what} is ${accepted ? 'accepted' : 'refused'}`, async () => {
        const outcome = await verifier.verifyToken(await signToken(ec, { ...claims(), ...change() }))
        assert.equal(!isRefusal(outcome), accepted)
      })
    }
  })

  it('a maximum age ends a token before its own expiry and demands iat', async () => {
    const young = create({ maxTokenAgeMs: 120_000 })
    const agent = await agentOf(young.verifyToken(await signToken(ec, { ...claims(), exp: seconds() + 86_400 })))
    assert.equal(agent.expiresAt, clock.now() + 120_000)
    await refusalOf(young.verifyToken(await signToken(ec, { ...claims(), iat: undefined })))
    await refusalOf(young.verifyToken(await signToken(ec, { ...claims(), iat: seconds() - 180 })))
  })

  describe('remembering', () => {
    it('a verified token is answered synchronously until its expiry, then refused', async () => {
      const header = `Bearer ${await signToken(ec, claims())}`
      const agent = await agentOf(verifier.identify(header))
      assert.equal(verifier.identify(header), agent)
      clock.advance(600_000)
      assert.ok(verifier.identify(header) instanceof Promise, 'still remembered at its expiry')
      clock.advance(60_000)
      assert.match((await refusalOf(verifier.identify(header))).message, /expired/)
    })

    it('what came last on a connection is believed no longer than anywhere else', async () => {
      const connection = {}
      const header = `Bearer ${await signToken(ec, claims())}`
      const agent = await agentOf(verifier.identify(header, connection))
      for (let time = 0; time < 3; time++) assert.equal(verifier.identify(header, connection), agent)
      assert.equal((await refusalOf(verifier.identify(`${header}x`, connection))).reason, 'TOKEN_INVALID')
      assert.equal((await refusalOf(verifier.identify(undefined, connection))).reason, 'TOKEN_MISSING')
      assert.equal((await refusalOf(verifier.identify([header, header], connection))).reason, 'TOKEN_INVALID')
      assert.equal(verifier.identify(header, connection), agent)
      verifier.forget()
      assert.ok(verifier.identify(header, connection) instanceof Promise, 'forgotten on the connection too')
      await verifier.identify(header, connection)
      assert.ok(!(verifier.identify(header, connection) instanceof Promise))
      clock.advance(660_000)
      assert.match((await refusalOf(verifier.identify(header, connection))).message, /expired/)
    })

    it('a refused token is never remembered as good, nor a good one that is past its expiry', async () => {
      const header = `Bearer ${await signToken(ec, { ...claims(), exp: seconds() - 30 })}`
      await agentOf(verifier.identify(header))
      assert.ok(verifier.identify(header) instanceof Promise)
    })

    it('forget() makes every token pass the whole check again, also one whose check had begun', async () => {
      const header = `Bearer ${await signToken(ec, claims())}`
      const begun = verifier.identify(header)
      verifier.forget()
      await begun
      assert.ok(verifier.identify(header) instanceof Promise)
      await verifier.identify(header)
      assert.ok(!(verifier.identify(header) instanceof Promise))
      verifier.forget()
      assert.ok(verifier.identify(header) instanceof Promise)
    })

    it('the least recently used token leaves first', async () => {
      const small = create({}, { cacheSize: 2 })
      const [a, b, c] = await Promise.all(['a', 'b', 'c'].map((sub) => signToken(ec, { ...claims(), sub }))) as [string, string, string]
      for (const token of [a, b]) await small.verifyToken(token)
      assert.ok(!(small.verifyToken(a) instanceof Promise))
      await small.verifyToken(c)
      assert.deepEqual([a, c, b].map((token) => small.verifyToken(token) instanceof Promise), [false, false, true])
    })

    it('equal tokens that arrive together are checked once', async () => {
      const token = await signToken(ec, claims())
      const checks = Array.from({ length: 50 }, () => verifier.verifyToken(token))
      assert.equal(new Set(checks).size, 1)
      assert.equal(new Set(await Promise.all(checks)).size, 1)
    })
  })

  it('tokens that wait to be checked are bounded', async () => {
    const waiting = Array.from({ length: 10_000 }, (_, n) => verifier.verifyToken(`${n}`))
    const refusal = verifier.verifyToken('one more')
    assert.ok(isRefusal(refusal))
    assert.equal(refusal.reason, 'ISSUER_UNAVAILABLE')
    await Promise.all(waiting)
    assert.equal((await refusalOf(verifier.verifyToken('one more'))).reason, 'TOKEN_INVALID')
  })

  it('several settings of one issuer: the first that takes the token names the agent', async () => {
    const both = createVerifier({
      issuers: [settings({ name: 'one', audience: 'one' }), settings({ name: 'two', audience: ['two', 'lockkeeper'], agent: { id: '"two:" + claims.sub' } })],
      people, clock, mode: 'sandbox',
    })
    const agent = await agentOf(both.verifyToken(await signToken(ec, claims())))
    assert.deepEqual([agent.issuer, agent.id], ['two', 'two:agent-7'])
  })

  it('an agent cannot be changed by who reads it', async () => {
    const agent = await agentOf(verifier.verifyToken(await signToken(ec, claims())))
    assert.throws(() => { (agent as { id: string }).id = 'admin' }, TypeError)
    assert.throws(() => { (agent.labels as Record<string, string>).trust = 'high' }, TypeError)
  })

  it('warm() fetches keys once and names issuers without any', async () => {
    await verifier.warm()
    const [state] = verifier.status()
    assert.deepEqual({ name: state?.name, keys: state?.keys, ageMs: state?.ageMs }, { name: 'ci', keys: 3, ageMs: 0 })
    issuer.jwks = json({ keys: [] })
    await assert.rejects(create().warm(), { reason: 'ISSUER_UNAVAILABLE', message: new RegExp(issuer.issuer) })
  })
})
