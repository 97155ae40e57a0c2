/** The sandbox's Google: one plain HTTP/1.1 server on loopback that answers for every Google API host, shaped as Google answers. */
import { randomBytes, timingSafeEqual, createHash } from 'node:crypto'
import { createServer } from 'node:http'
import type { IncomingMessage, ServerResponse } from 'node:http'
import { systemClock } from '@lockkeeper/domain'
import type { Clock } from '@lockkeeper/domain'
import { SANDBOX_NAME, closeServer, listenOnLoopback, refuseBesideReal, warnOfFault } from '../loopback.ts'
import type { Beside, OnFault } from '../loopback.ts'
import { sendAnswer, sendError } from './answers.ts'
import { apisOf } from './apis.ts'
import { createFaults } from './faults.ts'
import type { ArmedFault, Fault, FaultSpec } from './faults.ts'
import { GoogleError, notFound } from './google-error.ts'
import { meantHost, readBody, splitOnce } from './incoming.ts'
import { parseFields } from './json-body.ts'
import { createRequestLog, loggedHeaders } from './request-log.ts'
import type { RequestLog, WritableRequestLog } from './request-log.ts'
import { createRouter } from './routes.ts'
import type { Answer, Exchange, Matched, Router } from './routes.ts'
import { seedWorld } from './seed.ts'
import type { SeedOptions } from './seed.ts'
import { createWorld } from './world.ts'
import type { World } from './world.ts'

/** Every fake upstream credential begins so; tests search answers, logs and stores for it. */
export const UPSTREAM_CREDENTIAL_PREFIX = 'sandbox-upstream-'

export interface SandboxUpstreamOptions extends SeedOptions {
  /** 0 (default) takes a free port. */
  readonly port?: number
  readonly clock?: Clock
  /** The gateway beside which it starts; anything real there is refused. */
  readonly beside?: Beside
  /** Told of faults of the sandbox's own. Default: a process warning. */
  readonly onFault?: OnFault
  /** Largest request body in bytes; default 96 MiB. */
  readonly maxBodyBytes?: number
}

export interface SandboxUpstream {
  /** `http://127.0.0.1:PORT` */
  readonly origin: string
  /** The token for `Authorization: Bearer`; random per start. Any other is answered 401. */
  readonly credential: string
  readonly requests: RequestLog
  /** What it holds, for seeds and assertions. */
  readonly world: World
  /** Arms a fault for coming requests. */
  fail(spec: FaultSpec): Fault
  close(): Promise<void>
}

export async function startSandboxUpstream(options: SandboxUpstreamOptions = {}): Promise<SandboxUpstream> {
  refuseBesideReal(options.beside)
  const { onFault = warnOfFault } = options
  const world = createWorld(options.clock ?? systemClock)
  seedWorld(world, options)
  const credential = UPSTREAM_CREDENTIAL_PREFIX + randomBytes(24).toString('base64url')
  const requests = createRequestLog()
  const faults = createFaults()
  const parts: Parts = { world, requests, faults, credential, router: createRouter(apisOf(world)), maxBodyBytes: options.maxBodyBytes ?? 96 * 1024 * 1024 }
  const server = createServer({ keepAliveTimeout: 30_000, requestTimeout: 300_000 }, (request, response) => {
    serve(parts, request, response).catch((error: unknown) => {
      onFault(error as Error)
      response.destroy()
    })
  })
  server.on('clientError', (_error, socket) => {
    if (socket.writable) socket.end(`HTTP/1.1 400 Bad Request\r\nserver: ${SANDBOX_NAME}\r\ncontent-length: 0\r\nconnection: close\r\n\r\n`)
  })
  const origin = await listenOnLoopback(server, options.port ?? 0)
  return {
    origin, credential, requests, world,
    fail: (spec) => faults.add(spec),
    async close() {
      faults.clear()
      await closeServer(server)
    },
  }
}

interface Parts {
  readonly world: World
  readonly requests: WritableRequestLog
  readonly faults: ReturnType<typeof createFaults>
  readonly credential: string
  readonly router: Router
  readonly maxBodyBytes: number
}

async function serve(parts: Parts, request: IncomingMessage, response: ServerResponse): Promise<void> {
  response.setHeader('server', SANDBOX_NAME)
  const [path = '', search = ''] = splitOnce(request.url ?? '', '?')
  const host = meantHost(request)
  const authorized = sameText(request.headers.authorization ?? '', `Bearer ${parts.credential}`)
  const logged = {
    at: parts.world.clock.now(), method: request.method ?? '', host: host ?? request.headers.host ?? '', path: request.url ?? '',
    headers: loggedHeaders(request.headers), authorized, bodyBytes: 0,
  }
  const seq = parts.requests.append(logged)
  response.once('close', () => parts.requests.update(seq, { status: response.headersSent ? response.statusCode : 0 }))
  const { body, complete, tooLarge } = await readBody(request, parts.maxBodyBytes)
  parts.requests.update(seq, { bodyBytes: body.length, bodyHash: createHash('sha256').update(body).digest('hex') })

  const style = parts.router.apiOf(host)?.style ?? 'rpc'
  const fault = parts.faults.take({ seq, ...logged })
  if (fault?.spec.kind === 'reset') {
    response.destroy()
    return
  }
  const exchange: Exchange = {
    verb: logged.method, host, path, query: new URLSearchParams(search), headers: request.headers, params: {}, body, complete,
    returnOrigin: host === undefined ? `http://${request.headers.host ?? ''}` : `https://${host}`, json: () => parseFields(body),
  }
  try {
    if (fault?.spec.kind === 'status') throw faultError(fault)
    if (!authorized) throw unauthenticated()
    if (tooLarge) throw new GoogleError(413, 'uploadTooLarge', 'The request is too large.')
    const matched = parts.router.match(host, exchange.verb, path)
    if (matched === undefined) throw notFound(`The requested URL ${path} was not found on this server.`)
    await answer(matched, { ...exchange, params: matched.params }, request, response, fault)
  } catch (error) {
    if (!(error instanceof GoogleError)) throw error
    sendError(response, error, style)
  }
}

async function answer(matched: Matched, exchange: Exchange, request: IncomingMessage, response: ServerResponse, fault: ArmedFault | undefined): Promise<void> {
  // A half-sent request has no effect, save for the bytes of an upload session that did arrive.
  if (!exchange.complete && exchange.headers['content-range'] === undefined) return
  let result: Answer
  try {
    result = await matched.handle(exchange)
  } catch (error) {
    if (!(error instanceof GoogleError)) throw error
    sendError(response, error, matched.api.style)
    return
  }
  if (exchange.complete) await sendAnswer(request, response, result, exchange.query, fault)
}

function sameText(left: string, right: string): boolean {
  const digest = (text: string): Buffer => createHash('sha256').update(text).digest()
  return timingSafeEqual(digest(left), digest(right))
}

function unauthenticated(): GoogleError {
  return new GoogleError(401, 'authError', 'Request had invalid authentication credentials. Expected OAuth 2 access token, login cookie or other valid authentication credential.',
    { headers: { 'www-authenticate': 'Bearer realm="https://accounts.google.com/", error="invalid_token"' } })
}

function faultError(fault: ArmedFault): GoogleError {
  const status = fault.spec.status ?? 503
  return new GoogleError(status, 'sandboxFault', `The sandbox was asked to fail with ${status}.`, fault.spec.headers === undefined ? {} : { headers: fault.spec.headers })
}
