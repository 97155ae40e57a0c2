/** For tests: a client that sends exactly the bytes it is given, and one for ordinary calls. */
import { once } from 'node:events'
import { request as httpRequest, type IncomingMessage, type RequestOptions } from 'node:http'
import { connect, type Socket } from 'node:net'

export interface RawClient {
  readonly socket: Socket
  /** All bytes that came back so far. */
  text(): string
  /** Resolves when `text()` matches; rejects when the connection ends without it. */
  until(pattern: RegExp): Promise<string>
  readonly closed: Promise<void>
}

export async function rawClient(port: number, bytes: string | Buffer = ''): Promise<RawClient> {
  const socket = connect({ host: '127.0.0.1', port })
  await once(socket, 'connect')
  const chunks: string[] = []
  const closed = new Promise<void>((resolve) => void socket.once('close', () => resolve()))
  socket.on('data', (chunk) => void chunks.push(chunk.toString('latin1')))
  socket.on('error', () => socket.destroy())
  const text = (): string => chunks.join('')
  if (bytes.length > 0) socket.write(bytes)
  return {
    socket, text, closed,
    until(pattern) {
      const { promise, resolve, reject } = Promise.withResolvers<string>()
      const look = (): void => { if (pattern.test(text())) resolve(text()) }
      socket.on('data', look)
      void closed.then(() => pattern.test(text()) ? resolve(text()) : reject(new Error(`the connection ended after: ${JSON.stringify(text().slice(0, 500))}`)))
      look()
      return promise
    },
  }
}

export interface Response { readonly status: number, readonly headers: IncomingMessage['headers'], readonly rawHeaders: readonly string[], readonly body: Buffer, text(): string, json(): unknown, reason(): string | undefined }

/** One call; resolves with the whole answer, rejects when the connection breaks. */
export async function call(origin: string, path: string, options: RequestOptions & { readonly body?: string | Buffer } = {}): Promise<Response> {
  const { promise, resolve, reject } = Promise.withResolvers<IncomingMessage>()
  const { hostname, port } = new URL(origin)
  // Not as a URL: that would tidy the path.
  const request = httpRequest({ hostname, port, path, agent: false, ...options }, resolve)
  request.once('error', reject)
  request.end(options.body)
  return readResponse(await promise)
}

export async function readResponse(response: IncomingMessage): Promise<Response> {
  const chunks: Buffer[] = []
  for await (const chunk of response) chunks.push(chunk as Buffer)
  const body = Buffer.concat(chunks)
  const parse = (): unknown => JSON.parse(body.toString('utf8'))
  return {
    status: response.statusCode ?? 0, headers: response.headers, rawHeaders: response.rawHeaders, body, text: () => body.toString('utf8'), json: parse,
    reason: () => (parse() as { error?: { details?: { reason?: string }[] } }).error?.details?.[0]?.reason,
  }
}
