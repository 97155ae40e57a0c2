/** The SDK's clients, opened so that no environment variable can lead events elsewhere: the address is always said. */
import { Duration, PubSub, v1, type Message } from '@google-cloud/pubsub'
import { PortUnavailable } from '@lockkeeper/domain/ports'

export { Duration, type Message }
export type Client = PubSub
export type SubscriberApi = InstanceType<typeof v1.SubscriberClient>

/** With the port: without one the SDK leaves it to a name lookup that hangs. */
const GOOGLE = 'pubsub.googleapis.com:443'
const LOOPBACK = /^(?:localhost|127\.0\.0\.1|\[::1\]):\d{1,5}$/

export interface ClientOptions {
  readonly projectId: string
  /** `host:port` of an emulator: no TLS, no credentials. Sandbox and tests only; whoever reads settings refuses it in real mode (invariant 14). */
  readonly emulator?: string
  /** Another address of the real service (a private or regional endpoint), with its port. Default `pubsub.googleapis.com:443`. */
  readonly endpoint?: string
}

export function openClient({ projectId, emulator, endpoint }: ClientOptions): Client {
  if (emulator !== undefined && endpoint !== undefined) throw new TypeError('an emulator and an endpoint exclude each other')
  if (endpoint !== undefined && (!/^[a-z0-9.-]+:\d{1,5}$/.test(endpoint) || LOOPBACK.test(endpoint))) throw new TypeError('an endpoint is host:port of the real service')
  // PUBSUB_EMULATOR_HOST would switch TLS and credentials off; a stated endpoint and mode make the SDK ignore it.
  // Asked for its universe, an emulator's client would look for a metadata server, and keep its process for half a minute where names do not resolve.
  return new PubSub({ projectId, apiEndpoint: emulator ?? endpoint ?? GOOGLE, emulatorMode: emulator !== undefined, ...(emulator === undefined ? {} : { universeDomain: 'googleapis.com' }) })
}

/** The generated client, for what the comfortable one does not offer. Shares address and credentials of `client`. */
export function subscriberApi(client: Client): SubscriberApi {
  return new v1.SubscriberClient(client.options as ConstructorParameters<typeof v1.SubscriberClient>[0])
}

/** google.rpc.Code: what we asked for wrongly, whoever is up. */
const OUR_MISTAKES = new Map([[3, 'INVALID_ARGUMENT'], [9, 'FAILED_PRECONDITION'], [11, 'OUT_OF_RANGE']])
export const ALREADY_EXISTS = 6

export function codeOf(error: unknown): number | undefined {
  const { code } = (error ?? {}) as { readonly code?: unknown }
  return typeof code === 'number' ? code : undefined
}

/** Our mistakes are TypeErrors; everything else (down, slow, no topic, no permission) is an outage to whoever needs it now. */
function portError(what: string, error: unknown): Error {
  if (error instanceof TypeError || error instanceof PortUnavailable) return error
  const mistake = OUR_MISTAKES.get(codeOf(error) ?? -1)
  if (mistake !== undefined) return new TypeError(`Pub/Sub refuses ${what}: ${mistake}`, { cause: error })
  return new PortUnavailable(`Pub/Sub: ${what} failed${codeOf(error) === undefined ? '' : ` with code ${codeOf(error)}`}`, { cause: error })
}

/** Rejects with PortUnavailable after `ms`; what runs on is looked at no more. */
export async function within<T>(ms: number, what: string, work: Promise<T>): Promise<T> {
  const late = Promise.withResolvers<never>()
  const timer = setTimeout(() => late.reject(new PortUnavailable(`Pub/Sub: ${what} took longer than ${ms} ms`)), ms)
  try {
    return await Promise.race([work, late.promise])
  } catch (error) {
    throw portError(what, error)
  } finally {
    clearTimeout(timer)
  }
}
