/** A small HTTP server on loopback that stands for a provider: it keeps what came, and can be told to be down, slow or busy. */
import { createServer, type IncomingMessage, type Server } from 'node:http'
import type { AddressInfo } from 'node:net'
import { collector, type Collector } from '../collector.ts'

export interface ProviderRequest {
  readonly method: string
  /** Path and query. */
  readonly path: string
  readonly headers: Readonly<Record<string, string>>
  readonly body: string
}

export interface ProviderAnswer {
  readonly status: number
  readonly headers?: Readonly<Record<string, string>>
  readonly body?: string
}

export interface ProviderServer {
  readonly origin: string
  /** Every request, those answered with an error too. */
  readonly requests: Collector<ProviderRequest>
  /** The next requests are answered so, one each, before the provider's own rules are asked. `drop`: the connection is cut; `hang`: never answered. */
  next(...answers: readonly (ProviderAnswer | 'drop' | 'hang')[]): void
  close(): Promise<void>
}

const MOST_BODY = 4 * 1024 * 1024

export async function startProviderServer(answer: (request: ProviderRequest) => ProviderAnswer): Promise<ProviderServer> {
  const planned: (ProviderAnswer | 'drop' | 'hang')[] = []
  const requests = collector<ProviderRequest>()
  const server: Server = createServer((request, response) => {
    void read(request).then((body) => {
      const headers = Object.fromEntries(Object.entries(request.headers).map(([name, value]) => [name, String(value)]))
      const came: ProviderRequest = { method: request.method ?? '', path: request.url ?? '', headers, body }
      const given = planned.shift() ?? answer(came)
      if (given === 'drop') request.socket.destroy()
      else if (given !== 'hang') response.writeHead(given.status, { 'content-type': 'application/json', ...given.headers }).end(given.body ?? '')
      requests.add(came)
    })
  })
  await new Promise<void>((resolve, reject) => server.once('error', reject).listen(0, '127.0.0.1', resolve))
  return {
    origin: `http://127.0.0.1:${(server.address() as AddressInfo).port}`, requests,
    next: (...answers) => void planned.push(...answers),
    close: () => new Promise((resolve) => {
      server.close(() => resolve())
      server.closeAllConnections()
    }),
  }
}

async function read(request: IncomingMessage): Promise<string> {
  const chunks: Buffer[] = []
  let size = 0
  for await (const chunk of request as AsyncIterable<Buffer>) {
    size += chunk.length
    if (size > MOST_BODY) throw new Error('a test sent a body over 4 MiB')
    chunks.push(chunk)
  }
  return Buffer.concat(chunks).toString('utf8')
}
