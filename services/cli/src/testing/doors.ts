/** Tests only: one request through any of the three doors, with its headers exactly as given. */
import { once } from 'node:events'
import { request as httpRequest, type IncomingMessage } from 'node:http'
import { connect as connectTcp, type Socket } from 'node:net'
import { connect as connectTls } from 'node:tls'
import { readAnswer, type Answer } from './agent-client.ts'
import type { TestGateway } from './test-gateway.ts'

export type DoorName = 'path' | 'forward' | 'domain'

export interface DoorRequest {
  /** The Google host that is meant. */
  readonly host: string
  readonly verb: string
  /** Path and query, raw. */
  readonly path: string
  /** As they are sent, repeated names too; Host, length and connection come by themselves. */
  readonly headers: readonly (readonly [name: string, value: string])[]
  readonly body?: string | Uint8Array
}

/** Domain of gateways that are started with a domain door. */
export const DOMAIN = 'gw.example.com'

export async function throughDoor(test: Pick<TestGateway, 'gateway' | 'heard'>, door: DoorName, { host, verb, path, headers, body }: DoorRequest): Promise<Answer> {
  const { hostname, port } = new URL(test.gateway.origin)
  const { socket, authority, prefix } = await open(door, host, hostname, Number(port), test.gateway.authority)
  const { promise, resolve, reject } = Promise.withResolvers<IncomingMessage>()
  const own = new Set(headers.map(([name]) => name.toLowerCase()))
  const lines = [['Host', authority], ...own.has('connection') ? [] : [['Connection', 'close']], ...body === undefined ? [] : [['Content-Length', String(Buffer.byteLength(body))]], ...headers]
  const request = httpRequest({ createConnection: () => socket, method: verb, path: prefix + path, headers: lines.flat() as readonly string[] }, resolve)
  request.once('error', reject)
  request.end(body)
  test.heard.sent++
  try {
    return await readAnswer(await promise, test.heard)
  } finally {
    socket.destroy()
  }
}

async function open(door: DoorName, host: string, hostname: string, port: number, authority: string | undefined): Promise<{ readonly socket: Socket, readonly authority: string, readonly prefix: string }> {
  if (door === 'path') return { socket: await connected(connectTcp({ host: hostname, port })), authority: `${hostname}:${port}`, prefix: `/${host}` }
  if (door === 'domain') {
    const name = `${host.slice(0, -'.googleapis.com'.length)}.${DOMAIN}`
    // The certificate is a test's own; who presents it is not what these tests are about.
    return { socket: await connected(connectTls({ host: hostname, port, servername: name, rejectUnauthorized: false }), 'secureConnect'), authority: `${name}:${port}`, prefix: '' }
  }
  const tunnel = await openTunnel(hostname, port, `${host}:443`)
  if (typeof tunnel === 'string') throw new Error(tunnel)
  return { socket: await connected(connectTls({ socket: tunnel, servername: host, ca: authority }), 'secureConnect'), authority: host, prefix: '' }
}

/** The socket of a CONNECT, or the first line of a refusal. */
export async function openTunnel(hostname: string, port: number, target: string): Promise<Socket | string> {
  const socket = await connected(connectTcp({ host: hostname, port }))
  socket.write(`CONNECT ${target} HTTP/1.1\r\nHost: ${target}\r\n\r\n`)
  const [head] = await once(socket, 'data') as [Buffer]
  const line = head.toString('latin1').split('\r\n')[0] ?? ''
  if (line.startsWith('HTTP/1.1 200')) return socket
  socket.destroy()
  return line
}

async function connected<S extends Socket>(socket: S, event: 'connect' | 'secureConnect' = 'connect'): Promise<S> {
  await once(socket, event)
  return socket
}
