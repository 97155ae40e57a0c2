/** Signature and registered claims: what agents' tokens and approvers' tokens have in common. */
import { compactVerify, errors } from 'jose'
import type { Clock, Mode } from '@lockkeeper/domain'
import { isRefusal, LockkeeperError, type Refusal } from '@lockkeeper/domain/errors'
import { invalid, readCompactToken, type CompactToken } from './compact-token.ts'
import type { Fetch } from './fetch-json.ts'
import { fixedKeys, RemoteKeys, type IssuerKeys } from './issuer-keys.ts'
import type { VerificationKey } from './key-set.ts'
import { readKeysSetting, type ParsedIssuer } from './settings.ts'

/** What any issuer's settings say of its keys. */
type AnyIssuer = Pick<ParsedIssuer, 'issuer' | 'jwks' | 'algorithms'>

export interface KeySourceOptions { readonly mode: Mode, readonly clock: Clock, readonly fetch: Fetch }

/** One source of keys for each issuer URL, however many entries of the settings share it. */
export function createKeySources(issuers: readonly AnyIssuer[], options: KeySourceOptions): ReadonlyMap<string, IssuerKeys> {
  const sources = new Map<string, IssuerKeys>()
  for (const { issuer, jwks } of issuers) {
    if (!sources.has(issuer)) sources.set(issuer, createKeySource(issuer, jwks, options))
  }
  return sources
}

function createKeySource(issuer: string, jwks: AnyIssuer['jwks'], options: KeySourceOptions): IssuerKeys {
  if (jwks === undefined) return new RemoteKeys({ issuer, ...options })
  const setting = readKeysSetting(jwks, options.mode)
  if ('problem' in setting) throw new TypeError(`the jwks of ${issuer} ${setting.problem}`)
  return 'document' in setting ? fixedKeys(setting.document) : new RemoteKeys({ issuer, keysUrl: setting.url, ...options })
}

/** Fetches all keys; throws LockkeeperError ISSUER_UNAVAILABLE that names every issuer without usable keys. */
export async function warmAll(sources: ReadonlyMap<string, IssuerKeys>): Promise<void> {
  const names = [...sources.keys()]
  const outcomes = await Promise.allSettled([...sources.values()].map((keys) => keys.warm()))
  const failed = outcomes.flatMap((outcome, index) => outcome.status === 'rejected' ? [{ name: names[index], error: outcome.reason as Error }] : [])
  if (failed.length === 0) return
  throw new LockkeeperError('ISSUER_UNAVAILABLE', `No usable keys from ${failed.map(({ name, error }) => `${name} (${error.message})`).join(', ')}`, {
    cause: new AggregateError(failed.map(({ error }) => error)),
  })
}

/** A token whose signature holds, with those settings of its issuer that accept its algorithm. Claims are not judged yet. */
export interface SignedToken<T> {
  readonly claims: Readonly<Record<string, unknown>>
  readonly issuers: readonly T[]
}

/** From text to signature. `types` are the accepted values of `typ`; absence is accepted. */
export async function verifySignature<T extends AnyIssuer>(token: string, issuers: readonly T[], sources: ReadonlyMap<string, IssuerKeys>, types: readonly string[]): Promise<SignedToken<T> | Refusal> {
  const compact = readCompactToken(token)
  if (isRefusal(compact)) return compact
  if (compact.type !== undefined && !types.includes(compact.type)) return invalid('The token is of another kind (`typ`): it is no access or identity token.')
  const { iss } = compact.claims
  const known = issuers.filter(({ issuer }) => issuer === iss)
  const keys = typeof iss === 'string' ? sources.get(iss) : undefined
  if (known.length === 0 || keys === undefined) return invalid('The token\'s issuer (`iss`) is not a configured one.')
  const accepting = known.filter(({ algorithms }) => algorithms.includes(compact.algorithm))
  if (accepting.length === 0) return invalid('The token\'s algorithm is not accepted for its issuer.')
  const key = await keys.find(compact.algorithm, compact.kid)
  if (isRefusal(key)) return key
  return await isSignedBy(token, compact, key) ? { claims: compact.claims, issuers: accepting } : invalid('The token\'s signature does not match.')
}

async function isSignedBy(token: string, compact: CompactToken, { key }: VerificationKey): Promise<boolean> {
  try {
    await compactVerify(token, key, { algorithms: [compact.algorithm] })
    return true
  } catch (error) {
    // Whatever else the library dislikes in a token is a reason not to trust its signature.
    if (error instanceof errors.JOSEError) return false
    throw error
  }
}
