/**
 * One HTTP/2 stream in the shape that the pipeline knows: a request and an answer as node:http has them. node's own compatibility layer
 * is not used: it ends the body of a request that was reset as if it were whole, and says that an answer was read which was reset.
 */
import { EventEmitter } from 'node:events'
import type { IncomingMessage, ServerResponse } from 'node:http'
import { constants, type IncomingHttpHeaders, type ServerHttp2Stream } from 'node:http2'
import type { Socket } from 'node:net'
import { Readable } from 'node:stream'
import { refuse, type Refusal } from '@lockkeeper/domain/errors'
import { isGrpc } from './grpc.ts'

/** The client reset the stream before its request was whole. */
class StreamReset extends Error {
  constructor() { super('the client reset the stream') }
}

class AnswerBrokenOff extends Error {
  constructor() { super('the answer is broken off') }
}

/** RFC 9113 section 8.2.2: what speaks about an HTTP/1.1 connection has no place in an answer. */
const OF_THE_CONNECTION: ReadonlySet<string> = new Set(['connection', 'keep-alive', 'proxy-connection', 'transfer-encoding', 'upgrade'])

export interface Http2Message {
  readonly request: IncomingMessage
  readonly response: ServerResponse
  /** Why no door may take it. */
  readonly refusal: Refusal | undefined
}

/** `ended`: the head was the whole request. */
export function http2Message(stream: ServerHttp2Stream, headers: IncomingHttpHeaders, rawHeaders: readonly string[], ended: boolean, socket: Socket): Http2Message {
  const { fields, authorities } = fieldsOf(rawHeaders)
  const request = new StreamRequest(stream, headers, fields, ended, socket, authorities[0])
  return { request: request as unknown as IncomingMessage, response: new StreamAnswer(stream, request) as unknown as ServerResponse, refusal: refusalOf(headers, authorities) }
}

function refusalOf(headers: IncomingHttpHeaders, authorities: readonly string[]): Refusal | undefined {
  // RFC 9113 section 8.3.1: an intermediary that sees both must not take one for the other.
  if (new Set(authorities).size > 1) return refuse('REQUEST_AMBIGUOUS', 'The request names more than one host, in :authority and Host. Nothing was sent; send it once.')
  if (isGrpc(headers['content-type'])) return refuse('METHOD_UNKNOWN', 'gRPC is not understood here yet, so nothing of it can be judged. Nothing was sent; use the REST form of the method.')
  return undefined
}

/** Raw pairs without pseudo-headers and Host, and every host that was named. */
function fieldsOf(raw: readonly string[]): { readonly fields: string[], readonly authorities: readonly string[] } {
  const fields: string[] = []
  const authorities: string[] = []
  for (let index = 0; index < raw.length; index += 2) {
    const name = raw[index] as string
    const value = raw[index + 1] as string
    if (name === ':authority' || name === 'host') authorities.push(value.toLowerCase())
    else if (!name.startsWith(':')) fields.push(name, value)
  }
  return { fields, authorities }
}

class StreamRequest extends Readable {
  readonly method: string
  readonly url: string
  readonly headers: Readonly<Record<string, string | string[] | undefined>>
  readonly rawHeaders: readonly string[]
  readonly socket: Socket
  readonly httpVersionMajor = 2
  readonly contentType: string | undefined
  complete: boolean

  constructor(stream: ServerHttp2Stream, headers: IncomingHttpHeaders, fields: string[], ended: boolean, socket: Socket, authority: string | undefined) {
    super({ read: () => void stream.resume() })
    this.method = String(headers[':method'] ?? '')
    this.url = headers[':path'] ?? ''
    this.socket = socket
    this.contentType = headers['content-type']
    this.complete = ended
    if (authority !== undefined) fields.push('host', authority)
    // A body of unknown length, in the words that the pipeline has for one.
    const unmeasured = !ended && headers['content-length'] === undefined
    if (unmeasured) fields.push('transfer-encoding', 'chunked')
    this.rawHeaders = fields
    this.headers = { ...Object.fromEntries(Object.entries(headers).filter(([name]) => !name.startsWith(':'))), host: authority, ...unmeasured ? { 'transfer-encoding': 'chunked' } : {} }
    // Whoever waits for the body is told by `close` too; a request that nobody reads fails for nobody.
    this.on('error', () => undefined)
    if (ended) {
      this.push(null)
      return
    }
    const broken = (): void => { if (!this.complete) this.destroy(new StreamReset()) }
    stream.pause()
    stream.on('data', (chunk: Buffer) => { if (!this.push(chunk)) stream.pause() })
    // A reset without an error looks like an end; a stream that is closed by then has not been ended by its sender.
    stream.once('end', () => {
      if (stream.closed) return broken()
      this.complete = true
      this.push(null)
    })
    stream.once('aborted', broken)
    stream.once('close', broken)
  }
}

class StreamAnswer extends EventEmitter {
  readonly req: StreamRequest
  readonly #stream: ServerHttp2Stream
  writableEnded = false
  writableFinished = false

  constructor(stream: ServerHttp2Stream, request: StreamRequest) {
    super()
    this.#stream = stream
    this.req = request
    stream.on('drain', () => this.emit('drain'))
    // The other side of a stream may go at any time; what matters of it is said by `close`.
    stream.on('error', () => undefined)
    stream.once('close', () => {
      const whole = this.writableEnded && stream.rstCode === constants.NGHTTP2_NO_ERROR && !stream.aborted
      if (whole) {
        this.writableFinished = true
        this.emit('finish')
      }
      this.emit('close')
    })
  }

  get headersSent(): boolean { return this.#stream.headersSent }
  get destroyed(): boolean { return this.#stream.destroyed || this.#stream.closed }
  get closed(): boolean { return this.#stream.closed }

  writeContinue(): void {
    if (!this.destroyed) this.#stream.additionalHeaders({ ':status': 100 })
  }

  writeHead(status: number, given: readonly string[] | Readonly<Record<string, string | number>> = []): this {
    if (this.destroyed) return this
    const pairs = Array.isArray(given) ? given as readonly string[] : Object.entries(given).flatMap(([name, value]) => [name, String(value)])
    const fields: Record<string, string | string[]> = Object.create(null) as Record<string, string | string[]>
    for (let index = 0; index < pairs.length; index += 2) {
      const name = (pairs[index] as string).toLowerCase()
      if (OF_THE_CONNECTION.has(name)) continue
      const value = pairs[index + 1] as string
      const before = fields[name]
      fields[name] = before === undefined ? value : [before, value].flat()
    }
    // A refusal of gRPC is its head alone: clients look for the status in trailers wherever a body could come.
    this.#stream.respond({ ...fields, ':status': status }, { endStream: fields['grpc-status'] !== undefined && isGrpc(this.req.contentType) })
    return this
  }

  write(chunk: Uint8Array | string, encoding: BufferEncoding = 'utf8'): boolean {
    return this.destroyed || this.#stream.write(chunk, encoding)
  }

  end(chunk?: Uint8Array | string, encoding: BufferEncoding = 'utf8'): this {
    this.writableEnded = true
    if (this.destroyed) return this
    // RFC 9113 section 8.1: the answer is whole and the rest of its request is not wanted. Left open, each would lie here for as long as its sender likes.
    if (!this.req.complete) this.#stream.once('finish', () => this.#stream.close(constants.NGHTTP2_NO_ERROR))
    if (chunk === undefined) this.#stream.end()
    else this.#stream.end(chunk, encoding)
    return this
  }

  /** Its end must not look like a whole one. */
  destroy(): this {
    // Closing it would end it first.
    this.#stream.destroy(new AnswerBrokenOff())
    return this
  }
}
