/** One upstream credential: kept until it ends, renewed ahead, one renewal in flight, and a circuit after a failure. */
import type { Clock } from '@lockkeeper/domain'
import { LockkeeperError } from '@lockkeeper/domain/errors'
import { scrubError } from './scrub.ts'

export interface Minted {
  readonly token: string
  /** Authentication scheme. Default Bearer. */
  readonly scheme?: string
  /** Epoch ms at which it ends. */
  readonly expiresAt: number
}

export interface RefreshOptions {
  /** Gets a fresh token. Rejects when it cannot; what it says is scrubbed before it is kept. */
  readonly mint: () => Promise<Minted>
  readonly clock: Clock
  /** 0 ≤ n < 1. Default Math.random. */
  readonly random?: () => number
  /** Ms that one `mint` may take. Default 10,000. */
  readonly timeoutMs?: number
  /** Told of every failure, also of those that nobody waits for. Its text is private and holds no secret. */
  readonly onFailure?: ((error: LockkeeperError) => void) | undefined
}

/** Part of its life after which a token is renewed; ± 4 %, so that instances do not renew all at once. */
const RENEW_AT = 0.8
const JITTER = 0.08
/** Ms after a failure within which nothing is tried again. */
const BREAK_MS = 1000
/** Ms between renewals, for sources that hand out the same token again until shortly before its end. */
const MIN_INTERVAL_MS = 5000
const DEFAULT_TIMEOUT_MS = 10_000
/** What may stand in an Authorization header (RFC 9110 field-vchar, no spaces). */
const TOKEN = /^[\x21-\x7e]{1,16384}$/

interface Current {
  readonly minted: Minted
  readonly header: string
  readonly renewAt: number
}

export class RefreshedCredential {
  readonly #options: RefreshOptions
  #current: Current | undefined
  #inFlight: Promise<Current> | undefined
  #failure: { readonly error: LockkeeperError, readonly until: number } | undefined

  constructor(options: RefreshOptions) { this.#options = options }

  /** The value of an Authorization header: at once while one is in force, else when it has been fetched. Rejects with CREDENTIAL_UNAVAILABLE. */
  get(): string | Promise<string> {
    const current = this.#inForce()
    return current instanceof Promise ? current.then(({ header }) => header) : current.header
  }

  /** The token itself and its end, for what is made out of it. Otherwise like `get`. */
  async current(): Promise<Minted> {
    return (await this.#inForce()).minted
  }

  #inForce(): Current | Promise<Current> {
    const now = this.#options.clock.now()
    const current = this.#current
    if (current === undefined || now >= current.minted.expiresAt) return this.#fetch()
    if (now >= current.renewAt && !this.#isBroken()) {
      // The one in force goes on serving; a failure was told to `onFailure` and is met again when that one ends.
      this.#fetch().catch(() => undefined)
    }
    return current
  }

  #isBroken(): boolean {
    return this.#failure !== undefined && this.#options.clock.monotonic() < this.#failure.until
  }

  #fetch(): Promise<Current> {
    if (this.#inFlight !== undefined) return this.#inFlight
    if (this.#failure !== undefined && this.#isBroken()) return Promise.reject(this.#failure.error)
    this.#inFlight = this.#attempt().finally(() => { this.#inFlight = undefined })
    return this.#inFlight
  }

  async #attempt(): Promise<Current> {
    const { mint, clock, random = Math.random, timeoutMs = DEFAULT_TIMEOUT_MS, onFailure } = this.#options
    try {
      const { token, scheme = 'Bearer', expiresAt } = await within(timeoutMs, mint())
      const now = clock.now()
      if (!TOKEN.test(token)) throw new Error('what came is no token')
      if (!(expiresAt > now)) throw new Error('the token has ended already; is the clock right?')
      const life = expiresAt - now
      const renewAt = now + Math.max(life * (RENEW_AT + JITTER * (random() - 0.5)), Math.min(MIN_INTERVAL_MS, life))
      const current = { minted: { token, scheme, expiresAt }, header: `${scheme} ${token}`, renewAt }
      this.#current = current
      this.#failure = undefined
      return current
    } catch (error) {
      const failure = unavailable(error)
      this.#failure = { error: failure, until: clock.monotonic() + BREAK_MS }
      onFailure?.(failure)
      throw failure
    }
  }
}

/** The public text says nothing of accounts or endpoints; the private one says why, without secrets. */
export function unavailable(error: unknown, secrets: readonly string[] = []): LockkeeperError {
  if (error instanceof LockkeeperError && error.reason === 'CREDENTIAL_UNAVAILABLE') return error
  const cause = scrubError(error, secrets)
  return new LockkeeperError('CREDENTIAL_UNAVAILABLE', 'The upstream credential cannot be obtained. Nothing was sent; try again.', { cause, detail: { detail: cause.message } })
}

async function within<T>(ms: number, work: Promise<T>): Promise<T> {
  const { promise, reject } = Promise.withResolvers<never>()
  const timer = setTimeout(() => reject(new Error(`no answer within ${ms} ms`)), ms)
  try {
    return await Promise.race([work, promise])
  } finally {
    clearTimeout(timer)
  }
}
