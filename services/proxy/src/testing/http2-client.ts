/** For tests: calls over HTTP/2 by prior knowledge, as Cloud Run's front end makes them. */
import { connect, type ClientHttp2Session, type ClientHttp2Stream, type IncomingHttpHeaders, type OutgoingHttpHeaders } from 'node:http2'
import { once } from 'node:events'

export interface Http2Answer { readonly status: number, readonly headers: IncomingHttpHeaders, readonly body: Buffer, text(): string, json(): unknown, reason(): string | undefined }

export interface Http2Client {
  readonly session: ClientHttp2Session
  begin(path: string, headers?: OutgoingHttpHeaders, options?: { readonly endStream: boolean }): ClientHttp2Stream
  /** Resolves with the whole answer, rejects when the stream is reset. */
  call(path: string, options?: { readonly headers?: OutgoingHttpHeaders, readonly method?: string, readonly body?: string | Buffer }): Promise<Http2Answer>
  close(): Promise<void>
}

export async function http2Client(origin: string, options: Parameters<typeof connect>[1] = {}): Promise<Http2Client> {
  const session = connect(origin, options)
  session.on('error', () => undefined)
  await once(session, 'connect')
  const client: Http2Client = {
    session,
    begin(path, headers = {}, streamOptions = { endStream: false }) {
      const stream = session.request({ ':path': path, ...headers }, streamOptions)
      stream.on('error', () => undefined)
      return stream
    },
    async call(path, { headers = {}, method = 'GET', body } = {}) {
      const stream = client.begin(path, { ':method': method, ...headers }, { endStream: body === undefined })
      const answer = readAnswer(stream)
      if (body !== undefined) stream.end(body)
      return answer
    },
    async close() {
      if (session.destroyed) return
      session.destroy()
      await once(session, 'close')
    },
  }
  return client
}

export async function readAnswer(stream: ClientHttp2Stream): Promise<Http2Answer> {
  const { promise, resolve, reject } = Promise.withResolvers<Http2Answer>()
  const chunks: Buffer[] = []
  let head: IncomingHttpHeaders = {}
  stream.once('response', (headers) => { head = headers })
  stream.on('data', (chunk: Buffer) => chunks.push(chunk))
  stream.once('close', () => {
    if (stream.rstCode !== 0) return reject(new Error(`the stream was reset with ${stream.rstCode}`))
    const body = Buffer.concat(chunks)
    const json = (): unknown => JSON.parse(body.toString('utf8'))
    resolve({
      status: Number(head[':status'] ?? 0), headers: head, body, text: () => body.toString('utf8'), json,
      reason: () => (json() as { error?: { details?: { reason?: string }[] } }).error?.details?.[0]?.reason,
    })
  })
  return promise
}

/** What a client's library would not send: frames as they are written (RFC 9113 section 4), with heads that compress nothing (RFC 7541 section 6.2.2). */
export const FRAMES = {
  preface: Buffer.concat([Buffer.from('PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n'), frame(0x4, 0, 0, Buffer.alloc(0))]),
  headers: (stream: number, fields: readonly (readonly [string, string])[], end = false): Buffer => frame(0x1, end ? 0x5 : 0x4, stream, Buffer.concat(fields.flatMap(([name, value]) => [Buffer.from([0]), text(name), text(value)]))),
  data: (stream: number, bytes: Buffer, end = false): Buffer => frame(0x0, end ? 0x1 : 0, stream, bytes),
  reset: (stream: number, code: number): Buffer => frame(0x3, 0, stream, Buffer.from([0, 0, 0, code])),
  ping: frame(0x6, 0, 0, Buffer.alloc(8)),
  settings: frame(0x4, 0, 0, Buffer.alloc(0)),
}

function frame(type: number, flags: number, stream: number, payload: Buffer): Buffer {
  const head = Buffer.alloc(9)
  head.writeUIntBE(payload.length, 0, 3)
  head.writeUInt8(type, 3)
  head.writeUInt8(flags, 4)
  head.writeUInt32BE(stream, 5)
  return Buffer.concat([head, payload])
}

/** A string literal; its length is an integer with a prefix of 7 bits. */
function text(value: string): Buffer {
  const bytes = Buffer.from(value)
  if (bytes.length < 127) return Buffer.concat([Buffer.from([bytes.length]), bytes])
  const length = [127]
  let rest = bytes.length - 127
  for (; rest > 127; rest = Math.floor(rest / 128)) length.push((rest % 128) + 128)
  return Buffer.concat([Buffer.from([...length, rest]), bytes])
}
