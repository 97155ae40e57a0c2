import assert from 'node:assert/strict'
import { createHash, randomBytes } from 'node:crypto'
import { createRemoteJWKSet, jwtVerify } from 'jose'
import { SandboxRefused } from '../loopback.ts'
import { startSandboxPeopleIdp, type SandboxPeopleIdp } from './people-idp.ts'

const CLIENT = { id: 'console', redirectUri: 'http://localhost/sign-in/callback' }

describe('the sandbox\'s identity provider for people', () => {
  let idp: SandboxPeopleIdp
  before(async () => { idp = await startSandboxPeopleIdp({ client: CLIENT, people: ['ada'] }) })
  after(() => idp.close())

  const verifier = randomBytes(32).toString('base64url')
  const challenge = createHash('sha256').update(verifier).digest('base64url')
  const location = (parameters: Readonly<Record<string, string>>): string => `${idp.issuer}/auth?${new URLSearchParams({ client_id: CLIENT.id, response_type: 'code', scope: 'openid', redirect_uri: 'http://localhost:8445/sign-in/callback', state: 's'.repeat(43), nonce: 'n', ...parameters }).toString()}`
  const pkce = { code_challenge: challenge, code_challenge_method: 'S256' }

  /** A browser that goes where it is sent, until it is sent away. */
  async function visit(url: string, cookies: Map<string, string>, person = 'ada'): Promise<URL> {
    for (let at = new URL(url), form = false; ;) {
      const answer = await fetch(at, { redirect: 'manual', headers: { cookie: [...cookies].map(([name, value]) => `${name}=${value}`).join('; ') }, ...form ? { method: 'POST', body: new URLSearchParams({ person }) } : {} })
      for (const [name = '', value = ''] of answer.headers.getSetCookie().map((cookie) => (cookie.split(';')[0] ?? '').split('='))) cookies.set(name, value)
      const next = answer.headers.get('location')
      if (next === null) {
        assert.ok(!form, `${answer.status} ${await answer.text()}`)
        form = true
        continue
      }
      at = new URL(next, at)
      form = false
      if (at.origin !== idp.issuer) return at
    }
  }
  const redeem = (code: string, code_verifier: string): Promise<Response> => fetch(`${idp.issuer}/token`, { method: 'POST', body: new URLSearchParams({ grant_type: 'authorization_code', client_id: CLIENT.id, code, code_verifier, redirect_uri: 'http://localhost:8445/sign-in/callback' }) })

  it('one says who one is, and the ID token says it with the nonce, and with the time where that is asked', async () => {
    const cookies = new Map<string, string>()
    const back = await visit(location({ ...pkce, prompt: 'login', max_age: '0' }), cookies)
    assert.equal(back.searchParams.get('state'), 's'.repeat(43))
    const { id_token: token } = await (await redeem(back.searchParams.get('code') ?? '', verifier)).json() as { readonly id_token: string }
    const { payload } = await jwtVerify(token, createRemoteJWKSet(new URL(`${idp.issuer}/jwks`)), { issuer: idp.issuer, audience: CLIENT.id })
    assert.deepEqual([payload.sub, payload['nonce']], ['ada', 'n'])
    assert.ok(Math.abs(Number(payload['auth_time']) - Date.now() / 1000) < 10)
  })

  it('a code is redeemed once, and with its own verifier alone', async () => {
    const code = async (): Promise<string> => (await visit(location(pkce), new Map())).searchParams.get('code') ?? ''
    assert.equal((await redeem(await code(), randomBytes(32).toString('base64url'))).status, 400)
    const good = await code()
    assert.deepEqual([(await redeem(good, verifier)).status, (await redeem(good, verifier)).status], [200, 400])
  })

  it('without PKCE, or for another place than the client\'s, there is no code', async () => {
    assert.equal((await visit(location({}), new Map())).searchParams.get('error'), 'invalid_request')
    assert.equal((await fetch(location({ ...pkce, redirect_uri: 'http://evil.example/callback' }), { redirect: 'manual' })).status, 400)
  })

  it('invariant 14: it refuses to start beside a gateway in real mode', async () => {
    await assert.rejects(startSandboxPeopleIdp({ client: CLIENT, people: [], beside: { mode: 'real' } }), SandboxRefused)
  })
})
