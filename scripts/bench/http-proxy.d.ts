/** What the benchmark uses of http-proxy, which brings no types of its own. */
declare module 'http-proxy' {
  import type { Agent, IncomingMessage, ServerResponse } from 'node:http'
  import type { Socket } from 'node:net'

  interface HttpProxy {
    on(event: 'error', listener: (error: Error, request: IncomingMessage, response: ServerResponse | Socket) => void): this
    web(request: IncomingMessage, response: ServerResponse): void
  }
  const httpProxy: { createProxyServer(options: { readonly target: string, readonly agent: Agent }): HttpProxy }
  export default httpProxy
}
