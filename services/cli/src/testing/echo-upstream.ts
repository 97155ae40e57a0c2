/** Tests only: an upstream that gives back the credential it was sent, in every place an answer has. */
import { createServer, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'
import { gzipSync } from 'node:zlib'

export interface EchoUpstream { readonly origin: string, readonly count: number, close(): Promise<void> }

/** `/body`, `/split`, `/large`, `/gzip`, `/header`, `/location`, `/error`. */
export async function startEchoUpstream(): Promise<EchoUpstream> {
  let count = 0
  const server = createServer((request, response) => {
    count++
    answer(request.url ?? '', request.headers.authorization ?? '', response)
  })
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  return {
    origin: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    get count() { return count },
    close: () => new Promise((resolve) => {
      server.close(() => resolve())
      server.closeAllConnections()
    }),
  }
}

function answer(path: string, authorization: string, response: ServerResponse): void {
  const json = { 'content-type': 'application/json' }
  const body = Buffer.from(JSON.stringify({ you: 'sent', authorization, filler: path === '/large' ? 'x'.repeat(300_000) : '' }))
  if (path === '/header') return void response.writeHead(200, { ...json, 'x-debug-authorization': authorization }).end('{}')
  if (path === '/location') return void response.writeHead(302, { location: `http://127.0.0.1/?t=${encodeURIComponent(authorization)}` }).end()
  if (path === '/gzip') return void response.writeHead(200, { ...json, 'content-encoding': 'gzip' }).end(gzipSync(body))
  response.writeHead(path === '/error' ? 500 : 200, json)
  if (path === '/split') for (const byte of body) response.write(Buffer.of(byte))
  if (path === '/large') response.write(Buffer.from('x'.repeat(300_000)))
  response.end(path === '/split' ? undefined : body)
}
