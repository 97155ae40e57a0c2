/** What the gRPC clients of Google's services have in common here: where they dial, one start, failures in few words. */
import { PortUnavailable } from '@lockkeeper/domain/ports'

/** What a gRPC client of Google's is: `initialize` must have succeeded before anything is called, else the library ends the process. */
export interface StartableClient {
  initialize(): Promise<unknown>
  close(): Promise<void>
}

/** gRPC codes that say no and will say it again: INVALID_ARGUMENT, NOT_FOUND, PERMISSION_DENIED, FAILED_PRECONDITION. */
const REFUSING: ReadonlySet<unknown> = new Set([3, 5, 7, 9])
const MAX_TEXT = 300

/** Where a client dials other than Google: only an address of this machine may be dialled without TLS (invariant 14). */
export function refusePlainEndpoint({ sslCreds, apiEndpoint, servicePath }: { readonly sslCreds?: unknown, readonly apiEndpoint?: string | undefined, readonly servicePath?: unknown }): void {
  // The clients prefer servicePath, an older name of the same.
  if (sslCreds !== undefined && (apiEndpoint !== '127.0.0.1' || servicePath !== undefined)) throw new TypeError('channel credentials of one\'s own are for a server on 127.0.0.1 only')
}

/** One client, made when first needed; a start that failed is not remembered. */
export class StartedClient<C extends StartableClient> {
  readonly #make: () => Promise<C>
  #client: Promise<C> | undefined
  #closed = false

  constructor(make: () => Promise<C>) { this.#make = make }

  async get(): Promise<C> {
    if (this.#closed) throw new PortUnavailable('the client was closed')
    this.#client ??= this.#start().catch((error: unknown) => {
      this.#client = undefined
      throw error
    })
    return this.#client
  }

  async close(): Promise<void> {
    this.#closed = true
    const started = await this.#client?.catch(() => undefined)
    await started?.close()
  }

  async #start(): Promise<C> {
    const client = await this.#make()
    await client.initialize()
    return client
  }
}

/** Whether Google said no; everything else is an outage, which may pass. */
export const isRefused = (error: unknown): boolean => REFUSING.has((error as { readonly code?: unknown } | undefined)?.code)

/** Code and text of a failed call as a new Error: the library's own carries metadata that belongs into no log. */
export function inFewWords(error: unknown): Error {
  const { code, details, message } = (error ?? {}) as { readonly code?: unknown, readonly details?: unknown, readonly message?: unknown }
  const text = typeof details === 'string' && details !== '' ? details : String(message ?? 'unknown failure')
  return new Error(`${code === undefined ? '' : `code ${String(code)}: `}${text.replaceAll(/[\p{Cc}\s]+/gu, ' ').replaceAll(/ya29\.[^\s"']+|eyJ[\w.-]+/g, '[redacted]').slice(0, MAX_TEXT)}`)
}
