/** For tests: an OpenID issuer on a real loopback socket whose answers and keys the test decides. */
import { once } from 'node:events'
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'
import { exportJWK, generateKeyPair, SignJWT, type CryptoKey, type JWK } from 'jose'
import type { SigningAlgorithm } from '../key-set.ts'

export interface SigningPair { readonly kid: string, readonly algorithm: SigningAlgorithm, readonly privateKey: CryptoKey, readonly jwk: JWK }

export async function createPair(kid: string, algorithm: SigningAlgorithm = 'ES256'): Promise<SigningPair> {
  const { publicKey, privateKey } = await generateKeyPair(algorithm, { extractable: true })
  return { kid, algorithm, privateKey, jwk: { ...await exportJWK(publicKey), kid, alg: algorithm, use: 'sig' } }
}

export function signToken(pair: SigningPair, claims: Record<string, unknown>, header: Record<string, unknown> = {}): Promise<string> {
  return new SignJWT(claims).setProtectedHeader({ alg: pair.algorithm, kid: pair.kid, typ: 'JWT', ...header }).sign(pair.privateKey)
}

export type Answer = (response: ServerResponse, request: IncomingMessage) => void

export const json = (value: unknown, status = 200): Answer => (response) => {
  response.writeHead(status, { 'content-type': 'application/json' }).end(typeof value === 'string' ? value : JSON.stringify(value))
}

export interface LoopbackIssuer {
  readonly issuer: string
  /** Paths asked for, in order. */
  readonly requests: readonly string[]
  /** What is published; may be changed at any time. */
  keys: readonly JWK[]
  discovery: Answer | undefined
  jwks: Answer | undefined
  close(): Promise<void>
}

export async function startLoopbackIssuer(pairs: readonly SigningPair[] = []): Promise<LoopbackIssuer> {
  const requests: string[] = []
  const server = createServer((request, response) => {
    requests.push(request.url ?? '')
    const answer = request.url === '/jwks' ? own.jwks ?? json({ keys: own.keys })
      : request.url === '/.well-known/openid-configuration' ? own.discovery ?? json({ issuer: own.issuer, jwks_uri: `${own.issuer}/jwks` })
        : json({ error: 'nothing here' }, 404)
    answer(response, request)
  })
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  const own: LoopbackIssuer = {
    issuer: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    requests, keys: pairs.map(({ jwk }) => jwk), discovery: undefined, jwks: undefined,
    async close() {
      server.closeAllConnections()
      await new Promise((resolve) => server.close(resolve))
    },
  }
  return own
}
