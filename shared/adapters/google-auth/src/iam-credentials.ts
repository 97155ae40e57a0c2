/** The two methods of the IAM Service Account Credentials API v1 that the gateway itself calls. */
import { scrubText } from './scrub.ts'
import type { Minted } from './refreshed-credential.ts'

export interface IamCredentialsOptions {
  /** Origin of the API. Default https://iamcredentials.googleapis.com. */
  readonly endpoint: string
  readonly fetch: typeof fetch
  /** Authorization of the caller, who needs roles/iam.serviceAccountTokenCreator. */
  readonly caller: () => string | Promise<string>
  readonly targetPrincipal: string
  readonly delegates: readonly string[]
}

const TIMEOUT_MS = 8000
const MAX_ANSWER_BYTES = 64 * 1024

/** It becomes a part of a path, so its alphabet is narrow. */
export const isServiceAccount = (email: string): boolean => /^[a-z0-9][\w.-]*@[\w.-]+$/i.test(email)

const resourceName = (principal: string): string => `projects/-/serviceAccounts/${principal}`

/** An access token of the target for `lifetimeSeconds` (at most 3,600). `now` is epoch ms before the request. */
export async function generateAccessToken(options: IamCredentialsOptions, scope: readonly string[], lifetimeSeconds: number, now: number): Promise<Minted> {
  const { accessToken, expireTime } = await post(options, 'generateAccessToken', { scope, lifetime: `${lifetimeSeconds}s` })
  if (typeof accessToken !== 'string' || typeof expireTime !== 'string') throw new Error('generateAccessToken answered without a token or its end')
  const end = Date.parse(expireTime)
  if (Number.isNaN(end)) throw new Error('generateAccessToken answered with an unreadable expireTime')
  // Whichever is sooner, so that a clock that is behind does not make a token look younger than it is.
  return { token: accessToken, expiresAt: Math.min(end, now + lifetimeSeconds * 1000) }
}

/** An OpenID Connect ID token of the target for one audience. */
export async function generateIdToken(options: IamCredentialsOptions, audience: string): Promise<string> {
  const { token } = await post(options, 'generateIdToken', { audience, includeEmail: true })
  if (typeof token !== 'string') throw new Error('generateIdToken answered without a token')
  return token
}

async function post(options: IamCredentialsOptions, method: string, body: object): Promise<Readonly<Record<string, unknown>>> {
  const { endpoint, fetch: send, caller, targetPrincipal, delegates } = options
  const authorization = await caller()
  const answer = await send(`${endpoint}/v1/${resourceName(targetPrincipal)}:${method}`, {
    method: 'POST',
    headers: { authorization, 'content-type': 'application/json', accept: 'application/json' },
    body: JSON.stringify({ delegates: delegates.map(resourceName), ...body }),
    redirect: 'error',
    signal: AbortSignal.timeout(TIMEOUT_MS),
  })
  const text = await readBounded(answer)
  const parsed = parseObject(text)
  if (answer.status === 200 && parsed !== undefined) return parsed
  const fault = parsed?.error as { readonly status?: unknown, readonly message?: unknown } | undefined
  throw new Error(scrubText(`${method} answered ${answer.status} ${String(fault?.status ?? '')} ${String(fault?.message ?? '')}`, [authorization.replace(/^\S+ /, '')]))
}

async function readBounded(answer: Response): Promise<string> {
  const chunks: Uint8Array[] = []
  let size = 0
  for await (const chunk of answer.body ?? []) {
    size += chunk.byteLength
    if (size > MAX_ANSWER_BYTES) throw new Error(`the answer is larger than ${MAX_ANSWER_BYTES} bytes`)
    chunks.push(chunk)
  }
  return Buffer.concat(chunks).toString()
}

function parseObject(text: string): Readonly<Record<string, unknown>> | undefined {
  try {
    const value: unknown = JSON.parse(text)
    return typeof value === 'object' && value !== null ? value as Record<string, unknown> : undefined
  } catch {
    // The caller reports the status; a text that is no JSON has nothing that may be quoted.
    return undefined
  }
}
