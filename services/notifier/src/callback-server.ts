/** The listener for what providers post to us; apart from the agents' port and from the admin interface (invariant 12). */
import { createServer as createHttpServer, type RequestListener, type Server } from 'node:http'
import { createServer as createHttpsServer } from 'node:https'
import type { AddressInfo } from 'node:net'
import express, { type Router } from 'express'

export interface CallbackServer {
  /** `http://127.0.0.1:8444`. */
  readonly origin: string
  close(): Promise<void>
}

export interface CallbackServerOptions {
  readonly address: string
  /** 0: any free port. */
  readonly port: number
  /** PEM; without it what ends TLS stands before this. */
  readonly tls?: { readonly certificate: string, readonly key: string }
}

const TIMES = { headersTimeout: 5_000, requestTimeout: 10_000, keepAliveTimeout: 5_000, connectionsCheckingInterval: 1_000 }
const MOST_CONNECTIONS = 200

/** Rejects when the address cannot be had. */
export async function openCallbackServer(routes: Router, { address, port, tls }: CallbackServerOptions): Promise<CallbackServer> {
  const app = express()
  app.disable('x-powered-by')
  app.use(routes)
  app.use((_request, response) => { response.status(404).end() })
  const listener = app as RequestListener
  const server: Server = tls === undefined ? createHttpServer(TIMES, listener) : createHttpsServer({ ...TIMES, cert: tls.certificate, key: tls.key, minVersion: 'TLSv1.2' }, listener)
  server.maxConnections = MOST_CONNECTIONS
  await new Promise<void>((resolve, reject) => server.once('error', reject).listen({ host: address, port }, resolve))
  const bound = server.address() as AddressInfo
  const host = bound.family === 'IPv6' ? `[${bound.address}]` : bound.address
  return {
    origin: `${tls === undefined ? 'http' : 'https'}://${host}:${bound.port}`,
    close: () => new Promise((resolve) => {
      server.close(() => resolve())
      server.closeAllConnections()
    }),
  }
}
