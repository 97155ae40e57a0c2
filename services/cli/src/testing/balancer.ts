/** Tests only: several processes behind one address, each new connection to the next one. */
import { once } from 'node:events'
import { connect, createServer, type AddressInfo, type Socket } from 'node:net'

export interface Balancer { readonly origin: string, close(): Promise<void> }

export async function startBalancer(ports: readonly number[]): Promise<Balancer> {
  let next = 0
  const open = new Set<Socket>()
  const server = createServer((client) => {
    const upstream = connect(ports[next++ % ports.length] as number, '127.0.0.1')
    for (const socket of [client, upstream]) {
      open.add(socket)
      socket.once('close', () => {
        open.delete(socket)
        client.destroy()
        upstream.destroy()
      })
      // Whoever was connected sees the connection end.
      socket.on('error', () => socket.destroy())
    }
    client.pipe(upstream).pipe(client)
  })
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  return {
    origin: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    async close() {
      for (const socket of open) socket.destroy()
      server.close()
      await once(server, 'close')
    },
  }
}
