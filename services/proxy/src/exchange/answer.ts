/**
 * The way of one answer to the agent. Small answers are collected and written once; large ones stream with back-pressure.
 * Nothing is released before the intent is durable and, for approved calls, before the outcome is stored (invariants 1, 5 and 9).
 */
import type { ServerResponse } from 'node:http'
import { createBrotliDecompress, createGunzip, createInflate } from 'node:zlib'
import type { Transform } from 'node:stream'
import { LockkeeperError } from '@lockkeeper/domain/errors'
import { transformStream, transformWhole, type BodyTransform, type TransformParts } from './body-transform.ts'
import { forChangedBody, type ResponseHead } from './response-headers.ts'

export interface AnswerPlan {
  readonly transform: TransformParts
  /** Bytes up to which the answer is collected and written at once. */
  readonly collect: number
  /** Bytes of the finished body to keep for records and receipts. */
  readonly keep: number
  /** Bytes of body at most; over it nothing more is released. */
  readonly max: number
  /** Headers of the gateway's own, raw pairs. */
  readonly extra: readonly string[]
  /** Awaited before the first byte leaves; `body` is whole when the answer was collected. */
  readonly release: (body: Uint8Array | undefined, headers: readonly string[]) => Promise<void>
}

export interface Flow { pause(): void, resume(): void, abort(error: Error): void }

export interface Finished {
  readonly bytes: number
  readonly masked: number
  /** Undefined: more than `keep` bytes. */
  readonly body: Uint8Array | undefined
}

export class Answer {
  readonly head: ResponseHead
  readonly #plan: AnswerPlan
  readonly #response: ServerResponse
  readonly #flow: Flow
  readonly #changes: boolean
  readonly #inflate: Transform | undefined
  readonly #done = Promise.withResolvers<Finished>()
  #collected: Uint8Array[] | undefined = []
  #size = 0
  #stream: BodyTransform | undefined
  #kept: Uint8Array[] | undefined = []
  #keptSize = 0
  #sent = 0
  #opening = false
  #ended = false

  constructor(head: ResponseHead, plan: AnswerPlan, response: ServerResponse, flow: Flow) {
    this.head = head
    this.#plan = plan
    this.#response = response
    this.#flow = flow
    this.#changes = plan.transform.masker !== undefined || plan.transform.links !== undefined
    this.#inflate = this.#changes ? this.#open(head.contentEncoding) : undefined
    if (head.contentLength !== undefined && head.contentLength > plan.max) throw tooLarge(plan.max)
  }

  /** Resolves when every byte was handed to the agent's socket; rejects when the answer cannot be finished. */
  get finished(): Promise<Finished> { return this.#done.promise }
  get begun(): boolean { return this.#response.headersSent }

  write(chunk: Uint8Array): void {
    if (this.#inflate === undefined) this.#take(chunk)
    else if (!this.#inflate.write(chunk)) {
      this.#flow.pause()
      this.#inflate.once('drain', () => this.#flow.resume())
    }
  }

  end(): void {
    if (this.#inflate === undefined) this.#finish()
    else this.#inflate.end()
  }

  fail(error: Error): void {
    this.#inflate?.destroy()
    this.#done.reject(error)
  }

  #open(encoding: string | undefined): Transform | undefined {
    const name = encoding?.toLowerCase()
    if (name === undefined || name === 'identity') return undefined
    const inflate = name === 'gzip' || name === 'x-gzip' ? createGunzip() : name === 'deflate' ? createInflate() : createBrotliDecompress()
    inflate.on('data', (chunk: Buffer) => this.#take(chunk))
    inflate.once('end', () => this.#finish())
    inflate.once('error', (cause) => this.#stop(new LockkeeperError('CANNOT_MASK', 'The answer must be masked and does not decompress. Nothing of it was released.', { cause })))
    return inflate
  }

  #take(chunk: Uint8Array): void {
    if (this.#ended) return
    this.#size += chunk.length
    if (this.#size > this.#plan.max) return this.#stop(tooLarge(this.#plan.max))
    if (this.#collected !== undefined) {
      this.#collected.push(chunk)
      if (this.#size > this.#plan.collect) this.#overflow()
      return
    }
    this.#pass(chunk)
  }

  /** Too large to collect: from here on the answer streams. */
  #overflow(): void {
    if (this.#opening) return
    this.#opening = true
    this.#hold()
    const headers = this.#headers(undefined)
    this.#plan.release(undefined, headers).then(() => {
      if (this.#ended) return
      this.#response.writeHead(this.head.status, headers)
      this.#stream = transformStream(this.#plan.transform)
      const waiting = this.#collected ?? []
      this.#collected = undefined
      this.#opening = false
      for (const chunk of waiting) this.#pass(chunk)
      this.#letGo()
      if (this.#finishing) this.#finish()
    }).catch((error: unknown) => this.#stop(error as Error))
  }

  #finishing = false

  #hold(): void {
    if (this.#inflate === undefined) this.#flow.pause()
    else this.#inflate.pause()
  }

  #letGo(): void {
    if (this.#inflate === undefined) this.#flow.resume()
    else this.#inflate.resume()
  }

  #pass(chunk: Uint8Array): void {
    if (this.#ended || this.#stream === undefined) return
    try {
      this.#emit(this.#stream.push(chunk))
    } catch (error) {
      this.#stop(error as Error)
    }
  }

  #emit(parts: readonly Uint8Array[]): void {
    for (const part of parts) {
      this.#sent += part.length
      this.#keep(part)
      if (this.#response.write(part) || this.#response.writableNeedDrain === false) continue
      this.#hold()
      this.#response.once('drain', () => this.#letGo())
    }
  }

  #keep(part: Uint8Array): void {
    if (this.#kept === undefined) return
    this.#keptSize += part.length
    if (this.#keptSize > this.#plan.keep) this.#kept = undefined
    // A transform may hand out views of a buffer that lives on; what is kept is small.
    else this.#kept.push(part)
  }

  #finish(): void {
    if (this.#ended) return
    if (this.#opening) {
      this.#finishing = true
      return
    }
    try {
      if (this.#stream === undefined) return this.#finishCollected()
      this.#emit(this.#stream.end())
      this.#ended = true
      this.#response.end()
      this.#done.resolve({ bytes: this.#sent, masked: this.#stream.masked, body: this.#kept === undefined ? undefined : Buffer.concat(this.#kept) })
    } catch (error) {
      this.#stop(error as Error)
    }
  }

  #finishCollected(): void {
    const collected = this.#collected as Uint8Array[]
    const whole = collected.length === 1 ? collected[0] as Uint8Array : Buffer.concat(collected)
    const { bytes, masked } = transformWhole(whole, this.#plan.transform)
    const headers = this.#headers(bytes.length)
    this.#ended = true
    this.#plan.release(bytes, headers).then(() => {
      this.#response.writeHead(this.head.status, headers)
      this.#response.end(bytes)
      this.#done.resolve({ bytes: bytes.length, masked, body: bytes.length <= this.#plan.keep ? bytes : undefined })
    }).catch((error: unknown) => this.#done.reject(error as Error))
  }

  /** Known length: framed by it; unknown: chunked by the server. A HEAD answer keeps the length that it describes. */
  #headers(length: number | undefined): string[] {
    const kept = this.#changes ? forChangedBody(this.head.headers) : [...this.head.headers]
    const declared = kept.some((name, index) => index % 2 === 0 && name.toLowerCase() === 'content-length')
    const bodiless = this.head.status === 204 || this.head.status === 304 || this.#response.req.method === 'HEAD'
    if (length !== undefined && !declared && !bodiless) kept.push('Content-Length', String(length))
    kept.push(...this.#plan.extra)
    return kept
  }

  #stop(error: Error): void {
    if (this.#ended) return
    this.#ended = true
    this.#inflate?.destroy()
    this.#flow.abort(error)
    this.#done.reject(error)
  }
}

function tooLarge(limit: number): LockkeeperError {
  return new LockkeeperError('POLICY_DENIED', `The answer is over the ${limit} bytes that policy allows for this call. A read changed nothing; ask for less at once.`)
}
