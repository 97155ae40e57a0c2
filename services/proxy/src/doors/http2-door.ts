/** HTTP/2 on an agent's connection: cleartext by prior knowledge, as Cloud Run's end-to-end HTTP/2 speaks it, or chosen in TLS. */
import type { IncomingMessage, RequestListener } from 'node:http'
import { createServer, type ServerHttp2Session, type ServerHttp2Stream } from 'node:http2'
import type { Socket } from 'node:net'
import type { Refusal } from '@lockkeeper/domain/errors'
import { http2Message } from './http2-message.ts'

export interface Http2Door {
  /** Takes the connection over; its first bytes are unread. */
  connection(socket: Socket): void
  /** Why no other door may take the request. */
  refusalOf(request: IncomingMessage): Refusal | undefined
  /** Says goodbye on every connection: streams that are open end, new ones are not taken. */
  stop(): void
  cut(): void
}

/** Ms without a byte after which a connection without calls in progress is let go, as with HTTP/1.1. */
const IDLE_MS = 65_000
/** Calls in progress on one connection; all connections together are bounded by `limits.inFlight`. */
const MAX_STREAMS = 1_000
const MAX_HEADER_BYTES = 64 * 1024

const OPTIONS = {
  settings: { maxConcurrentStreams: MAX_STREAMS, maxHeaderListSize: MAX_HEADER_BYTES, enablePush: false, initialWindowSize: 128 * 1024 },
  maxHeaderListPairs: 200,
  /** MB that one connection may hold, bodies that nobody has read included: 500 windows full. */
  maxSessionMemory: 64,
  maxOutstandingPings: 10,
  maxSettings: 32,
  // Rapid reset: streams that are opened and reset at once cost their work and count against no limit of open ones.
  streamResetBurst: 200,
  streamResetRate: 20,
  maxSessionInvalidFrames: 20,
  maxSessionRejectedStreams: 50,
} as const

/** `broken`: told of a connection that does not follow HTTP/2. */
export function openHttp2Door(take: RequestListener, broken: (error: Error) => void): Http2Door {
  const server = createServer(OPTIONS)
  const sessions = new Set<ServerHttp2Session>()
  const sockets = new WeakMap<ServerHttp2Session, Socket>()
  const refusals = new WeakMap<IncomingMessage, Refusal>()
  let accepting: Socket | undefined
  server.on('session', (session) => {
    sessions.add(session)
    sockets.set(session, accepting as Socket)
    session.setTimeout(IDLE_MS, () => session.close())
    session.once('close', () => sessions.delete(session))
  })
  server.on('sessionError', (error: Error) => broken(error))
  server.on('stream', (stream: ServerHttp2Stream, headers, flags, rawHeaders: readonly string[]) => {
    const { session } = stream
    const socket = session === undefined ? undefined : sockets.get(session as ServerHttp2Session)
    // Reset together with its head: gone before anything was looked at.
    if (socket === undefined) return void stream.close()
    const { request, response, refusal } = http2Message(stream, headers, rawHeaders, (flags & END_STREAM) !== 0, socket)
    if (refusal !== undefined) refusals.set(request, refusal)
    take(request, response)
  })
  return {
    connection(socket) {
      accepting = socket
      server.emit('connection', socket)
      accepting = undefined
    },
    refusalOf: (request) => refusals.get(request),
    stop: () => sessions.forEach((session) => session.close()),
    cut: () => sessions.forEach((session) => session.destroy()),
  }
}

/** RFC 9113 section 6.2. */
const END_STREAM = 0x1
