/** The proxy: the data path from an agent's socket to Google and back. */
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http'
import { createServer as createTlsServer } from 'node:https'
import type { AddressInfo } from 'node:net'
import { isRefusal, LockkeeperError, refuse, type Refusal } from '@lockkeeper/domain/errors'
import { strike } from '@lockkeeper/service-kit'
import { viewApprovals } from './approvals-view.ts'
import { arrive, type DoorSettings } from './doors/arrivals.ts'
import { openForwardDoor, type ForwardDoor, type ForwardDoorSettings } from './doors/forward-door.ts'
import { answerOwn } from './doors/own-endpoints.ts'
import { Stopped } from './exchange/upstream-failures.ts'
import { createUploadSessions } from './exchange/upload-sessions.ts'
import { createUpstreams } from './exchange/upstreams.ts'
import { recordOutcome } from './guards/record-outcome.ts'
import { createHolds } from './holds.ts'
import { covers, viewLocks } from './locks-view.ts'
import { createMaskers } from './maskers.ts'
import { createOpenCalls } from './open-calls.ts'
import type { Arrival, Door, Ending, Passage } from './passage.ts'
import type { Parts, ProxyPorts, ProxySettings } from './parts.ts'
import { runPipeline } from './pipeline.ts'
import { sendRefusal } from './send-refusal.ts'

export { createTargets, type Target, type Targets, type TargetSettings } from './targets.ts'
export { DEFAULT_LIMITS, type Limits } from './limits.ts'
export type { Log, PolicyView, ProxyPorts, ProxySettings } from './parts.ts'
export type { ForwardDoorSettings } from './doors/forward-door.ts'
export type { CertificateAuthority } from './doors/certificate-authority.ts'
export { isForbidden } from './exchange/upstreams.ts'

export interface ListenSettings {
  readonly address: string
  /** 0: any free port. */
  readonly port: number
  /** PEM; without it the port speaks plain http, which only loopback should. */
  readonly tls?: { readonly certificate: string, readonly key: string }
  readonly doors: DoorSettings
  readonly forward?: ForwardDoorSettings
}

export interface Proxy {
  /** Opens the agent port. Resolves when it accepts connections and the watched views are complete. */
  start(listen: ListenSettings): Promise<AddressInfo>
  /** A further socket with the same doors, for agents in a network namespace of their own. */
  listenOn(path: string): Promise<void>
  /** Answers all holds with 428, lets calls finish for up to `ms` (default 8,000), then cuts them. */
  drain(ms?: number): Promise<void>
  readonly status: () => { readonly held: number, readonly open: number, readonly policyAgeMs: number, readonly locksAgeMs: number }
}

const MAX_HEADER_BYTES = 64 * 1024
const MAX_RECORDED_PATH = 2048

export function createProxy(ports: ProxyPorts, settings: ProxySettings): Proxy {
  const parts: Parts = {
    ...ports, settings,
    approvals: viewApprovals(ports.documents, ports.clock),
    locks: viewLocks(ports.documents, ports.clock),
    maskers: createMaskers(),
    upstreams: createUpstreams({ headersMs: settings.upstreamHeadersMs, bodyMs: settings.upstreamBodyMs }),
    sessions: createUploadSessions(ports.sessionKey, ports.clock),
    holds: createHolds(settings.limits),
    open: createOpenCalls(),
  }
  parts.locks.onLock((lock) => {
    parts.holds.endAll('locked', ({ agent, run, target }) => covers(lock, agent, run, target))
    parts.open.cut(lock, new Stopped(refuse('AGENT_LOCKED', { message: `A lock stopped this call in the middle (${lock.scope.kind}): ${lock.reason}. A change may or may not have happened.`, metadata: { lock: lock.id } })))
  })
  const servers: Server[] = []
  let draining = false
  let forward: ForwardDoor | undefined
  let doors: DoorSettings = { path: true }

  const receive = (request: IncomingMessage, response: ServerResponse): void => {
    const arrival = arrive(request, forward?.hostOf(request.socket), doors)
    if ('own' in arrival) {
      answerOwn(arrival.path, request, response, { verifier: parts.verifier, clock: parts.clock, ready: () => !draining && parts.policy.current() !== undefined && parts.records.healthy })
        .catch((error: unknown) => fault(request, response, error))
      return
    }
    const passage = begin(request, response, isRefusal(arrival) ? nowhere(request) : arrival)
    if (isRefusal(arrival)) return conclude(passage, arrival)
    if (draining) return conclude(passage, refuse('SHUTTING_DOWN', 'The gateway is stopping. Nothing was sent; send the call again in a moment.'))
    if (inFlight >= settings.limits.inFlight) return conclude(passage, refuse('OVERLOADED', `The gateway has ${settings.limits.inFlight} calls in progress. Nothing was sent; send the call again in a moment.`))
    inFlight++
    try {
      const ended = runPipeline(passage, parts)
      if (ended instanceof Promise) ended.then((late) => leave(passage, late), (error: unknown) => leave(passage, unexpected(error)))
      else leave(passage, ended)
    } catch (error) {
      leave(passage, unexpected(error))
    }
  }
  let inFlight = 0
  const leave = (passage: Passage, end: Ending | Refusal): void => {
    inFlight--
    conclude(passage, end)
  }
  const begin = (request: IncomingMessage, response: ServerResponse, arrival: Arrival): Passage => {
    const reason = request.headers['x-goog-request-reason']
    const trace = request.headers['traceparent']
    const query = arrival.query === '' ? '' : `?${arrival.query}`
    const length = Number(request.headers['content-length'] ?? 0)
    return {
      arrival, request, response, at: parts.clock.now(), startedAt: parts.clock.monotonic(), mode: settings.mode, isolation: settings.isolation,
      facts: {
        door: arrival.door as Door, host: arrival.host, verb: request.method ?? '', path: strike((arrival.path + query).slice(0, MAX_RECORDED_PATH)),
        ...(typeof reason === 'string' ? { statedReason: strike(reason.slice(0, 512)) } : {}), ...(typeof trace === 'string' ? { trace: strike(trace.slice(0, 64)) } : {}),
      },
      bodies: [], heldMs: 0, requestBytes: Number.isSafeInteger(length) ? length : 0, gone: false, rounds: 0,
    }
  }
  const conclude = (passage: Passage, end: Ending | Refusal): void => {
    if (isRefusal(end)) sendRefusal(passage.request, passage.response, end)
    recordOutcome(passage, end, parts)
  }
  const unexpected = (error: unknown): Refusal => {
    if (error instanceof LockkeeperError) return error.refusal
    parts.log.error({ error: (error as Error).stack ?? String(error) }, 'a fault of the gateway\'s own stopped a call')
    return refuse('INTERNAL', { message: 'A fault of the gateway\'s own stopped this call. Whether it was sent stands in its record.', detail: (error as Error).message })
  }
  const fault = (request: IncomingMessage, response: ServerResponse, error: unknown): void => sendRefusal(request, response, unexpected(error))

  const configure = (server: Server): Server => {
    server.on('request', receive)
    // The client is told to go on when its body is wanted, not before (RFC 9110 section 10.1.1).
    server.on('checkContinue', receive)
    server.on('upgrade', (_request, socket) => socket.destroy())
    server.on('connect', (request, socket, head) => {
      if (forward !== undefined && !draining) forward.connect(request, socket, head)
      else socket.end('HTTP/1.1 403 Forbidden\r\nContent-Length: 0\r\nConnection: close\r\n\r\n')
    })
    server.requestTimeout = 0
    server.headersTimeout = 20_000
    server.keepAliveTimeout = 65_000
    servers.push(server)
    return server
  }
  const recordTunnel = (host: string, refusal: Refusal | undefined): void => {
    try {
      parts.records.append({
        kind: 'outcome', at: parts.clock.now(), mode: settings.mode, isolation: settings.isolation, origin: 'agent', door: 'forward', host, verb: 'CONNECT', path: '',
        result: refusal === undefined ? 'answered' : 'refused', status: refusal === undefined ? 200 : 403, requestBytes: 0, responseBytes: 0, durationMs: 0,
        ...(refusal === undefined ? { detail: 'tunnel opened by configuration, content unseen' } : { reason: refusal.reason, detail: refusal.message }),
      })
    } catch (error) {
      if (!(error instanceof LockkeeperError)) throw error
      parts.log.error({ host }, 'a tunnel could not be recorded: the audit log takes nothing')
    }
  }

  return {
    async start(listen) {
      doors = listen.doors
      const options = { maxHeaderSize: MAX_HEADER_BYTES, noDelay: true }
      const server = configure(listen.tls === undefined ? createServer(options) : createTlsServer({ ...options, cert: listen.tls.certificate, key: listen.tls.key, ALPNProtocols: ['http/1.1'] }))
      if (listen.forward !== undefined) {
        const inner = configure(createServer(options))
        forward = openForwardDoor(listen.forward, { isTarget: (host) => parts.targets.find(host) !== undefined, inner, record: recordTunnel })
      }
      await Promise.all([parts.locks.ready, parts.approvals.ready])
      await listening(server, { host: listen.address, port: listen.port })
      return server.address() as AddressInfo
    },
    async listenOn(path) {
      await listening(configure(createServer({ maxHeaderSize: MAX_HEADER_BYTES })), { path })
    },
    async drain(ms = 8000) {
      draining = true
      parts.holds.endAll('stopping')
      const closed = servers.map((server) => new Promise<void>((resolve) => {
        server.close(() => resolve())
        server.closeIdleConnections()
      }))
      const timer = setTimeout(() => {
        parts.open.cut({ scope: { kind: 'everything' } }, new Stopped(refuse('SHUTTING_DOWN', 'The gateway stopped in the middle of this call. A change may or may not have happened.')))
        setImmediate(() => servers.forEach((server) => server.closeAllConnections()))
      }, ms)
      await Promise.all(closed)
      clearTimeout(timer)
      parts.locks.close()
      parts.approvals.close()
      await parts.upstreams.close()
    },
    status: () => ({ held: parts.holds.size, open: parts.open.size, policyAgeMs: parts.policy.age(), locksAgeMs: parts.locks.age() }),
  }
}

/** A request that no door understood still has a record. */
function nowhere(request: IncomingMessage): Arrival {
  return { door: 'path', host: (request.headers.host ?? '').slice(0, 253), path: (request.url ?? '').slice(0, MAX_RECORDED_PATH), query: '', origin: () => '' }
}

function listening(server: Server, where: { readonly host: string, readonly port: number } | { readonly path: string }): Promise<void> {
  const { promise, resolve, reject } = Promise.withResolvers<void>()
  server.once('error', reject)
  server.listen(where, () => {
    server.off('error', reject)
    resolve()
  })
  return promise
}

