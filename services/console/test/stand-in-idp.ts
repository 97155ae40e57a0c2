/** Tests only: an OpenID provider of a few lines (discovery, authorisation code with PKCE, ID tokens), every part of which a test can bend. */
import { createHash, generateKeyPairSync, randomUUID, sign } from 'node:crypto'
import { once } from 'node:events'
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'
import { text } from 'node:stream/consumers'

export interface StandInIdp {
  readonly issuer: string
  /** JWKS as JSON, for `approverIssuers`. */
  readonly jwks: string
  /** What the next token says instead. */
  claims: Readonly<Record<string, unknown>>
  /** Who signs in. */
  subject: string
  /** The newest authorisation request. */
  asked: URLSearchParams | undefined
  /** Signs with a key that is not published. */
  forge: boolean
  /** Where the provider sends the browser, as if the person had signed in. */
  authorise(location: string): URL
  token(claims: Readonly<Record<string, unknown>>): string
  close(): Promise<void>
}

export const CLIENT = 'lockkeeper-console'
const encode = (value: object): string => Buffer.from(JSON.stringify(value)).toString('base64url')

export async function startIdp(): Promise<StandInIdp> {
  const [real, other] = [generateKeyPairSync('ed25519'), generateKeyPairSync('ed25519')]
  const codes = new Map<string, URLSearchParams>()
  const jwks = JSON.stringify({ keys: [{ ...real.publicKey.export({ format: 'jwk' }), kid: 'one', alg: 'EdDSA', use: 'sig' }] })
  const server = createServer((request, response) => { void answer(request, response) })
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  const issuer = `http://127.0.0.1:${(server.address() as AddressInfo).port}`
  const idp: StandInIdp = {
    issuer, jwks, claims: {}, subject: 'ada', asked: undefined, forge: false,
    authorise(location) {
      const asked = new URL(location).searchParams
      idp.asked = asked
      const code = randomUUID()
      codes.set(code, asked)
      const back = new URL(asked.get('redirect_uri') ?? '')
      back.search = new URLSearchParams({ code, state: asked.get('state') ?? '' }).toString()
      return back
    },
    token(claims) {
      const iat = Math.floor(Date.now() / 1000)
      const signed = `${encode({ alg: 'EdDSA', typ: 'JWT', kid: 'one' })}.${encode({ iss: issuer, aud: CLIENT, sub: idp.subject, iat, exp: iat + 300, ...claims })}`
      return `${signed}.${sign(null, Buffer.from(signed), (idp.forge ? other : real).privateKey).toString('base64url')}`
    },
    async close() {
      server.closeAllConnections()
      server.close()
      await once(server, 'close')
    },
  }
  async function answer(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const json = (status: number, body: object): void => void response.writeHead(status, { 'content-type': 'application/json' }).end(JSON.stringify(body))
    if (request.url === '/.well-known/openid-configuration') return json(200, { issuer, authorization_endpoint: `${issuer}/authorize`, token_endpoint: `${issuer}/token`, jwks_uri: `${issuer}/jwks`, response_types_supported: ['code'], subject_types_supported: ['public'], id_token_signing_alg_values_supported: ['EdDSA'] })
    if (request.url === '/jwks') return void response.writeHead(200, { 'content-type': 'application/json' }).end(jwks)
    const form = new URLSearchParams(await text(request))
    const asked = codes.get(form.get('code') ?? '')
    codes.delete(form.get('code') ?? '')
    // RFC 7636, 4.6.
    const fits = asked?.get('code_challenge') === createHash('sha256').update(form.get('code_verifier') ?? '').digest('base64url')
    if (asked === undefined || !fits) return json(400, { error: 'invalid_grant' })
    const authTime = asked.get('max_age') === null ? {} : { auth_time: Math.floor(Date.now() / 1000) }
    json(200, { access_token: 'opaque', token_type: 'Bearer', expires_in: 60, id_token: idp.token({ nonce: asked.get('nonce'), ...authTime, ...idp.claims }) })
  }
  return idp
}
