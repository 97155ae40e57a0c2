/** From an Authorization header to an Agent: every request passes here first (invariant 1). */
import { hash } from 'node:crypto'
import type { Agent, Clock, Mode } from '@lockkeeper/domain'
import { isRefusal, refuse, type Refusal } from '@lockkeeper/domain/errors'
import { readBearer } from './bearer.ts'
import { invalid, MAX_TOKEN_BYTES } from './compact-token.ts'
import type { Fetch } from './fetch-json.ts'
import type { IssuerKeys } from './issuer-keys.ts'
import { compileIssuers, judgeClaims, type CompiledIssuer } from './judge-claims.ts'
import type { PeopleDirectory } from './people.ts'
import { describeProblems, type IssuerSettings, type ParsedIssuer, type SettingsProblem } from './settings.ts'
import { createKeySources, verifySignature, warmAll } from './signed-token.ts'
import { VerifiedTokens } from './verified-tokens.ts'

const DEFAULT_CACHE_SIZE = 10_000
/** Tokens that are being checked at once; each check ends within the bounds of two fetches. */
const MAX_PENDING = 10_000
const ACCEPTED_TYPES = ['jwt', 'at+jwt']

export interface VerifierOptions {
  readonly issuers: readonly IssuerSettings[]
  readonly people: PeopleDirectory
  readonly clock: Clock
  readonly mode: Mode
  /** Default: the global fetch. */
  readonly fetch?: Fetch
  /** Verified tokens that are remembered. Default 10,000. */
  readonly cacheSize?: number
}

export interface IssuerStatus { readonly name: string, readonly issuer: string, readonly keys: number, readonly ageMs: number, readonly lastError?: string }

export interface TokenVerifier {
  /**
   * Who sends the request. Synchronous for a token that is remembered, and for a header that is malformed. Refusals:
   * TOKEN_MISSING, TOKEN_INVALID, ISSUER_UNAVAILABLE; their texts say why and hold nothing of the token. `connection`: the header's
   * last value on it is not hashed again when it comes again; on no other connection is anything compared with it.
   */
  identify(authorization: string | undefined | readonly string[], connection?: object): Agent | Refusal | Promise<Agent | Refusal>
  /** The same for a token alone, as the token endpoint gets it. */
  verifyToken(token: string): Agent | Refusal | Promise<Agent | Refusal>
  /** Fetches every issuer's keys. Throws LockkeeperError ISSUER_UNAVAILABLE that names those without usable keys. */
  warm(): Promise<void>
  /** Forgets every verified token: each is checked in full when it comes again. For locks and changed settings. */
  forget(): void
  /** URL of a configured issuer; undefined for an unknown name. */
  issuerUrl(name: string): string | undefined
  status(): readonly IssuerStatus[]
}

/** Every problem of the settings, with expressions and URLs checked; empty when they can be used. */
export function checkIssuerSettings(settings: readonly unknown[], mode: Mode): readonly SettingsProblem[] {
  const compiled = compileIssuers(settings, mode)
  return 'problems' in compiled ? compiled.problems : []
}

/** TypeError when the settings have problems: `checkIssuerSettings` reports them kindly before. Fetches nothing by itself. */
export function createVerifier(options: VerifierOptions): TokenVerifier {
  const compiled = compileIssuers(options.issuers, options.mode)
  if ('problems' in compiled) throw new TypeError(describeProblems(compiled.problems))
  return new Verifier(compiled.issuers, options)
}

class Verifier implements TokenVerifier {
  readonly #entries: ReadonlyMap<ParsedIssuer, CompiledIssuer>
  readonly #issuers: readonly ParsedIssuer[]
  readonly #sources: ReadonlyMap<string, IssuerKeys>
  readonly #people: PeopleDirectory
  readonly #clock: Clock
  readonly #verified: VerifiedTokens
  #pending = new Map<string, Promise<Agent | Refusal>>()
  /** The header that last named a remembered token on each connection, and that token's hash. */
  readonly #lastOn = new WeakMap<object, { readonly authorization: string, readonly tokenHash: string }>()

  constructor(entries: readonly CompiledIssuer[], { people, clock, mode, fetch: fetchDocument = fetch, cacheSize = DEFAULT_CACHE_SIZE }: VerifierOptions) {
    this.#entries = new Map(entries.map((entry) => [entry.settings, entry]))
    this.#issuers = entries.map(({ settings }) => settings)
    this.#sources = createKeySources(this.#issuers, { mode, clock, fetch: fetchDocument })
    this.#people = people
    this.#clock = clock
    this.#verified = new VerifiedTokens(cacheSize, clock)
  }

  identify(authorization: string | undefined | readonly string[], connection?: object): Agent | Refusal | Promise<Agent | Refusal> {
    const last = connection === undefined ? undefined : this.#lastOn.get(connection)
    // Whether the token still stands is looked up each time.
    const known = last !== undefined && last.authorization === authorization ? this.#verified.get(last.tokenHash) : undefined
    if (known !== undefined) return known
    const token = readBearer(authorization)
    if (typeof token !== 'string') return token
    const found = this.verifyToken(token)
    if (connection !== undefined && typeof authorization === 'string' && !(found instanceof Promise) && !isRefusal(found)) this.#lastOn.set(connection, { authorization, tokenHash: found.tokenHash })
    return found
  }

  verifyToken(token: string): Agent | Refusal | Promise<Agent | Refusal> {
    if (token.length > MAX_TOKEN_BYTES) return invalid(`The token is larger than ${MAX_TOKEN_BYTES} bytes.`)
    const tokenHash = hash('sha256', token, 'base64url')
    return this.#verified.get(tokenHash) ?? this.#pending.get(tokenHash) ?? this.#start(token, tokenHash)
  }

  /** Equal tokens that arrive together are checked once. */
  #start(token: string, tokenHash: string): Refusal | Promise<Agent | Refusal> {
    const pending = this.#pending
    if (pending.size >= MAX_PENDING) return refuse('ISSUER_UNAVAILABLE', 'Too many tokens are waiting to be checked. Nothing was sent; try again.')
    const check = this.#check(token, tokenHash).then((outcome) => {
      // After `forget` the map is another one, and what was checked before is not remembered.
      if (!isRefusal(outcome) && pending === this.#pending && outcome.expiresAt > this.#clock.now()) this.#verified.set(outcome)
      return outcome
    }).finally(() => pending.delete(tokenHash))
    pending.set(tokenHash, check)
    return check
  }

  async #check(token: string, tokenHash: string): Promise<Agent | Refusal> {
    const signed = await verifySignature(token, this.#issuers, this.#sources, ACCEPTED_TYPES)
    if (isRefusal(signed)) return signed
    // Several entries may share an issuer (one for each audience, say): the first that takes the token wins.
    let first: Refusal | undefined
    for (const issuer of signed.issuers) {
      const outcome = judgeClaims(this.#entry(issuer), signed.claims, { people: this.#people, issuers: this.#issuers, now: this.#clock.now(), tokenHash })
      if (!isRefusal(outcome)) return outcome
      first ??= outcome
    }
    return first ?? invalid('The token\'s issuer is not a configured one.')
  }

  #entry(issuer: ParsedIssuer): CompiledIssuer {
    const entry = this.#entries.get(issuer)
    if (entry === undefined) throw new TypeError('an issuer without an entry')
    return entry
  }

  warm(): Promise<void> { return warmAll(this.#sources) }

  forget(): void {
    this.#verified.clear()
    this.#pending = new Map()
  }

  issuerUrl(name: string): string | undefined {
    return this.#issuers.find((issuer) => issuer.name === name)?.issuer
  }

  status(): readonly IssuerStatus[] {
    return this.#issuers.flatMap(({ name, issuer }) => {
      const source = this.#sources.get(issuer)
      return source === undefined ? [] : [{ name, issuer, ...source.status() }]
    })
  }
}
