/** The kinds of upstream credentials (CredentialSource of @lockkeeper/domain/ports) that come from Google or a secret store. */
import type { Call, Clock } from '@lockkeeper/domain'
import type { LockkeeperError } from '@lockkeeper/domain/errors'
import type { CredentialSource, SecretSource } from '@lockkeeper/domain/ports'
import { DownscopedCredential } from './downscoped-credential.ts'
import { loadDefaultClient, loadKeyClient, type GoogleClient } from './google-client.ts'
import { generateAccessToken, generateIdToken, isServiceAccount, type IamCredentialsOptions } from './iam-credentials.ts'
import { readIdToken } from './id-token.ts'
import { RefreshedCredential, unavailable, type Minted } from './refreshed-credential.ts'
import { readSecret } from './secret-value.ts'

export interface SourceDeps {
  readonly clock: Clock
  /** Default: the global fetch. */
  readonly fetch?: typeof fetch
  /** 0 ≤ n < 1, for the jitter of renewals. Default Math.random. */
  readonly random?: () => number
  /** Told of every failed renewal, for the log. Its text is private and holds no secret. */
  readonly onFailure?: ((error: LockkeeperError) => void) | undefined
  /** Told of a call that a downscoping source sends with the whole credential, because no boundary can be drawn for it. */
  readonly onWhole?: ((call: Call, why: string) => void) | undefined
  readonly endpoints?: {
    /** Origin of the IAM Service Account Credentials API. https, or http on loopback for tests. */
    readonly iamCredentials?: string
  }
}

const CLOUD_PLATFORM = 'https://www.googleapis.com/auth/cloud-platform'
const DEFAULT_LIFETIME_SECONDS = 600
/** Audiences of one idToken source whose tokens are kept. */
const MAX_AUDIENCES = 100

/** One client, loaded when first needed; a failure to load is not remembered. */
class DefaultClient {
  readonly #load: () => Promise<GoogleClient>
  #client: GoogleClient | undefined
  #loading: Promise<GoogleClient> | undefined

  constructor(scopes: readonly string[], { clock, fetch: send = fetch }: SourceDeps) {
    this.#load = () => loadDefaultClient(scopes, () => clock.now(), send)
  }

  get principal(): string { return this.#client?.principal ?? 'application default credentials' }

  async get(): Promise<GoogleClient> {
    if (this.#client !== undefined) return this.#client
    this.#loading ??= this.#load().finally(() => { this.#loading = undefined })
    return (this.#client = await this.#loading)
  }
}

export interface DownscopeSettings {
  /**
   * Calls of Cloud Storage get a token that is good for the buckets they name and for what their method does there, and
   * with `object` only for the objects they name. Default false: the credential as it is.
   */
  readonly downscope?: boolean | 'object' | undefined
}

export interface AdcSettings extends DownscopeSettings {
  /** Default: cloud-platform. */
  readonly scopes?: readonly string[] | undefined
}

/** The gateway's own account. `principal` is its e-mail once a credential has been fetched. */
export function adcSource(settings: AdcSettings, deps: SourceDeps): CredentialSource {
  const client = new DefaultClient(settings.scopes ?? [CLOUD_PLATFORM], deps)
  const credential = new RefreshedCredential({ ...deps, mint: async () => (await client.get()).mint() })
  return {
    kind: 'adc',
    get principal() { return client.principal },
    ...authorizationOf(credential, settings, deps),
  }
}

function authorizationOf(credential: RefreshedCredential, { downscope = false }: DownscopeSettings, deps: SourceDeps): Pick<CredentialSource, 'authorization' | 'reach'> {
  if (downscope === false) return { authorization: () => credential.get() }
  const narrowed = new DownscopedCredential(credential, { ...deps, fetch: deps.fetch ?? fetch, granularity: downscope === true ? 'bucket' : downscope })
  return { authorization: (call) => narrowed.get(call), reach: (call) => narrowed.reach(call) }
}

export interface ImpersonateSettings extends DownscopeSettings {
  /** E-mail of the service account. */
  readonly targetPrincipal: string
  /** Default: cloud-platform. */
  readonly scopes?: readonly string[] | undefined
  /** 60 to 3,600, default 600: the token cannot be taken back, so it lives shortly. */
  readonly lifetimeSeconds?: number | undefined
  /** E-mails of the accounts between the gateway's own and the target, in order. */
  readonly delegates?: readonly string[] | undefined
}

/** Another service account, through generateAccessToken with the gateway's own credentials. */
export function impersonateSource({ targetPrincipal, scopes = [CLOUD_PLATFORM], lifetimeSeconds = DEFAULT_LIFETIME_SECONDS, delegates = [], downscope }: ImpersonateSettings, deps: SourceDeps): CredentialSource {
  const options = iamOptions(targetPrincipal, delegates, deps)
  const credential = new RefreshedCredential({ ...deps, mint: () => generateAccessToken(options, scopes, lifetimeSeconds, deps.clock.now()) })
  return { kind: 'impersonate', principal: targetPrincipal, ...authorizationOf(credential, { downscope }, deps) }
}

function iamOptions(targetPrincipal: string, delegates: readonly string[], deps: SourceDeps): IamCredentialsOptions {
  for (const email of [targetPrincipal, ...delegates]) if (!isServiceAccount(email)) throw new TypeError(`${JSON.stringify(email)} is no service account's e-mail`)
  const client = new DefaultClient([CLOUD_PLATFORM], deps)
  // Its failures become the failures of the credential that needs it, which is told of them.
  const caller = new RefreshedCredential({ ...deps, onFailure: undefined, mint: async () => (await client.get()).mint() })
  return { endpoint: deps.endpoints?.iamCredentials ?? 'https://iamcredentials.googleapis.com', fetch: deps.fetch ?? fetch, caller: () => caller.get(), targetPrincipal, delegates }
}

export interface IdTokenSettings {
  /** Default: `https://` and the host of the call, as Cloud Run wants it. */
  readonly audience?: string | undefined
  /** Service account whose ID tokens are used; default: the gateway's own. */
  readonly targetPrincipal?: string | undefined
  readonly delegates?: readonly string[] | undefined
}

/** OpenID Connect ID tokens for Cloud Run, IAP and the like. */
export function idTokenSource({ audience, targetPrincipal, delegates = [] }: IdTokenSettings, deps: SourceDeps): CredentialSource {
  const client = targetPrincipal === undefined ? new DefaultClient([CLOUD_PLATFORM], deps) : undefined
  const fetchToken = targetPrincipal === undefined
    ? async (wanted: string) => (await client?.get())?.fetchIdToken(wanted)
    : idTokenOf(iamOptions(targetPrincipal, delegates, deps))
  const credentials = new Map<string, RefreshedCredential>()
  const create = (wanted: string): RefreshedCredential => new RefreshedCredential({ ...deps, mint: async () => readIdToken(await fetchToken(wanted), wanted) })
  return {
    kind: 'idToken',
    get principal() { return targetPrincipal ?? client?.principal ?? 'unknown account' },
    authorization(call: Call) {
      const wanted = audience ?? `https://${call.host}`
      return (credentials.get(wanted) ?? add(credentials, wanted, create(wanted))).get()
    },
  }
}

const idTokenOf = (options: IamCredentialsOptions) => (audience: string): Promise<string> => generateIdToken(options, audience)

function add(credentials: Map<string, RefreshedCredential>, audience: string, credential: RefreshedCredential): RefreshedCredential {
  const [oldest] = credentials.keys()
  if (credentials.size >= MAX_AUDIENCES && oldest !== undefined) credentials.delete(oldest)
  credentials.set(audience, credential)
  return credential
}

/** Ms after which a raw token is read again, so that a new version in the store is taken up and a withdrawn one goes out of use. */
const SECRET_MAX_AGE_MS = 60_000

export interface SecretSettings {
  readonly name: string
  /** For a service account's key. Default: cloud-platform. */
  readonly scopes?: readonly string[] | undefined
}

/** A credential that an admin put into the secret store: a service account's key as JSON, or a token. */
export function secretSource({ name, scopes = [CLOUD_PLATFORM] }: SecretSettings, secrets: SecretSource, deps: SourceDeps): CredentialSource {
  const { clock, fetch: send = fetch } = deps
  let principal = `secret ${name}`
  const mint = async (): Promise<Minted> => {
    const { value } = await secrets.access(name)
    try {
      const read = readSecret(value)
      if (read.kind === 'token') return { token: read.token, scheme: read.scheme, expiresAt: clock.now() + SECRET_MAX_AGE_MS }
      const client = await loadKeyClient(read.key, scopes, () => clock.now(), send)
      const minted = await client.mint()
      principal = client.principal
      return minted
    } catch (error) {
      throw unavailable(error, [value, value.trim()])
    }
  }
  const credential = new RefreshedCredential({ ...deps, mint })
  return {
    kind: 'secret',
    get principal() { return principal },
    authorization: () => credential.get(),
  }
}

/** Sends no Authorization at all. */
export const noneSource: CredentialSource = Object.freeze({ kind: 'none', principal: 'none', authorization: () => undefined })
