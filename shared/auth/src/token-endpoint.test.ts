import assert from 'node:assert/strict'
import { manualClock } from '@lockkeeper/testkit'
import { createPeopleDirectory } from './people.ts'
import { exchangeToken, introspect } from './token-endpoint.ts'
import { createPair, json, signToken, startLoopbackIssuer, type LoopbackIssuer, type SigningPair } from './testing/loopback-issuer.ts'
import { createVerifier, type TokenVerifier } from './verifier.ts'

const GRANT = 'urn:ietf:params:oauth:grant-type:token-exchange'
const TYPE = 'urn:ietf:params:oauth:token-type:'

describe('auth: token endpoint', () => {
  let issuer: LoopbackIssuer
  let pair: SigningPair
  let clock = manualClock()
  let verifier: TokenVerifier
  let token: string

  const mint = (claims: Record<string, unknown> = {}): Promise<string> => signToken(pair, { iss: issuer.issuer, aud: 'lockkeeper', sub: 'agent-7', exp: clock.now() / 1000 + 600, ...claims })
  const form = (change: Record<string, string | undefined> = {}): string => {
    const all = { grant_type: GRANT, audience: '//gw.test/agents', scope: 'https://www.googleapis.com/auth/cloud-platform', requested_token_type: `${TYPE}access_token`, subject_token: token, subject_token_type: `${TYPE}jwt`, ...change }
    return new URLSearchParams(Object.entries(all).flatMap(([name, value]) => value === undefined ? [] : [[name, value] satisfies [string, string]])).toString()
  }

  before(async () => {
    pair = await createPair('key')
    issuer = await startLoopbackIssuer([pair])
  })
  after(() => issuer.close())
  beforeEach(async () => {
    clock = manualClock()
    issuer.jwks = undefined
    verifier = createVerifier({ issuers: [{ name: 'ci', issuer: issuer.issuer, audience: 'lockkeeper', agent: { id: '"agents/" + claims.sub' } }], people: createPeopleDirectory([]), clock, mode: 'sandbox' })
    token = await mint()
  })

  it('the agent gets its own token back with the life that it still has', async () => {
    clock.advance(100_500)
    assert.deepEqual(await exchangeToken(verifier, form(), clock), {
      status: 200, headers: { 'content-type': 'application/json', 'cache-control': 'no-store', pragma: 'no-cache' },
      body: { access_token: token, issued_token_type: `${TYPE}access_token`, token_type: 'Bearer', expires_in: 499 },
    })
  })

  it('the forms of gcloud and of the Node and Python libraries are accepted', async () => {
    for (const change of [{}, { requested_token_type: undefined }, { subject_token_type: `${TYPE}id_token` }, { options: '{"userProject":"p"}' }, { scope: '' }]) {
      assert.equal((await exchangeToken(verifier, form(change), clock)).status, 200)
    }
  })

  it('white space around a token, as a token file brings it along, does not count', async () => {
    for (const [before, after] of [['', '\n'], ['', '\r\n'], [' \t', ' '], ['\n\n', '\n\n']]) {
      const exchanged = await exchangeToken(verifier, form({ subject_token: `${before}${token}${after}` }), clock)
      assert.deepEqual([exchanged.status, exchanged.body.access_token], [200, token])
      assert.equal((await introspect(verifier, new URLSearchParams({ token: `${before}${token}${after}` }).toString())).body.active, true)
    }
  })

  describe('a form that is not a plain exchange is refused in the words of RFC 6749', () => {
    const hostile: Readonly<Record<string, readonly [() => string | Promise<string>, string]>> = {
      'an empty form': [() => '', 'unsupported_grant_type'],
      'another grant': [() => form({ grant_type: 'client_credentials' }), 'unsupported_grant_type'],
      'no token': [() => form({ subject_token: undefined }), 'invalid_request'],
      'an empty token': [() => form({ subject_token: '' }), 'invalid_request'],
      'a token of white space': [() => form({ subject_token: ' \n' }), 'invalid_request'],
      'white space inside a token': [() => form({ subject_token: token.replace('.', '\n.') }), 'invalid_request'],
      'white space beyond ASCII around a token': [() => form({ subject_token: `\u00a0${token}\u2028` }), 'invalid_request'],
      'two tokens': [() => `${form()}&subject_token=x`, 'invalid_request'],
      'two grants': [() => `${form()}&grant_type=${GRANT}`, 'invalid_request'],
      'a SAML token': [() => form({ subject_token_type: `${TYPE}saml2` }), 'invalid_request'],
      'no type': [() => form({ subject_token_type: undefined }), 'invalid_request'],
      'a refresh token asked for': [() => form({ requested_token_type: `${TYPE}refresh_token` }), 'invalid_request'],
      'an actor token': [() => form({ actor_token: token }), 'invalid_request'],
      'a form over 32 KiB': [() => form({ scope: 'x'.repeat(33_000) }), 'invalid_request'],
      'JSON': [() => JSON.stringify({ grant_type: GRANT, subject_token: token }), 'unsupported_grant_type'],
      'a token that is none': [() => form({ subject_token: 'CANARY' }), 'invalid_request'],
      'a token of 17 KiB': [() => form({ subject_token: 'C'.repeat(17_000) }), 'invalid_request'],
      'an expired token': [async () => form({ subject_token: await mint({ exp: clock.now() / 1000 - 3600 }) }), 'invalid_request'],
      'a token in its last second': [async () => form({ subject_token: await mint({ exp: clock.now() / 1000 + 0.5 }) }), 'invalid_request'],
      'a token for another audience': [async () => form({ subject_token: await mint({ aud: 'other' }) }), 'invalid_request'],
    }
    for (const [what, [make, error]] of Object.entries(hostile)) {
      it(what, async () => {
        const { status, body } = await exchangeToken(verifier, await make(), clock)
        assert.equal(status, 400)
        assert.deepEqual(Object.keys(body), ['error', 'error_description'])
        assert.equal(body.error, error)
        assert.match(String(body.error_description), /^[\x20\x21\x23-\x5b\x5d-\x7e]+$/)
        assert.ok(!JSON.stringify(body).includes('CANARY'))
      })
    }
  })

  it('invariant 10: an issuer that cannot be reached is an outage at both endpoints, never an inactive token', async () => {
    issuer.jwks = json('', 500)
    for (const answer of [await exchangeToken(verifier, form(), clock), await introspect(verifier, new URLSearchParams({ token }).toString())]) {
      assert.equal(answer.status, 503)
      assert.equal(answer.body.error, 'temporarily_unavailable')
    }
  })

  it('introspection names the agent', async () => {
    const { status, body } = await introspect(verifier, new URLSearchParams({ token, token_type_hint: `${TYPE}access_token` }).toString())
    assert.equal(status, 200)
    assert.deepEqual(body, { active: true, username: 'agents/agent-7', sub: 'agent-7', client_id: 'agents/agent-7', token_type: 'Bearer', exp: clock.now() / 1000 + 600, iss: issuer.issuer })
  })

  it('introspection of a token that is refused says inactive and nothing else', async () => {
    for (const other of ['CANARY', await mint({ aud: 'other' }), await mint({ exp: 1 })]) {
      assert.deepEqual((await introspect(verifier, new URLSearchParams({ token: other }).toString())).body, { active: false })
    }
    assert.equal((await introspect(verifier, '')).status, 400)
    assert.equal((await introspect(verifier, `token=a&token=${token}`)).status, 400)
  })
})
