/**
 * The HTTP server of one inner service: health, readiness, guarded routes, errors in one shape, a bounded end.
 * Nothing is routed that no guard covers: a mount's router is reached only through its paths and its guard.
 */
import { randomUUID } from 'node:crypto'
import { createServer, type Server } from 'node:http'
import type { AddressInfo } from 'node:net'
import { LockkeeperError, refuse, type ErrorReason } from '@lockkeeper/domain/errors'
import { PortUnavailable } from '@lockkeeper/domain/ports'
import express, { type ErrorRequestHandler, type Express, type Request, type RequestHandler, type Router } from 'express'
import type { Log } from '../logger.ts'
import { sendProblem } from './problem.ts'

export interface Mount {
  /** Prefixes that the router serves, such as `/v1/approvals`; exact, case counts. */
  readonly paths: readonly string[]
  /** Says who may; `onlyFor(...)` mostly. */
  readonly guard: RequestHandler
  readonly router: Router
}

export interface ServerLimits {
  /** Bytes of the largest body of any route; each route has its own, smaller limit. Default 1 MiB. */
  readonly bodyBytes: number
  /** Requests in progress at once; more are answered with 503. Default 500. */
  readonly inFlight: number
  /** Ms until a request's headers must be there. Default 10,000. */
  readonly headersMs: number
  /** Ms until a whole request must be there. Default 30,000. */
  readonly requestMs: number
}

export interface ServiceServerOptions {
  readonly routes: readonly Mount[]
  /** Names of the parts that are not there yet or no more; empty: ready. Asked for at most 1 s; a rejection counts as not ready. */
  readonly readiness: () => readonly string[] | Promise<readonly string[]>
  readonly log: Log
  readonly limits?: Partial<ServerLimits>
  /** Reason of the answer when a port is down. Default OVERLOADED. */
  readonly outage?: ErrorReason
}

export interface ServiceServer {
  /** Port 0: any free one. Default address: all interfaces, as Cloud Run wants. */
  start(port: number, address?: string): Promise<AddressInfo>
  /** Not ready from now on and no new connections; requests may end for up to `ms` (default 5,000), then they are cut. */
  drain(ms?: number): Promise<void>
}

const DEFAULTS: ServerLimits = { bodyBytes: 1024 * 1024, inFlight: 500, headersMs: 10_000, requestMs: 30_000 }
const MAX_HEADER_BYTES = 32 * 1024
const READINESS_WITHIN_MS = 1_000
const IDLE_EVERY_MS = 50
const REQUEST_ID = /^[\w-]{8,64}$/

export function createServiceServer({ routes, readiness, log, limits: wanted, outage = 'OVERLOADED' }: ServiceServerOptions): ServiceServer {
  const limits = { ...DEFAULTS, ...wanted }
  const state = { draining: false, inFlight: 0 }
  const app = express()
  app.disable('x-powered-by')
  app.disable('etag')
  app.use(identify)
  addHealth(app, readiness, state)
  app.use(bound(limits, state))
  for (const mount of routes) app.use(mounted(mount))
  app.use((_request, response) => sendProblem(response, 'NOT_FOUND'))
  app.use(failure(log, outage))
  const server = createServer({ maxHeaderSize: MAX_HEADER_BYTES, noDelay: true, headersTimeout: limits.headersMs, requestTimeout: limits.requestMs, keepAliveTimeout: 65_000 }, app)
  return {
    async start(port, address = '0.0.0.0') {
      await listening(server, port, address)
      return server.address() as AddressInfo
    },
    drain(ms = 5_000) {
      state.draining = true
      return closed(server, ms)
    },
  }
}

const ids = new WeakMap<Request, string>()

/** Of this request; stands in the answer's `x-request-id` and in the logs. */
export function requestId(request: Request): string {
  return ids.get(request) ?? 'none'
}

const identify: RequestHandler = (request, response, next) => {
  const given = request.headers['x-request-id']
  const id = typeof given === 'string' && REQUEST_ID.test(given) ? given : randomUUID()
  ids.set(request, id)
  response.set('x-request-id', id)
  next()
}

function addHealth(app: Express, readiness: ServiceServerOptions['readiness'], state: { readonly draining: boolean }): void {
  app.get('/healthz', (_request, response) => void response.set('cache-control', 'no-store').json({ status: 'alive' }))
  app.get('/readyz', async (_request, response) => {
    const missing = state.draining ? ['stopping'] : await missingParts(readiness)
    response.status(missing.length === 0 ? 200 : 503).set('cache-control', 'no-store').json(missing.length === 0 ? { status: 'ready' } : { status: 'not ready', missing })
  })
}

async function missingParts(readiness: ServiceServerOptions['readiness']): Promise<readonly string[]> {
  const { promise: late, resolve } = Promise.withResolvers<readonly string[]>()
  const timer = setTimeout(resolve, READINESS_WITHIN_MS, ['readiness'])
  try {
    return await Promise.race([(async () => readiness())(), late])
  } catch {
    // A part that cannot say that it is there is not.
    return ['readiness']
  } finally {
    clearTimeout(timer)
  }
}

function bound({ bodyBytes, inFlight }: ServerLimits, state: { inFlight: number }): RequestHandler {
  return (request, response, next) => {
    if (Number(request.headers['content-length'] ?? 0) > bodyBytes) return sendProblem(response, refuse('REQUEST_INVALID', `The body is over ${bodyBytes} bytes.`), 413)
    if (state.inFlight >= inFlight) return sendProblem(response, 'OVERLOADED')
    state.inFlight++
    response.once('close', () => { state.inFlight-- })
    next()
  }
}

function mounted({ paths, guard, router }: Mount): RequestHandler {
  const guarded = express.Router({ caseSensitive: true })
  guarded.use(guard, router)
  return (request, response, next) => paths.some((path) => request.path === path || request.path.startsWith(`${path}/`)) ? guarded(request, response, next) : next()
}

/** What express could not read is the caller's; the rest is ours and its text stays here. */
function failure(log: Log, outage: ErrorReason): ErrorRequestHandler {
  return (error: unknown, request, response, _next) => {
    if (response.headersSent) return void response.destroy()
    if (error instanceof LockkeeperError) return sendProblem(response, error.refusal)
    const { status } = error as { readonly status?: unknown }
    if (typeof status === 'number' && status >= 400 && status < 500) return sendProblem(response, refuse('REQUEST_INVALID', status === 413 ? 'The body is too large.' : 'The request cannot be read.'), status)
    log.error({ err: error, request: requestId(request), method: request.method, path: request.path.slice(0, 256) }, 'a request failed')
    sendProblem(response, error instanceof PortUnavailable ? outage : 'INTERNAL')
  }
}

function listening(server: Server, port: number, host: string): Promise<void> {
  const { promise, resolve, reject } = Promise.withResolvers<void>()
  server.once('error', reject)
  server.listen({ port, host }, () => {
    server.off('error', reject)
    resolve()
  })
  return promise
}

function closed(server: Server, ms: number): Promise<void> {
  const { promise, resolve } = Promise.withResolvers<void>()
  const timer = setTimeout(() => server.closeAllConnections(), ms)
  // A connection whose last request has ended would be kept for the next one, which is refused.
  const sweep = setInterval(() => server.closeIdleConnections(), IDLE_EVERY_MS)
  server.close(() => {
    clearTimeout(timer)
    clearInterval(sweep)
    resolve()
  })
  server.closeIdleConnections()
  return promise
}
