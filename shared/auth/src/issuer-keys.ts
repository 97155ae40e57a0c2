/** The keys of one issuer: fetched when needed, kept, renewed, and known to be old when they are. */
import type { Clock, Mode } from '@lockkeeper/domain'
import { refuse, type Refusal } from '@lockkeeper/domain/errors'
import { invalid } from './compact-token.ts'
import { fetchJson, type Fetch } from './fetch-json.ts'
import { discoveryUrl, urlProblem } from './issuer-url.ts'
import { readKeySet, selectKey, type SigningAlgorithm, type VerificationKey } from './key-set.ts'

const MINUTE = 60_000
/** Age from which keys are renewed in the background while they still serve. */
const RENEW_AFTER_MS = 5 * MINUTE
/** Age from which a renewal is waited for, so that a key that was taken back stops working. */
const MAX_AGE_MS = 10 * MINUTE
/** Age up to which known keys go on working while the issuer cannot be reached. */
const MAX_STALE_MS = 24 * 60 * MINUTE
/** An unknown key id asks the issuer again at most once in this time. */
const UNKNOWN_KEY_COOLDOWN_MS = 30_000
/** Wait after the first failure; doubled by each further one, up to the second value. */
const FIRST_BACKOFF_MS = 1000
const MAX_BACKOFF_MS = 30_000
/** How long a discovered `jwks_uri` is used before discovery is asked again. */
const DISCOVERY_MAX_AGE_MS = 60 * MINUTE

export interface IssuerKeys {
  /** The key for a token's header. TOKEN_INVALID: there is none. ISSUER_UNAVAILABLE: that cannot be known. */
  find(algorithm: SigningAlgorithm, kid: string | undefined): Promise<VerificationKey | Refusal>
  /** Fetches now. Rejects with an Error (private text) when no usable key is there afterwards. */
  warm(): Promise<void>
  /** For `doctor`: how many keys are known, their age, and why the last fetch failed if it did. */
  status(): { readonly keys: number, readonly ageMs: number, readonly lastError?: string }
}

export interface RemoteKeysOptions {
  readonly issuer: string
  readonly mode: Mode
  readonly clock: Clock
  readonly fetch: Fetch
  /** Without it the address comes from the issuer's discovery document. */
  readonly keysUrl?: string
  /** Ms that one document may take. Default 5,000. */
  readonly timeoutMs?: number
}

/** Keys written in the configuration: never renewed; changing them is a change of configuration. */
export function fixedKeys(document: Readonly<Record<string, unknown>>): IssuerKeys {
  let keys: readonly VerificationKey[] | undefined
  const load = async (): Promise<readonly VerificationKey[]> => (keys ??= await readKeySet(document))
  return {
    find: async (algorithm, kid) => verdict(selectKey(await load(), algorithm, kid), kid),
    warm: async () => { if ((await load()).length === 0) throw new Error('the configured key set holds no usable key') },
    status: () => ({ keys: keys?.length ?? 0, ageMs: 0 }),
  }
}

function verdict(found: VerificationKey | 'unknown' | 'ambiguous', kid: string | undefined): VerificationKey | Refusal {
  if (typeof found === 'object') return found
  if (found === 'ambiguous') return invalid(kid === undefined ? 'The token names no key (`kid`) and its issuer has more than one.' : 'The token\'s key id (`kid`) names more than one key of its issuer.')
  return invalid('The token\'s key is not one of its issuer\'s published keys for that algorithm.')
}

export class RemoteKeys implements IssuerKeys {
  readonly #options: RemoteKeysOptions
  #keys: { readonly list: readonly VerificationKey[], readonly at: number } | undefined
  #keysUrl: { readonly url: string, readonly at: number } | undefined
  #inFlight: Promise<void> | undefined
  #failures = 0
  #lastError: Error | undefined
  #nextTryAt = -Infinity
  #nextUnknownAt = -Infinity

  constructor(options: RemoteKeysOptions) { this.#options = options }

  async find(algorithm: SigningAlgorithm, kid: string | undefined): Promise<VerificationKey | Refusal> {
    const keys = await this.#current()
    if (keys === undefined) return this.#unavailable()
    const found = selectKey(keys, algorithm, kid)
    if (found !== 'unknown') return verdict(found, kid)
    await this.#askForUnknown()
    const again = selectKey(this.#keys?.list ?? [], algorithm, kid)
    // While the issuer cannot be asked, a key that it may have added meanwhile is not known to be wrong.
    return again === 'unknown' && this.#lastError !== undefined ? this.#unavailable() : verdict(again, kid)
  }

  async warm(): Promise<void> {
    this.#nextTryAt = -Infinity
    await this.#renew()
    if (this.#lastError !== undefined) throw this.#lastError
    if ((this.#keys?.list.length ?? 0) === 0) throw new Error('the issuer publishes no usable key')
  }

  status(): ReturnType<IssuerKeys['status']> {
    const common = { keys: this.#keys?.list.length ?? 0, ageMs: this.#age() }
    return this.#lastError === undefined ? common : { ...common, lastError: this.#lastError.message }
  }

  #age(): number {
    return this.#keys === undefined ? Infinity : this.#options.clock.monotonic() - this.#keys.at
  }

  async #current(): Promise<readonly VerificationKey[] | undefined> {
    if (this.#age() >= MAX_AGE_MS) await this.#renew()
    else if (this.#age() >= RENEW_AFTER_MS) void this.#renew()
    return this.#age() < MAX_STALE_MS ? this.#keys?.list : undefined
  }

  async #askForUnknown(): Promise<void> {
    if (this.#inFlight !== undefined) return this.#inFlight
    const now = this.#options.clock.monotonic()
    if (now < this.#nextUnknownAt) return
    this.#nextUnknownAt = now + UNKNOWN_KEY_COOLDOWN_MS
    await this.#renew()
  }

  /** Never rejects: the outcome is in `#keys` and `#lastError`. One fetch in flight; none before the backoff is over. */
  #renew(): Promise<void> {
    if (this.#inFlight !== undefined) return this.#inFlight
    if (this.#options.clock.monotonic() < this.#nextTryAt) return Promise.resolve()
    this.#inFlight = this.#attempt().finally(() => { this.#inFlight = undefined })
    return this.#inFlight
  }

  async #attempt(): Promise<void> {
    const { clock, fetch, timeoutMs } = this.#options
    // Age counts from the asking, not from the answer.
    const at = clock.monotonic()
    try {
      const url = await this.#findUrl(at)
      this.#keys = { list: await readKeySet(await fetchJson(url, fetch, timeoutMs)), at }
      this.#failures = 0
      this.#lastError = undefined
    } catch (error) {
      this.#lastError = describeFailure(error)
      this.#nextTryAt = clock.monotonic() + Math.min(FIRST_BACKOFF_MS * 2 ** this.#failures, MAX_BACKOFF_MS)
      this.#failures++
    }
  }

  async #findUrl(now: number): Promise<string> {
    const { issuer, mode, keysUrl, fetch, timeoutMs } = this.#options
    if (keysUrl !== undefined) return keysUrl
    if (this.#keysUrl !== undefined && now - this.#keysUrl.at < DISCOVERY_MAX_AGE_MS) return this.#keysUrl.url
    const configuration = await fetchJson(discoveryUrl(issuer), fetch, timeoutMs)
    if (configuration.issuer !== issuer) throw new Error('the discovery document names another issuer')
    const url = configuration.jwks_uri
    if (typeof url !== 'string') throw new Error('the discovery document has no jwks_uri')
    const problem = urlProblem(url, mode)
    if (problem !== undefined) throw new Error(`the jwks_uri of the discovery document ${problem}`)
    this.#keysUrl = { url, at: now }
    return url
  }

  #unavailable(): Refusal {
    return refuse('ISSUER_UNAVAILABLE', {
      message: 'The keys of the token\'s issuer cannot be fetched, so the token cannot be checked. Nothing was sent; try again.',
      ...(this.#lastError === undefined ? {} : { detail: this.#lastError.message }),
    })
  }
}

/** `fetch failed` says nothing; its cause does. */
function describeFailure(error: unknown): Error {
  if (!(error instanceof Error)) return new Error('the keys cannot be fetched', { cause: error })
  return error.cause instanceof Error ? new Error(`${error.message}: ${error.cause.message}`, { cause: error }) : error
}

