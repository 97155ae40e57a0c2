/** The one way out of a container: a unix socket of this run that leads to the gateway's agent port and nowhere else. */
import { chmod } from 'node:fs/promises'
import { connect as connectTcp, createServer, type Socket } from 'node:net'
import { connect as connectTls } from 'node:tls'

export interface GatewayRelay { close(): Promise<void> }

const MAX_CONNECTIONS = 1024

/** `origin` with https is spoken to in TLS, under the trust of this process. Anyone who reaches the socket reaches the port: no secret. */
export async function openGatewayRelay(path: string, origin: string): Promise<GatewayRelay> {
  const { protocol, hostname, port } = new URL(origin)
  const host = hostname.replace(/^\[|\]$/g, '')
  const open = new Set<Socket>()
  const dial = (): Socket => protocol === 'https:' ? connectTls({ host, port: Number(port || 443), servername: host }) : connectTcp({ host, port: Number(port || 80), noDelay: true, allowHalfOpen: true })
  const server = createServer({ allowHalfOpen: true }, (near) => {
    const far = dial()
    open.add(near)
    near.once('error', () => far.destroy())
    far.once('error', () => near.destroy())
    far.once('close', () => near.destroy())
    near.once('close', () => {
      open.delete(near)
      far.destroy()
    })
    near.pipe(far).pipe(near)
  })
  server.maxConnections = MAX_CONNECTIONS
  const { promise, resolve, reject } = Promise.withResolvers<void>()
  server.once('error', reject).listen(path, resolve)
  await promise
  // The agent may be another user; the directories above say who gets here.
  await chmod(path, 0o666)
  return {
    close: () => new Promise((closed) => {
      server.close(() => closed())
      for (const socket of open) socket.destroy()
    }),
  }
}
