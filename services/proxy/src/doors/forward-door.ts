/**
 * The forward door: CONNECT (RFC 9110 section 9.3.6). TLS for target hosts ends here, under the gateway's own authority; every other
 * host is refused and recorded, unless the configuration names it as one to tunnel.
 */
import type { IncomingMessage, Server } from 'node:http'
import { connect as connectTcp, type Socket } from 'node:net'
import type { Duplex } from 'node:stream'
import { TLSSocket, type SecureContext } from 'node:tls'
import { ERRORS, googleErrorBody, refuse, type Refusal } from '@lockkeeper/domain/errors'
import type { CertificateAuthority } from './certificate-authority.ts'

export interface ForwardDoorSettings {
  readonly authority: CertificateAuthority
  /** Hosts passed through unseen at port 443, such as a package registry: exact names, or `host:port`. Recorded, never judged. */
  readonly tunnel: readonly string[]
}

export interface ForwardDoorPorts {
  readonly isTarget: (host: string) => boolean
  /** Where decrypted connections go on. */
  readonly inner: Server
  readonly record: (host: string, refusal: Refusal | undefined) => void
}

const HANDSHAKE_MS = 10_000
/** Ms without a byte after which an unseen tunnel ends. */
const TUNNEL_IDLE_MS = 10 * 60_000
const MAX_TUNNELS = 256
const AUTHORITY = /^((?:[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?\.)*[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?|\[[\da-f:.]+\]):(\d{1,5})$/

export interface ForwardDoor {
  readonly connect: (request: IncomingMessage, socket: Duplex, head: Buffer) => void
  /** The host of the tunnel that a decrypted connection came through. */
  readonly hostOf: (socket: Socket) => string | undefined
}

export function openForwardDoor({ authority, tunnel }: ForwardDoorSettings, { isTarget, inner, record }: ForwardDoorPorts): ForwardDoor {
  const hosts = new WeakMap<Socket, string>()
  const handshakes = new Set<Duplex>()
  const tunnels = new Set<Duplex>()
  // A server that listens nowhere keeps no list of its connections: without one neither its time limits nor its end would reach them.
  inner.emit('listening')
  inner.once('close', () => { for (const socket of [...handshakes, ...tunnels]) socket.destroy() })
  const end = (host: string, socket: Duplex, head: Buffer): void => {
    handshakes.add(socket)
    const timer = setTimeout(() => socket.destroy(), HANDSHAKE_MS)
    const done = (): void => {
      clearTimeout(timer)
      handshakes.delete(socket)
    }
    socket.once('close', done)
    authority.contextFor(host).then((secureContext) => {
      if (socket.destroyed) return
      socket.write('HTTP/1.1 200 Connection Established\r\n\r\n')
      if (head.length > 0) socket.unshift(head)
      // Another name inside the tunnel would be judged as one host and meant for another.
      const SNICallback = (name: string, answer: (error: Error | null, context?: SecureContext) => void): void => name.toLowerCase() === host ? answer(null, secureContext) : answer(new Error('another name than the tunnel\'s'))
      const secure = new TLSSocket(socket as Socket, { isServer: true, secureContext, SNICallback, ALPNProtocols: ['http/1.1'] })
      hosts.set(secure, host)
      secure.on('error', () => secure.destroy())
      secure.once('secure', () => {
        done()
        inner.emit('connection', secure)
      })
    }, () => stop(socket, refuse('INTERNAL', 'No certificate could be made for this host. Nothing was sent.')))
  }
  return {
    hostOf: (socket) => hosts.get(socket),
    connect(request, socket, head) {
      socket.on('error', () => socket.destroy())
      const [, host, port] = AUTHORITY.exec((request.url ?? '').toLowerCase()) ?? []
      if (host === undefined || port === undefined) {
        const refusal = refuse('REQUEST_INVALID', 'CONNECT needs host:port. Nothing was opened.')
        record((request.url ?? '').slice(0, 253), refusal)
        return stop(socket, refusal)
      }
      if (port === '443' && isTarget(host)) return end(host, socket, head)
      if (tunnel.includes(port === '443' ? host : `${host}:${port}`)) {
        if (tunnels.size >= MAX_TUNNELS) return stop(socket, refuse('OVERLOADED', `${MAX_TUNNELS} tunnels are open already. Nothing was sent; try again in a moment.`))
        tunnels.add(socket)
        socket.once('close', () => tunnels.delete(socket))
        record(host, undefined)
        return passThrough(host, Number(port), socket, head)
      }
      const refusal = refuse('TARGET_UNKNOWN', { message: `${host}:${port} is no registered target, so no connection is opened. Nothing was sent.`, metadata: { host: host.slice(0, 253) } })
      record(`${host}:${port}`, refusal)
      stop(socket, refusal)
    },
  }
}

function passThrough(host: string, port: number, socket: Duplex, head: Buffer): void {
  const far = connectTcp({ host, port, timeout: HANDSHAKE_MS })
  far.once('connect', () => {
    far.setTimeout(TUNNEL_IDLE_MS)
    socket.write('HTTP/1.1 200 Connection Established\r\n\r\n')
    if (head.length > 0) far.write(head)
    far.pipe(socket).pipe(far)
  })
  far.once('timeout', () => far.destroy(new Error('nothing came in time')))
  let open = false
  far.once('connect', () => { open = true })
  // Inside a tunnel an answer of the gateway's own would be read as the far side's.
  far.once('error', () => open ? socket.destroy() : stop(socket, refuse('UPSTREAM_UNREACHABLE', `No connection to ${host} could be made.`)))
  far.once('close', () => { if (open) socket.destroy() })
  socket.once('close', () => far.destroy())
}

function stop(socket: Duplex, refusal: Refusal): void {
  const body = googleErrorBody(refusal)
  socket.end(`HTTP/1.1 ${ERRORS[refusal.reason].http} ${refusal.reason}\r\nContent-Type: application/json; charset=UTF-8\r\nContent-Length: ${Buffer.byteLength(body)}\r\nConnection: close\r\n\r\n${body}`)
}
