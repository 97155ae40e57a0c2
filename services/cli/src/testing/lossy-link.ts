/** Tests only: HTTP to a service over a link that can lose answers: the service has done what was asked, and nobody hears of it. */
import { once } from 'node:events'
import { createServer, request as httpRequest } from 'node:http'
import type { AddressInfo } from 'node:net'

export interface LossyLink {
  readonly origin: string
  /** The answers to the next `count` requests of that path are lost. */
  lose(path: string, count: number): void
  /** Requests of that path so far, lost or not. */
  asked(path: string): number
  close(): Promise<void>
}

export async function startLossyLink(origin: () => string): Promise<LossyLink> {
  const toLose = new Map<string, number>()
  const seen = new Map<string, number>()
  const server = createServer((request, response) => {
    const path = request.url ?? ''
    seen.set(path, (seen.get(path) ?? 0) + 1)
    const { hostname, port } = new URL(origin())
    const onward = httpRequest({ hostname, port, path, method: request.method, headers: request.headers }, (answer) => {
      const left = toLose.get(path) ?? 0
      if (left === 0) return void answer.pipe(response.writeHead(answer.statusCode ?? 0, answer.headers))
      toLose.set(path, left - 1)
      answer.resume().once('end', () => response.destroy())
    })
    onward.once('error', () => response.destroy())
    request.pipe(onward)
  }).listen(0, '127.0.0.1')
  await once(server, 'listening')
  return {
    origin: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    lose: (path, count) => void toLose.set(path, count),
    asked: (path) => seen.get(path) ?? 0,
    async close() {
      server.closeAllConnections()
      server.close()
      await once(server, 'close')
    },
  }
}
