/** For tests: metadata server, token endpoints, Security Token Service and IAM Service Account Credentials API on one loopback socket, answering as the published APIs do. */
import { generateKeyPairSync } from 'node:crypto'
import { once } from 'node:events'
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'

export interface Seen { readonly method: string, readonly path: string, readonly authorization: string | undefined, readonly flavor: string | undefined, readonly body: string }

export interface FakeGoogle {
  readonly origin: string
  readonly seen: Seen[]
  /** Seconds that issued tokens live. */
  life: number
  /** Answers instead of the usual one. */
  override: ((request: Seen, response: ServerResponse) => void) | undefined
  /** Epoch ms as this Google sees it. */
  now: () => number
  /** Sends requests for Google's fixed endpoints here, through a real socket. */
  readonly fetch: typeof fetch
  close(): Promise<void>
}

export const ADC_EMAIL = 'gateway@proj.iam.gserviceaccount.com'

/** Tokens are numbered and recognisable: none may be seen anywhere but in an Authorization header. */
export const canary = (kind: string, n: number): string => `ya29.CANARY-${kind}-${n}`

export function idToken(audience: string, exp: number, n = 0): string {
  const part = (value: unknown): string => Buffer.from(JSON.stringify(value)).toString('base64url')
  return `${part({ alg: 'RS256' })}.${part({ aud: audience, exp, n, sub: 'CANARY' })}.${part('CANARY-signature')}`
}

export function serviceAccountKey(): Record<string, string> {
  const { privateKey } = generateKeyPairSync('rsa', { modulusLength: 2048 })
  return {
    type: 'service_account', project_id: 'proj', private_key_id: 'key-1', client_email: 'robot@proj.iam.gserviceaccount.com',
    private_key: privateKey.export({ type: 'pkcs8', format: 'pem' }).toString(), token_uri: 'https://evil.example/token',
  }
}

export async function startFakeGoogle(): Promise<FakeGoogle> {
  const server = createServer((request, response) => { void answer(fake, request, response) })
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  const origin = `http://127.0.0.1:${(server.address() as AddressInfo).port}`
  const fake: FakeGoogle = {
    origin, seen: [], life: 3600, override: undefined, now: () => Date.now(),
    fetch: (input, init) => fetch(String(input).replace(/^https:\/\/(?:oauth2|iamcredentials|sts)\.googleapis\.com/, origin), init),
    async close() {
      server.closeAllConnections()
      await new Promise((resolve) => server.close(resolve))
    },
  }
  return fake
}

async function answer(fake: FakeGoogle, request: IncomingMessage, response: ServerResponse): Promise<void> {
  let body = ''
  for await (const chunk of request) body += String(chunk)
  const { authorization, 'metadata-flavor': flavor } = request.headers
  const seen: Seen = { method: request.method ?? '', path: request.url ?? '', authorization, flavor: flavor as string | undefined, body }
  fake.seen.push(seen)
  if (fake.override !== undefined) return fake.override(seen, response)
  usualAnswer(fake, seen, response)
}

export function usualAnswer(fake: FakeGoogle, { path, body }: Seen, response: ServerResponse): void {
  const json = (value: unknown, status = 200): void => { response.writeHead(status, { 'content-type': 'application/json', 'metadata-flavor': 'Google' }).end(JSON.stringify(value)) }
  const text = (value: string): void => { response.writeHead(200, { 'content-type': 'application/text', 'metadata-flavor': 'Google' }).end(value) }
  const n = fake.seen.length
  const { pathname, searchParams } = new URL(path, fake.origin)
  if (pathname.endsWith('/default/email')) return text(ADC_EMAIL)
  if (pathname.endsWith('/default/token')) return json({ access_token: canary('metadata', n), expires_in: fake.life, token_type: 'Bearer' })
  if (pathname.endsWith('/default/identity')) return text(idToken(searchParams.get('audience') ?? '', fake.now() / 1000 + fake.life, n))
  if (pathname === '/token') return json({ access_token: canary('exchange', n), expires_in: fake.life, token_type: 'Bearer', issued_token_type: 'urn:ietf:params:oauth:token-type:access_token' })
  if (pathname === '/v1/token') return isExchange(new URLSearchParams(body)) ? json({ access_token: canary('narrow', n), expires_in: fake.life, token_type: 'Bearer', issued_token_type: ACCESS_TOKEN }) : json({ error: 'invalid_request' }, 400)
  if (pathname.endsWith(':generateAccessToken')) {
    const { lifetime } = JSON.parse(body) as { lifetime: string }
    return json({ accessToken: canary('impersonated', n), expireTime: new Date(fake.now() + Number.parseInt(lifetime) * 1000).toISOString() })
  }
  if (pathname.endsWith(':generateIdToken')) return json({ token: idToken((JSON.parse(body) as { audience: string }).audience, fake.now() / 1000 + fake.life, n) })
  return json({ error: { code: 404, status: 'NOT_FOUND', message: 'nothing here' } }, 404)
}

const ACCESS_TOKEN = 'urn:ietf:params:oauth:token-type:access_token'

/** RFC 8693 section 2.1, as sts.googleapis.com v1 takes it, with the boundary in `options`. */
function isExchange(form: URLSearchParams): boolean {
  const has = (name: string, value: string): boolean => form.get(name) === value
  return has('grant_type', 'urn:ietf:params:oauth:grant-type:token-exchange') && has('requested_token_type', ACCESS_TOKEN) && has('subject_token_type', ACCESS_TOKEN)
    && (form.get('subject_token') ?? '').startsWith('ya29.') && boundaryRules(form.toString()).length > 0
}

/** The rules of the boundary that an exchange asked for. */
export function boundaryRules(body: string): readonly { readonly availableResource: string, readonly availablePermissions: readonly string[], readonly availabilityCondition?: { readonly expression: string } }[] {
  const { accessBoundary } = JSON.parse(new URLSearchParams(body).get('options') ?? '{}') as { readonly accessBoundary?: { readonly accessBoundaryRules: ReturnType<typeof boundaryRules> } }
  return accessBoundary?.accessBoundaryRules ?? []
}

/** Runs with these variables in the process's environment, which google-auth-library reads by itself; undefined unsets one. */
export async function withEnvironment<T>(variables: Readonly<Record<string, string | undefined>>, work: () => Promise<T>): Promise<T> {
  const before = Object.keys(variables).map((name) => [name, process.env[name]] as const)
  const set = (entries: Iterable<readonly [string, string | undefined]>): void => {
    for (const [name, value] of entries) if (value === undefined) delete process.env[name]; else process.env[name] = value
  }
  set(Object.entries(variables))
  try {
    return await work()
  } finally {
    set(before)
  }
}
