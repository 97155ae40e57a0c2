import assert from 'node:assert/strict'
import { generateKeyPairSync } from 'node:crypto'
import { once } from 'node:events'
import { isRefusal } from '@lockkeeper/domain/errors'
import { manualClock } from '@lockkeeper/testkit'
import { fixedKeys, RemoteKeys } from './issuer-keys.ts'
import { createPair, json, startLoopbackIssuer, type Answer, type LoopbackIssuer, type SigningPair } from './testing/loopback-issuer.ts'

const MINUTE = 60_000

describe('auth: keys of an issuer', () => {
  let issuer: LoopbackIssuer
  let old: SigningPair
  let fresh: SigningPair
  let clock = manualClock()
  let keys: RemoteKeys

  const create = (options: { timeoutMs?: number, mode?: 'real' | 'sandbox', keysUrl?: string } = {}): RemoteKeys => new RemoteKeys({ issuer: issuer.issuer, mode: 'sandbox', clock, fetch, ...options })
  const reasonFor = async (kid: string, source = keys): Promise<string> => {
    const found = await source.find('ES256', kid)
    return isRefusal(found) ? found.reason : 'found'
  }
  const fetches = (): number => issuer.requests.filter((path) => path === '/jwks').length

  before(async () => { [old, fresh] = await Promise.all([createPair('old'), createPair('fresh')]) })
  beforeEach(async () => {
    issuer = await startLoopbackIssuer([old])
    clock = manualClock()
    keys = create()
  })
  afterEach(() => issuer.close())

  it('keys are fetched once, when the first token comes, and kept', async () => {
    assert.deepEqual(issuer.requests, [])
    await Promise.all([reasonFor('old'), reasonFor('old'), reasonFor('old')])
    assert.equal(await reasonFor('old'), 'found')
    assert.deepEqual(issuer.requests, ['/.well-known/openid-configuration', '/jwks'])
  })

  it('a new key is picked up with the first token that names it', async () => {
    await keys.warm()
    issuer.keys = [old.jwk, fresh.jwk]
    assert.equal(await reasonFor('fresh'), 'found')
  })

  it('unknown key ids ask the issuer at most once in 30 s', async () => {
    await keys.warm()
    for (let n = 0; n < 20; n++) assert.equal(await reasonFor(`unknown-${n}`), 'TOKEN_INVALID')
    assert.equal(fetches(), 2)
    clock.advance(30_000)
    await Promise.all(Array.from({ length: 20 }, (_, n) => reasonFor(`unknown-${n}`)))
    assert.equal(fetches(), 3)
  })

  it('tokens with a new key that come together all wait for the one fetch', async () => {
    await keys.warm()
    issuer.keys = [fresh.jwk]
    assert.deepEqual(await Promise.all([1, 2, 3].map(() => reasonFor('fresh'))), ['found', 'found', 'found'])
    assert.equal(fetches(), 2)
  })

  it('a key that was taken back stops working within ten minutes', async () => {
    await keys.warm()
    issuer.keys = [fresh.jwk]
    clock.advance(10 * MINUTE)
    assert.equal(await reasonFor('old'), 'TOKEN_INVALID')
  })

  it('keys are renewed in the background before they are old', async () => {
    await keys.warm()
    clock.advance(5 * MINUTE)
    assert.equal(await reasonFor('old'), 'found')
    assert.ok(issuer.requests.length <= 3, 'the answer waited for the renewal')
    // Joins the renewal that runs: an unknown key waits for it.
    await reasonFor('unknown')
    assert.equal(fetches(), 2)
    assert.equal(keys.status().ageMs, 0)
  })

  describe('invariant 10: an outage of the issuer', () => {
    it('without keys is an outage of its own and no bad token', async () => {
      issuer.jwks = json('', 503)
      assert.equal(await reasonFor('old'), 'ISSUER_UNAVAILABLE')
    })

    it('leaves known keys working for a day and no longer', async () => {
      await keys.warm()
      issuer.jwks = json('', 503)
      clock.advance(24 * 60 * MINUTE - 1)
      assert.equal(await reasonFor('old'), 'found')
      assert.match(keys.status().lastError ?? '', /503/)
      clock.advance(1)
      assert.equal(await reasonFor('old'), 'ISSUER_UNAVAILABLE')
    })

    it('makes an unknown key id unknowable, not wrong', async () => {
      await keys.warm()
      issuer.jwks = json('', 503)
      assert.equal(await reasonFor('fresh'), 'ISSUER_UNAVAILABLE')
    })

    it('is asked about again after 1 s, then 2 s, at most every 30 s, and ends with the first answer', async () => {
      issuer.jwks = json('', 503)
      const waits: number[] = []
      for (let n = 0; n < 8; n++) {
        const before = fetches()
        let waited = 0
        while (fetches() === before) {
          assert.equal(await reasonFor('old'), 'ISSUER_UNAVAILABLE')
          if (fetches() === before) { clock.advance(500); waited += 500 }
        }
        waits.push(waited)
      }
      assert.deepEqual(waits, [0, 1000, 2000, 4000, 8000, 16_000, 30_000, 30_000])
      issuer.jwks = undefined
      clock.advance(30_000)
      assert.equal(await reasonFor('old'), 'found')
    })

    it('a closed port is an outage whose reason is kept for doctor', async () => {
      await issuer.close()
      assert.equal(await reasonFor('old'), 'ISSUER_UNAVAILABLE')
      assert.match(keys.status().lastError ?? '', /ECONNREFUSED/)
      await assert.rejects(keys.warm(), /ECONNREFUSED/)
    })
  })

  describe('hostile answers give no keys', () => {
    const big = 'x'.repeat(300 * 1024)
    const hostile: Readonly<Record<string, { readonly discovery?: () => Answer, readonly jwks?: () => Answer, readonly why: RegExp }>> = {
      'a discovery document of another issuer': { discovery: () => json({ issuer: 'https://other.example', jwks_uri: `${issuer.issuer}/jwks` }), why: /another issuer/ },
      'the issuer with a slash': { discovery: () => json({ issuer: `${issuer.issuer}/`, jwks_uri: `${issuer.issuer}/jwks` }), why: /another issuer/ },
      'no jwks_uri': { discovery: () => json({ issuer: issuer.issuer }), why: /no jwks_uri/ },
      'a jwks_uri in plain http elsewhere': { discovery: () => json({ issuer: issuer.issuer, jwks_uri: 'http://keys.example/jwks' }), why: /loopback/ },
      'a jwks_uri that is a file': { discovery: () => json({ issuer: issuer.issuer, jwks_uri: 'file:///etc/passwd' }), why: /https/ },
      'a jwks_uri with a password': { discovery: () => json({ issuer: issuer.issuer, jwks_uri: 'https://a:b@keys.example' }), why: /password/ },
      'a doubled member': { discovery: () => json(`{"issuer":"x","issuer":"${issuer.issuer}","jwks_uri":"${issuer.issuer}/jwks"}`), why: /twice/ },
      'a redirect of discovery': { discovery: () => (response) => { response.writeHead(302, { location: '/jwks' }).end() }, why: /redirect/ },
      'a redirect of the keys': { jwks: () => (response) => { response.writeHead(307, { location: `${issuer.issuer}/.well-known/openid-configuration` }).end() }, why: /redirect/ },
      'over 256 KiB': { jwks: () => json({ keys: [], big }), why: /larger/ },
      'an endless stream': { jwks: () => endless, why: /larger/ },
      'no JSON': { jwks: () => json('<html>'), why: /JSON/ },
      'a list': { jwks: () => json('[]'), why: /JSON object/ },
      'no keys member': { jwks: () => json({}), why: /keys/ },
      'keys that are no list': { jwks: () => json({ keys: {} }), why: /keys/ },
      'over 100 keys': { jwks: () => json({ keys: Array.from({ length: 101 }, () => ({})) }), why: /100 keys/ },
      'an error page': { jwks: () => json({ keys: [] }, 404), why: /404/ },
    }
    const endless: Answer = (response) => {
      const write = (): void => { while (!response.destroyed && response.write(big)); }
      response.on('drain', write).writeHead(200, { 'content-type': 'application/json' })
      write()
    }
    for (const [what, { discovery, jwks, why }] of Object.entries(hostile)) {
      it(what, async () => {
        issuer.discovery = discovery?.()
        issuer.jwks = jwks?.()
        assert.equal(await reasonFor('old'), 'ISSUER_UNAVAILABLE')
        assert.match(keys.status().lastError ?? '', why)
      })
    }

    it('silence is cut off', async () => {
      let closed: Promise<unknown> | undefined
      issuer.jwks = (response) => { closed = once(response, 'close') }
      const impatient = create({ timeoutMs: 50 })
      assert.equal(await reasonFor('old', impatient), 'ISSUER_UNAVAILABLE')
      await closed
    })

    it('a body that never ends is cut off in time as well', async () => {
      issuer.jwks = (response) => { response.writeHead(200).write('{"keys":') }
      assert.equal(await reasonFor('old', create({ timeoutMs: 50 })), 'ISSUER_UNAVAILABLE')
    })

    it('invariant 14: in real mode a plain http address of keys is refused, also on loopback', async () => {
      issuer.discovery = undefined
      assert.equal(await reasonFor('old', create({ mode: 'real' })), 'ISSUER_UNAVAILABLE')
      assert.equal(fetches(), 0)
    })
  })

  it('discovery is asked once an hour, not with every renewal', async () => {
    await keys.warm()
    clock.advance(10 * MINUTE)
    await reasonFor('old')
    assert.deepEqual(issuer.requests.map((path) => path === '/jwks'), [false, true, true])
    clock.advance(50 * MINUTE)
    await reasonFor('old')
    assert.deepEqual(issuer.requests.slice(3).map((path) => path === '/jwks'), [false, true])
  })

  it('an address of keys in the settings is used without discovery', async () => {
    assert.equal(await reasonFor('old', create({ keysUrl: `${issuer.issuer}/jwks` })), 'found')
    assert.deepEqual(issuer.requests, ['/jwks'])
  })

  describe('a published key that must not verify tokens is left out', () => {
    const spoil: Readonly<Record<string, (pair: SigningPair) => unknown>> = {
      'for encryption': ({ jwk }) => ({ ...jwk, use: 'enc' }),
      'for signing only': ({ jwk }) => ({ ...jwk, key_ops: ['sign'] }),
      'of another algorithm': ({ jwk }) => ({ ...jwk, alg: 'ES384' }),
      'of another curve': ({ jwk }) => ({ ...jwk, crv: 'P-384' }),
      'with its private part': ({ jwk }) => ({ ...jwk, d: jwk.x }),
      'symmetric': () => ({ kty: 'oct', kid: 'old', k: 'c2VjcmV0', alg: 'HS256' }),
      'symmetric in disguise': () => ({ kty: 'oct', kid: 'old', k: 'c2VjcmV0', alg: 'ES256' }),
      'off the curve': ({ jwk }) => ({ ...jwk, y: jwk.x }),
      'without a coordinate': ({ jwk }) => ({ ...jwk, y: undefined }),
      'that is a text': () => 'key',
      'that is null': () => null,
    }
    for (const [what, change] of Object.entries(spoil)) {
      it(what, async () => {
        const source = fixedKeys({ keys: [change(old), fresh.jwk] })
        assert.ok(isRefusal(await source.find('ES256', 'old')))
        assert.ok(!isRefusal(await source.find('ES256', 'fresh')), 'its neighbour stopped working')
      })
    }

    it('an RSA key under 2,048 bits', async () => {
      const jwk = generateKeyPairSync('rsa', { modulusLength: 1024 }).publicKey.export({ format: 'jwk' })
      const source = fixedKeys({ keys: [{ ...jwk, kid: 'weak' }] })
      assert.ok(isRefusal(await source.find('RS256', 'weak')))
      await assert.rejects(source.warm(), /no usable key/)
    })
  })
})
