/** The one file that speaks to google-auth-library. Loaded when a credential is first needed, never before. */
import type { AuthClient } from 'google-auth-library'
import type { BoundaryRule } from './access-boundary.ts'
import type { Minted } from './refreshed-credential.ts'

export interface GoogleClient {
  /** Who the upstream sees: a service account's e-mail, or the kind of account where it has none. */
  readonly principal: string
  /** A fresh access token; the library's own cache is not used. */
  mint(): Promise<Minted>
  /** An ID token for the audience. Rejects where the kind of account has none. */
  fetchIdToken(audience: string): Promise<string>
}

/** Later than any token ends: makes the library fetch anew each time, since the caller decides when. */
const ALWAYS_REFRESH_MS = 2 ** 52
const REQUEST_TIMEOUT_MS = 8000
/** Ms that a token is used for whose end is not told. */
const UNKNOWN_LIFE_MS = 60_000

type Library = typeof import('google-auth-library')
interface ClientOptions { readonly eagerRefreshThresholdMillis: number, readonly transporterOptions: NonNullable<ConstructorParameters<Library['gaxios']['Gaxios']>[0]> }

function clientOptions(send: typeof fetch): ClientOptions {
  // What is sent here proves who the gateway is: no answer may lead it elsewhere.
  const fetchImplementation: typeof fetch = (input, init) => send(input, { ...init, redirect: 'error' })
  return {
    eagerRefreshThresholdMillis: ALWAYS_REFRESH_MS,
    // The circuit of RefreshedCredential is the only retry.
    transporterOptions: { fetchImplementation, timeout: REQUEST_TIMEOUT_MS, retryConfig: { retry: 0, noResponseRetries: 0 } },
  }
}

/** Application Default Credentials: the file that GOOGLE_APPLICATION_CREDENTIALS names, gcloud's own file, the metadata server. */
export async function loadDefaultClient(scopes: readonly string[], now: () => number, send: typeof fetch): Promise<GoogleClient> {
  const library = await import('google-auth-library')
  // A metadata server that was not there before may be there now.
  library.gcpMetadata.resetIsAvailableCache()
  // Without a project the library would run `gcloud` to find one; tokens need none.
  const options = clientOptions(send)
  const auth = new library.GoogleAuth({ scopes: [...scopes], projectId: '-', clientOptions: options })
  const client = await auth.getClient()
  bound(library, client, options)
  return wrap(client, await findPrincipal(library, client), now)
}

/** The parts of a client that the library makes without our options: the account behind an impersonated one, and the exchange of an external or downscoped one. */
interface Parts { readonly sourceClient?: AuthClient, readonly stsCredential?: { transporter: AuthClient['transporter'] } }

function bound(library: Library, client: AuthClient, options: ClientOptions): void {
  const { sourceClient, stsCredential } = client as unknown as Parts
  client.eagerRefreshThresholdMillis = ALWAYS_REFRESH_MS
  if (sourceClient !== undefined) sourceClient.transporter = client.transporter = new library.gaxios.Gaxios(options.transporterOptions)
  if (stsCredential !== undefined) stsCredential.transporter = client.transporter
}

/** A service account's key; nothing else is taken from a key file, so that no file can name addresses of its own. */
export async function loadKeyClient(key: { readonly client_email: string, readonly private_key: string, readonly private_key_id?: string }, scopes: readonly string[], now: () => number, send: typeof fetch): Promise<GoogleClient> {
  const library = await import('google-auth-library')
  const client = new library.JWT({
    email: key.client_email, key: key.private_key, scopes: [...scopes],
    ...(key.private_key_id === undefined ? {} : { keyId: key.private_key_id }),
    ...clientOptions(send),
  })
  return wrap(client, key.client_email, now)
}

/**
 * A token with no more power than `source` and the rules have in common (RFC 8693 token exchange at
 * https://sts.googleapis.com/v1/token). It ends with the source at the latest.
 */
export async function exchangeForBoundary(source: Minted, rules: readonly BoundaryRule[], send: typeof fetch): Promise<Minted> {
  const library = await import('google-auth-library')
  const options = clientOptions(send)
  // All that the library asks of a source: its token and, where the service tells no life, its end.
  const authClient = { getAccessToken: () => Promise.resolve({ token: source.token }), credentials: { expiry_date: source.expiresAt } } as unknown as AuthClient
  const accessBoundaryRules = rules.map(({ availablePermissions, ...rule }) => ({ ...rule, availablePermissions: [...availablePermissions] }))
  const client = new library.DownscopedClient({ ...options, authClient, credentialAccessBoundary: { accessBoundary: { accessBoundaryRules } } })
  bound(library, client, options)
  const { token, expirationTime } = await client.getAccessToken()
  if (typeof token !== 'string' || token === source.token) throw new Error('the exchange gave no narrower token')
  return { token, expiresAt: Math.min(source.expiresAt, expirationTime ?? source.expiresAt) }
}

async function findPrincipal(library: Library, client: AuthClient): Promise<string> {
  if (client instanceof library.JWT) return client.email ?? 'service account'
  if (client instanceof library.Impersonated) return client.getTargetPrincipal()
  if (client instanceof library.BaseExternalAccountClient) return client.getServiceAccountEmail() ?? 'external account'
  if (client instanceof library.Compute) return String(await library.gcpMetadata.instance('service-accounts/default/email'))
  return client instanceof library.UserRefreshClient ? 'authorized user' : 'unknown account'
}

function wrap(client: AuthClient, principal: string, now: () => number): GoogleClient {
  return {
    principal,
    async mint() {
      const { token } = await client.getAccessToken()
      if (typeof token !== 'string') throw new Error('the library gave no token')
      return { token, expiresAt: client.credentials.expiry_date ?? now() + UNKNOWN_LIFE_MS }
    },
    async fetchIdToken(audience) {
      if (!('fetchIdToken' in client) || typeof client.fetchIdToken !== 'function') throw new Error('this kind of account gives no ID tokens; name a service account to impersonate')
      return String(await client.fetchIdToken(audience))
    },
  }
}
