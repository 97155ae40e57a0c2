/** Tests only: an upstream that compresses and splits its answers as it likes, whatever was asked for. */
import { once } from 'node:events'
import { createServer, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'
import { brotliCompressSync, deflateSync, gzipSync } from 'node:zlib'

export interface OddUpstream {
  readonly origin: string
  /** Requests so far. */
  readonly count: number
  close(): Promise<void>
}

type Write = (response: ServerResponse, body: Buffer) => Promise<void> | void

/** Pieces of `size` bytes, each a chunk of its own. */
const inPieces = (size: number): Write => async (response, body) => {
  for (let at = 0; at < body.length; at += size) if (!response.write(body.subarray(at, at + size))) await once(response, 'drain')
  response.end()
}

const ENCODED: Readonly<Record<string, (body: Buffer) => Buffer>> = { gzip: gzipSync, deflate: deflateSync, br: brotliCompressSync }

/** `/plain`, `/split/SIZE`, `/encoded/NAME`, `/encoded/NAME/SIZE`, `/broken` (gzip cut short), `/unknown` (an encoding nobody knows), `/image`. */
export async function startOddUpstream(body: Buffer): Promise<OddUpstream> {
  let count = 0
  const answer = async (path: string, response: ServerResponse): Promise<void> => {
    const [, kind, first = '', second] = path.split('/')
    const headers: Record<string, string> = { 'content-type': kind === 'image' ? 'image/png' : 'application/json' }
    if (kind === 'split') response.writeHead(200, headers)
    if (kind === 'split') return inPieces(Number(first))(response, body)
    const encoding = kind === 'encoded' ? first : kind === 'broken' ? 'gzip' : kind === 'unknown' ? 'zstd' : undefined
    response.writeHead(200, { ...headers, ...encoding === undefined ? {} : { 'content-encoding': encoding } })
    const bytes = kind === 'broken' ? gzipSync(body).subarray(0, -12) : ENCODED[encoding ?? '']?.(body) ?? body
    return second === undefined ? void response.end(bytes) : inPieces(Number(second))(response, bytes)
  }
  const server = createServer((request, response) => {
    count++
    answer(request.url ?? '', response).catch(() => response.destroy())
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
