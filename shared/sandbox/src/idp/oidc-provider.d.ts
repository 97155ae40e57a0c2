/** The part of oidc-provider 9 that the sandbox uses; the package ships no types. */
declare module 'oidc-provider' {
  import type { IncomingMessage, ServerResponse } from 'node:http'

  export interface TokenContext {
    readonly oidc: { readonly body?: Readonly<Record<string, unknown>> }
  }

  export interface StructuredToken {
    header?: Record<string, unknown> | undefined
    payload: Record<string, unknown>
  }

  export default class Provider {
    constructor(issuer: string, configuration: object)
    readonly issuer: string
    callback(): (request: IncomingMessage, response: ServerResponse) => Promise<void>
    readonly Grant: new (of: { readonly clientId: string, readonly accountId: string }) => { addOIDCScope(scope: string): void, save(): Promise<string> }
    /** Rejects where the browser has no such interaction. */
    interactionDetails(request: IncomingMessage, response: ServerResponse): Promise<{ readonly prompt: { readonly name: string } }>
    /** Answers with the way on. */
    interactionFinished(request: IncomingMessage, response: ServerResponse, result: object, options: { readonly mergeWithLastSubmission: boolean }): Promise<void>
    on(event: 'server_error', listener: (context: unknown, error: Error) => void): this
  }
}
