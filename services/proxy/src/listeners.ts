/** The sockets that agents connect to, and the doors behind them. Both versions of HTTP come in at one port and go the same way. */
import { createServer, type IncomingMessage, type RequestListener, type Server, type ServerResponse } from 'node:http'
import { createServer as createTlsServer } from 'node:https'
import type { AddressInfo, Socket } from 'node:net'
import type { Duplex } from 'node:stream'
import type { TLSSocket } from 'node:tls'
import { refuse, type Refusal } from '@lockkeeper/domain/errors'
import { arrive, type DoorSettings, type OwnRequest } from './doors/arrivals.ts'
import { openHttp2Door } from './doors/http2-door.ts'
import { sharePort, type PortSharing } from './doors/port-sharing.ts'
import { openForwardDoor, type ForwardDoor, type ForwardDoorPorts, type ForwardDoorSettings } from './doors/forward-door.ts'
import type { Arrival } from './passage.ts'

export interface ListenSettings {
  readonly address: string
  /** 0: any free port. */
  readonly port: number
  /** PEM; without it the port speaks plain http, which only loopback should. */
  readonly tls?: { readonly certificate: string, readonly key: string }
  readonly doors: DoorSettings
  readonly forward?: ForwardDoorSettings
}

export interface Listeners {
  /** The port is not open yet: `open` has to be called. */
  prepare(listen: ListenSettings): { open(): Promise<AddressInfo> }
  /** Where a request wants to go, by the door it came through. */
  arrivalOf(request: IncomingMessage): Arrival | OwnRequest | Refusal
  readonly stopping: boolean
  /** No new connections. Resolves when the last one has ended. */
  stop(): Promise<void>
  /** Ends the connections that are left. */
  cut(): void
}

const MAX_HEADER_BYTES = 64 * 1024
/** In TLS, what the client would rather have. */
const PROTOCOLS = ['h2', 'http/1.1']
const OPTIONS = { maxHeaderSize: MAX_HEADER_BYTES, noDelay: true }

/** `malformed`: told of what is no request; without a socket of HTTP/1.1 there is nobody to answer. */
export function createListeners(receive: RequestListener, malformed: (error: Error, socket: Duplex | undefined, response: ServerResponse | undefined) => void, forwardPorts: Pick<ForwardDoorPorts, 'isTarget' | 'record'>): Listeners {
  const servers: Server[] = []
  let stopping = false
  let forward: ForwardDoor | undefined
  let doors: DoorSettings = { path: true }

  /** The newest answer of each connection. */
  const answering = new WeakMap<Duplex, ServerResponse>()
  const take: RequestListener = (request, response) => {
    answering.set(request.socket, response)
    receive(request, response)
  }
  const http2 = openHttp2Door(receive, (error) => malformed(error, undefined, undefined))
  const sharing: PortSharing[] = []
  /** node's own listener serves HTTP/1.1; it is asked when the connection turns out to be that. */
  const share = (server: Server, tls: boolean): Server => {
    const event = tls ? 'secureConnection' : 'connection'
    const [http1] = server.listeners(event) as ((socket: Socket) => void)[]
    if (http1 === undefined) throw new TypeError(`node's server has no listener for ${event}`)
    server.removeListener(event, http1)
    const serve = http1.bind(server)
    if (tls) server.on(event, (socket: TLSSocket) => socket.alpnProtocol === 'h2' ? http2.connection(socket) : serve(socket))
    else {
      const port = sharePort(serve, http2.connection)
      sharing.push(port)
      server.on(event, port.connection)
    }
    return server
  }
  const configure = (server: Server): Server => {
    server.on('request', take)
    // The client is told to go on when its body is wanted, not before (RFC 9110 section 10.1.1).
    server.on('checkContinue', take)
    server.on('clientError', (error, socket) => {
      const response = answering.get(socket)
      malformed(error, socket, response?.closed === true ? undefined : response)
    })
    // No listener for `upgrade`: such a request is answered as the plain one that it is (RFC 9110 section 7.8), and recorded.
    // Refused and recorded like any other call; node's own answer would leave neither trace nor Google's shape.
    server.on('checkExpectation', take)
    server.on('connect', (request, socket, head) => {
      if (forward !== undefined && !stopping) forward.connect(request, socket, head)
      else {
        forwardPorts.record((request.url ?? '').slice(0, 253), refuse('TARGET_UNKNOWN', 'The forward door is closed. Nothing was opened.'))
        socket.end('HTTP/1.1 403 Forbidden\r\nContent-Length: 0\r\nConnection: close\r\n\r\n')
      }
    })
    server.requestTimeout = 0
    server.headersTimeout = 20_000
    server.keepAliveTimeout = 65_000
    servers.push(server)
    return server
  }
  return {
    prepare({ address, port, tls, doors: wanted, forward: forwardSettings }) {
      doors = wanted
      const server = share(configure(tls === undefined ? createServer(OPTIONS) : createTlsServer({ ...OPTIONS, cert: tls.certificate, key: tls.key, ALPNProtocols: PROTOCOLS })), tls !== undefined)
      if (forwardSettings !== undefined) forward = openForwardDoor(forwardSettings, { ...forwardPorts, inner: configure(createServer(OPTIONS)) })
      return {
        async open() {
          await listening(server, { host: address, port })
          return server.address() as AddressInfo
        },
      }
    },
    arrivalOf: (request) => http2.refusalOf(request) ?? arrive(request, forward?.hostOf(request.socket), doors),
    get stopping() { return stopping },
    async stop() {
      stopping = true
      http2.stop()
      for (const port of sharing) port.stop()
      await Promise.all(servers.map((server) => new Promise<void>((resolve) => {
        server.close(() => resolve())
        server.closeIdleConnections()
      })))
    },
    cut() {
      http2.cut()
      for (const server of servers) server.closeAllConnections()
    },
  }
}

function listening(server: Server, where: { readonly host: string, readonly port: number }): Promise<void> {
  const { promise, resolve, reject } = Promise.withResolvers<void>()
  server.once('error', reject)
  server.listen(where, () => {
    server.off('error', reject)
    resolve()
  })
  return promise
}
