import assert from 'node:assert/strict'
import { manualClock } from '@lockkeeper/testkit'
import { createRemoteJWKSet, jwtVerify } from 'jose'
import { SandboxRefused } from '../loopback.ts'
import { startSandboxIdp } from './idp.ts'
import type { SandboxIdp } from './idp.ts'

async function discover(idp: SandboxIdp): Promise<{ readonly issuer: string, readonly jwks_uri: string }> {
  const response = await fetch(`${idp.issuer}/.well-known/openid-configuration`)
  assert.equal(response.headers.get('server'), 'lockkeeper-sandbox')
  return await response.json() as { issuer: string, jwks_uri: string }
}

describe('the sandbox identity provider', () => {
  let idp: SandboxIdp

  before(async () => { idp = await startSandboxIdp() })
  after(() => idp.close())

  const verify = async (token: string) => jwtVerify(token, createRemoteJWKSet(new URL((await discover(idp)).jwks_uri)), { issuer: idp.issuer, audience: idp.audience })

  for (const algorithm of ['RS256', 'ES256'] as const) {
    it(`mints ${algorithm} tokens that verify against the keys of its own discovery`, async () => {
      const token = await idp.mintAgentToken({ agent: 'coder', run: 'run-7', sponsor: 'sam@sandbox.example.com', algorithm })
      const { payload, protectedHeader } = await verify(token)
      assert.equal((await discover(idp)).issuer, idp.issuer)
      assert.deepEqual([payload.sub, payload.agent, payload.run, payload.sponsor, protectedHeader.alg, protectedHeader.typ], ['coder', 'coder', 'run-7', 'sam@sandbox.example.com', algorithm, 'at+jwt'])
      assert.equal(payload.exp! - payload.iat!, 900)
      assert.equal(typeof payload.jti, 'string')
    })
  }

  it('gives a token the life that is asked for, an ended one too', async () => {
    assert.ok((await verify(await idp.mintAgentToken({ agent: 'a', run: 'r', ttlSeconds: 30 }))).payload.exp)
    await assert.rejects(async () => verify(await idp.mintAgentToken({ agent: 'a', run: 'r', ttlSeconds: -120 })), { code: 'ERR_JWT_EXPIRED' })
  })

  it('lets a test make a token wrong', async () => {
    await assert.rejects(async () => verify(await idp.mintAgentToken({ agent: 'a', run: 'r', claims: { aud: 'someone-else' } })), { code: 'ERR_JWT_CLAIM_VALIDATION_FAILED' })
    const { payload } = await verify(await idp.mintAgentToken({ agent: 'a', run: 'r', claims: { act: { sub: 'orchestrator' } } }))
    assert.deepEqual([payload.act, payload.sponsor], [{ sub: 'orchestrator' }, undefined])
  })

  it('many tokens minted at once do not mix', async () => {
    const tokens = await Promise.all(Array.from({ length: 8 }, (_, index) => idp.mintAgentToken({ agent: `agent-${index}`, run: `run-${index}` })))
    for (const [index, token] of tokens.entries()) assert.equal((await verify(token)).payload.run, `run-${index}`)
  })

  it('a client without the secret gets no token', async () => {
    const attempt = (authorization: string) => fetch(`${idp.issuer}/token`, { method: 'POST', headers: { authorization }, body: new URLSearchParams({ grant_type: 'client_credentials' }) })
    assert.equal((await attempt(`Basic ${Buffer.from('sandbox-minter:guess').toString('base64')}`)).status, 401)
    assert.equal((await attempt('')).status, 400)
  })

  it('the times of a token follow the given clock', async () => {
    const slow = await startSandboxIdp({ clock: manualClock(1_000_000_000_000) })
    try {
      const [, payload = ''] = (await slow.mintAgentToken({ agent: 'a', run: 'r', ttlSeconds: 60 })).split('.')
      const claims = JSON.parse(Buffer.from(payload, 'base64url').toString('utf8')) as { iat: number, exp: number }
      assert.deepEqual([claims.iat, claims.exp], [1_000_000_000, 1_000_000_060])
    } finally {
      await slow.close()
    }
  })

  it('an outage takes keys and discovery away, and brings them back', async () => {
    idp.setOutage(true)
    assert.equal((await fetch(`${idp.issuer}/jwks`)).status, 503)
    idp.setOutage(false)
    assert.equal((await fetch(`${idp.issuer}/jwks`)).status, 200)
  })

  it('rotation signs with new keys; old tokens verify while the old keys are published', async () => {
    const old = await idp.mintAgentToken({ agent: 'a', run: 'before' })
    await idp.rotateKeys()
    const fresh = await idp.mintAgentToken({ agent: 'a', run: 'after' })
    const [first, second] = [await verify(old), await verify(fresh)]
    assert.notEqual(first.protectedHeader.kid, second.protectedHeader.kid)
    await idp.rotateKeys({ keepOld: false })
    await assert.rejects(verify(old), { code: 'ERR_JWKS_NO_MATCHING_KEY' })
  })

  it('publishes no private part of any key', async () => {
    const { keys } = await (await fetch(`${idp.issuer}/jwks`)).json() as { keys: readonly object[] }
    for (const key of keys) for (const name of ['d', 'p', 'q', 'dp', 'dq', 'qi', 'k']) assert.ok(!(name in key), name)
  })

  it('invariant 14: it refuses to start beside a gateway in real mode', async () => {
    await assert.rejects(startSandboxIdp({ beside: { mode: 'real' } }), SandboxRefused)
  })
})
