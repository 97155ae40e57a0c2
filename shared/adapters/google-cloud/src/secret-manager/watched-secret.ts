/** One secret in memory: checked again at intervals, one fetch in flight, dropped when it is withdrawn. */
import type { Clock } from '@lockkeeper/domain'
import { LockkeeperError } from '@lockkeeper/domain/errors'
import { PortUnavailable } from '@lockkeeper/domain/ports'
import { sameChecksum, crc32c } from '../crc32c.ts'
import { inFewWords, isRefused } from '../google-call.ts'
import type { SecretManagerClient } from './secret-manager-client.ts'
import { resourceOf, versionOf, type SecretPin } from './secret-names.ts'

export interface SecretTimes {
  /** Ms that a value is used without asking again: within this time a disabled or destroyed version is out of use. Default 30,000. */
  readonly checkEveryMs: number
  /** Ms since it was last confirmed that a value is used while Secret Manager does not answer. Default 300,000. */
  readonly keepMs: number
  /** Ms for one attempt; there are two. Default 4,000. */
  readonly timeoutMs: number
  /** Ms that an access waits for a held value to be confirmed; then it is used as in an outage. Default 1,000. */
  readonly waitMs: number
}

export interface HeldSecret {
  readonly value: string
  /** The version that answered, in full: `projects/P/secrets/S/versions/7`. */
  readonly version: string
}

/** Ms after a failure within which nothing is tried again. */
const BREAK_MS = 1000
const ATTEMPTS = 2
const MAX_BYTES = 64 * 1024

export class WatchedSecret {
  readonly pin: SecretPin
  readonly #name: string
  readonly #client: SecretManagerClient
  readonly #clock: Clock
  readonly #times: SecretTimes
  readonly #onVersion: (version: string) => void
  #held: { readonly secret: HeldSecret, readonly confirmedAt: number } | undefined
  #inFlight: Promise<HeldSecret> | undefined
  #failure: { readonly error: Error, readonly until: number } | undefined

  constructor(name: string, pin: SecretPin, { client, clock, times, onVersion }: { readonly client: SecretManagerClient, readonly clock: Clock, readonly times: SecretTimes, readonly onVersion: (version: string) => void }) {
    this.pin = pin
    this.#name = name
    this.#client = client
    this.#clock = clock
    this.#times = times
    this.#onVersion = onVersion
  }

  async access(): Promise<HeldSecret> {
    const held = this.#held
    if (held !== undefined && this.#ageOf(held) < this.#times.checkEveryMs) return held.secret
    if (this.#failure !== undefined && this.#clock.monotonic() < this.#failure.until) return this.#fallBack(this.#failure.error)
    this.#inFlight ??= this.#fetch().finally(() => { this.#inFlight = undefined })
    return held === undefined ? this.#inFlight : this.#unlessSlow(this.#inFlight)
  }

  /** A Secret Manager that is slow is not waited for while there is a value that an outage would not take away. */
  async #unlessSlow(fetch: Promise<HeldSecret>): Promise<HeldSecret> {
    const { promise: late, resolve } = Promise.withResolvers<undefined>()
    const timer = setTimeout(() => resolve(undefined), this.#times.waitMs)
    try {
      const fetched = await Promise.race([fetch, late])
      const held = this.#held
      if (fetched !== undefined) return fetched
      return held !== undefined && this.#ageOf(held) < this.#times.keepMs ? held.secret : await fetch
    } finally {
      clearTimeout(timer)
      // Nobody may be waiting for it any more: a failure is kept and met by the next access.
      fetch.catch(() => undefined)
    }
  }

  async #fetch(): Promise<HeldSecret> {
    try {
      for (let attempt = 1; ; attempt++) {
        const secret = await this.#attempt(attempt)
        if (secret === undefined) continue
        if (this.#held !== undefined && this.#held.secret.version !== secret.version) this.#onVersion(secret.version)
        this.#held = { secret, confirmedAt: this.#clock.monotonic() }
        this.#failure = undefined
        return secret
      }
    } catch (error) {
      const failure = error instanceof LockkeeperError || error instanceof PortUnavailable ? error : new PortUnavailable(`the secret ${this.#name} cannot be read`, { cause: inFewWords(error) })
      this.#failure = { error: failure, until: this.#clock.monotonic() + BREAK_MS }
      return this.#fallBack(failure)
    }
  }

  /** Undefined: failed in a way that may pass, and there is an attempt left. */
  async #attempt(attempt: number): Promise<HeldSecret | undefined> {
    try {
      return this.#checked(await this.#client.access(resourceOf(this.pin), this.#times.timeoutMs))
    } catch (error) {
      if (isRefused(error)) throw this.#refused(error)
      if (attempt < ATTEMPTS && !(error instanceof LockkeeperError)) return undefined
      throw error
    }
  }

  /** Google says that there is none for us (any more): not one more use of what was held. */
  #refused(error: unknown): LockkeeperError {
    this.#held = undefined
    return missing(this.#name, inFewWords(error).message)
  }

  #checked({ name, data, checksum }: { readonly name: unknown, readonly data: unknown, readonly checksum: unknown }): HeldSecret {
    const version = versionOf(this.pin, name)
    if (version === undefined) throw new PortUnavailable(`Secret Manager answered with another version than ${resourceOf(this.pin)}`)
    if (!(data instanceof Uint8Array) || data.byteLength > MAX_BYTES) throw new PortUnavailable(`Secret Manager answered ${this.#name} with no payload that can be used`)
    if (!sameChecksum(checksum, crc32c(data))) throw new PortUnavailable(`the payload of ${this.#name} does not have the checksum that came with it`)
    return { value: textOf(this.#name, data), version: `${this.pin.secret}/versions/${version}` }
  }

  #fallBack(error: Error): HeldSecret {
    const held = this.#held
    if (error instanceof PortUnavailable && held !== undefined && this.#ageOf(held) < this.#times.keepMs) return held.secret
    this.#held = undefined
    throw error
  }

  #ageOf({ confirmedAt }: { readonly confirmedAt: number }): number {
    return this.#clock.monotonic() - confirmedAt
  }
}

/** One line break at the end is no part of the value, as with secrets in files. */
function textOf(name: string, data: Uint8Array): string {
  let value: string
  try {
    value = new TextDecoder('utf-8', { fatal: true }).decode(data).replace(/\r?\n$/, '')
  } catch {
    // The decoder's error says nothing useful, and nothing of a secret's content belongs into one.
    throw missing(name, 'its payload is not UTF-8 text')
  }
  if (value === '') throw missing(name, 'its payload is empty')
  return value
}

export function missing(name: string, detail: string): LockkeeperError {
  return new LockkeeperError('CREDENTIAL_UNAVAILABLE', `The secret ${name} cannot be had. Nothing was sent.`, { detail: { detail } })
}
