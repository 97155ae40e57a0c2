/** Of one credential of the gateway's the narrower ones: for each boundary its own token, exchanged at the Security Token Service. */
import type { Call } from '@lockkeeper/domain'
import type { CredentialReach } from '@lockkeeper/domain/records'
import { boundaryOf, reachOf, type BoundaryRule, type Granularity } from './access-boundary.ts'
import { exchangeForBoundary } from './google-client.ts'
import { RefreshedCredential, type Minted, type RefreshOptions } from './refreshed-credential.ts'

/** Boundaries whose tokens are kept; the one that was not used for longest goes first. */
const MAX_BOUNDARIES = 500

export interface DownscopeOptions extends Omit<RefreshOptions, 'mint'> {
  readonly granularity: Granularity
  readonly fetch: typeof fetch
  /** Told of a call that goes out with the whole credential, because no boundary can be drawn for it. */
  readonly onWhole?: ((call: Call, why: string) => void) | undefined
}

export class DownscopedCredential {
  readonly #whole: RefreshedCredential
  readonly #options: DownscopeOptions
  #wholeFailure: unknown
  readonly #narrow = new Map<string, RefreshedCredential>()

  constructor(whole: RefreshedCredential, options: DownscopeOptions) {
    this.#whole = whole
    this.#options = options
  }

  /** Like RefreshedCredential.get. A boundary for which there is no token is a failure, never a reason for the whole credential. */
  get(call: Call): string | Promise<string> {
    const boundary = boundaryOf(call, this.#options.granularity)
    if (boundary.kind === 'rules') return this.#narrowed(boundary.rules).get()
    this.#options.onWhole?.(call, boundary.why)
    return this.#whole.get()
  }

  /** How far the credential that `get` has for this call reaches. */
  reach(call: Call): CredentialReach {
    return reachOf(boundaryOf(call, this.#options.granularity))
  }

  #narrowed(rules: readonly BoundaryRule[]): RefreshedCredential {
    const key = JSON.stringify(rules)
    const credential = this.#narrow.get(key) ?? this.#create(rules)
    // Last in the map is what was used last.
    this.#narrow.delete(key)
    this.#narrow.set(key, credential)
    const [oldest] = this.#narrow.keys()
    if (this.#narrow.size > MAX_BOUNDARIES && oldest !== undefined) this.#narrow.delete(oldest)
    return credential
  }

  #create(rules: readonly BoundaryRule[]): RefreshedCredential {
    const { onFailure } = this.#options
    return new RefreshedCredential({
      ...this.#options,
      // The whole credential's own failure was told already, and meets every boundary.
      onFailure: (error) => { if (error !== this.#wholeFailure) onFailure?.(error) },
      mint: async () => exchangeForBoundary(await this.#source(), rules, this.#options.fetch),
    })
  }

  async #source(): Promise<Minted> {
    try {
      return await this.#whole.current()
    } catch (error) {
      this.#wholeFailure = error
      throw error
    }
  }
}
