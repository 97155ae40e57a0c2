/** Tests only: an upstream that keeps a log of all that reached it, without an end, and takes its time now and then so that kills fall in between. */
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import type { Random } from './planned-calls.ts'

/** One request that reached the upstream. */
export interface Dial {
  readonly verb: string
  readonly path: string
  /** X-Goog-Request-Reason: `lockkeeper/` and the id of the gateway's record. */
  readonly reason: string
}

export interface ChaosUpstream { readonly origin: string, readonly dials: readonly Dial[], close(): Promise<void> }

/** One answer in ten takes up to so many ms. */
const SLOW_MS = 60

export async function startChaosUpstream(random: Random): Promise<ChaosUpstream> {
  const dials: Dial[] = []
  const server = createServer((request, response) => {
    const { method: verb = '', url: path = '', headers } = request
    dials.push({ verb, path, reason: String(headers['x-goog-request-reason'] ?? '') })
    request.resume().once('end', () => {
      const answer = (): void => void response.writeHead(200, { 'content-type': 'application/json; charset=UTF-8' }).end(JSON.stringify({ name: path, messageIds: [String(dials.length)] }))
      if (random.below(10) > 0) answer()
      else setTimeout(answer, random.below(SLOW_MS))
    })
    response.on('error', () => response.destroy())
  })
  server.keepAliveTimeout = 60_000
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  return {
    origin: `http://127.0.0.1:${(server.address() as AddressInfo).port}`, dials,
    close: () => new Promise((resolve) => {
      server.close(() => resolve())
      server.closeAllConnections()
    }),
  }
}
