/**
 * The way of one answer to the agent. Small answers are collected and written once; large ones stream with back-pressure.
 * Nothing is released before the intent is durable and, for approved calls, before the outcome is stored (invariants 1, 5 and 9).
 */
import type { ServerResponse } from 'node:http'
import { LockkeeperError } from '@lockkeeper/domain/errors'
import { AgentWriter } from './agent-writer.ts'
import { transformStream, transformWhole, type BodyTransform, type TransformParts } from './body-transform.ts'
import { openBody, type OpenedBody } from './open-body.ts'
import { forChangedBody, forOwnBody, type ResponseHead } from './response-headers.ts'

export interface AnswerPlan {
  readonly transform: TransformParts
  /** Content encoding to open; undefined: the body is read as it comes. */
  readonly open: string | undefined
  /** Takes the place of the upstream's own body, which is read and dropped. */
  readonly instead: { readonly contentType: string, readonly body: Uint8Array, readonly headers: readonly string[] } | undefined
  /** Bytes up to which the answer is collected and written at once. */
  readonly collect: number
  /** Bytes of the finished body to keep for records and receipts. */
  readonly keep: number
  /** Bytes of body at most; over it nothing more is released. */
  readonly max: number
  /** Ms that the client may read nothing. */
  readonly stallMs: number
  /** Called once before anything leaves: the id of the record that stands for the answer. Undefined: the answer streams, and how it ends is not known yet. */
  readonly record: (whole: Finished | undefined) => string
  /** Awaited before the first byte leaves; `body` is whole when the answer was collected. */
  readonly release: (body: Uint8Array | undefined, headers: readonly string[]) => Promise<void>
}

/** Bytes of one answer that are masked in one turn of the event loop. */
const INSPECT_AT_ONCE = 8 * 1024

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
  readonly #agent: AgentWriter
  readonly #flow: Flow
  readonly #opened: OpenedBody | undefined
  readonly #done = Promise.withResolvers<Finished>()
  #collected: Uint8Array[] | undefined = []
  #size = 0
  #stream: BodyTransform | undefined
  #kept: Uint8Array[] | undefined = []
  #keptSize = 0
  #sent = 0
  #begun = false
  #opening = false
  #endedEarly = false
  /** The agent does not take more for now. */
  #full = false
  /** Pieces that wait for a turn of their own to be masked. */
  readonly #waiting: Uint8Array[] = []
  #pumping = false
  #over = false

  constructor(head: ResponseHead, plan: AnswerPlan, response: ServerResponse, flow: Flow) {
    if (head.contentLength !== undefined && head.contentLength > plan.max && plan.instead === undefined) throw tooLarge(plan.max)
    this.head = head
    this.#plan = plan
    this.#flow = flow
    this.#agent = new AgentWriter(response, plan.stallMs, () => {
      this.#full = false
      this.#letGo()
    })
    if (plan.open !== undefined && plan.instead === undefined) this.#opened = openBody(plan.open, { take: (chunk) => this.#take(chunk), end: () => this.#finish(), fail: (cause) => this.#stop(cannotOpen(cause)), onDrain: () => this.#flow.resume() })
  }

  /** Resolves when every byte was written to the agent's socket; rejects when the answer cannot be finished. */
  get finished(): Promise<Finished> { return this.#done.promise }
  /** Part of it may have left. */
  get begun(): boolean { return this.#begun }

  write(chunk: Uint8Array): void {
    if (this.#opened === undefined) this.#take(chunk)
    else if (!this.#opened.write(chunk)) this.#flow.pause()
  }

  end(): void {
    if (this.#opened === undefined) this.#finish()
    else this.#opened.end()
  }

  fail(error: Error): void {
    this.#over = true
    this.#opened?.destroy()
    this.#done.reject(error)
  }

  #take(chunk: Uint8Array): void {
    if (this.#over || this.#plan.instead !== undefined) return
    this.#size += chunk.length
    if (this.#size > this.#plan.max) return this.#stop(tooLarge(this.#plan.max))
    if (this.#collected === undefined) return this.#pass(chunk)
    this.#collected.push(chunk)
    if (this.#size > this.#plan.collect && !this.#opening) this.#overflow()
  }

  /** Too large to collect: from here on the answer streams. */
  #overflow(): void {
    this.#opening = true
    this.#hold()
    let headers: string[]
    try {
      headers = this.#headers(undefined, undefined)
    } catch (error) {
      return this.#stop(error as Error)
    }
    this.#plan.release(undefined, headers).then(() => {
      if (this.#over) return
      this.#begin(headers)
      this.#stream = transformStream(this.#plan.transform)
      const waiting = this.#collected ?? []
      this.#collected = undefined
      this.#opening = false
      for (const chunk of waiting) this.#pass(chunk)
      this.#letGo()
      if (this.#endedEarly) this.#finish()
    }).catch((error: unknown) => this.#stop(error as Error))
  }

  #begin(headers: readonly string[]): void {
    this.#begun = true
    this.#agent.begin(this.head.status, headers)
  }

  #hold(): void {
    if (this.#opened === undefined) this.#flow.pause()
    else this.#opened.pause()
  }

  #letGo(): void {
    if (this.#over || this.#opening || this.#full || this.#pumping) return
    if (this.#opened === undefined) this.#flow.resume()
    else this.#opened.resume()
  }

  #pass(chunk: Uint8Array): void {
    if (this.#plan.transform.masker === undefined) this.#push(chunk)
    else this.#queue(chunk)
  }

  #push(chunk: Uint8Array): void {
    if (this.#over || this.#stream === undefined) return
    try {
      this.#emit(this.#stream.push(chunk))
    } catch (error) {
      this.#stop(error as Error)
    }
  }

  #emit(parts: readonly Uint8Array[]): void {
    let free = true
    for (const part of parts) {
      this.#sent += part.length
      this.#keep(part)
      free = this.#agent.write(part) && free
    }
    if (free) return
    this.#full = true
    this.#hold()
  }

  /** A large answer that is masked gives other calls their turn: a socket hands over megabytes without a pause. */
  #queue(chunk: Uint8Array): void {
    for (let at = 0; at < chunk.length; at += INSPECT_AT_ONCE) this.#waiting.push(chunk.subarray(at, at + INSPECT_AT_ONCE))
    if (!this.#pumping) this.#pump()
  }

  #pump(): void {
    const next = this.#waiting.shift()
    if (next !== undefined) this.#push(next)
    if (this.#over) return
    this.#pumping = this.#waiting.length > 0
    if (this.#pumping) {
      this.#hold()
      setImmediate(() => this.#pump())
    } else if (this.#endedEarly) this.#finish()
    else this.#letGo()
  }

  #keep(part: Uint8Array): void {
    if (this.#kept === undefined) return
    this.#keptSize += part.length
    if (this.#keptSize > this.#plan.keep) this.#kept = undefined
    else this.#kept.push(part)
  }

  #finish(): void {
    if (this.#over) return
    if (this.#opening || this.#pumping) {
      this.#endedEarly = true
      return
    }
    try {
      if (this.#stream === undefined) return this.#finishCollected()
      this.#emit(this.#stream.end())
      this.#over = true
      this.#agent.end()
      this.#done.resolve({ bytes: this.#sent, masked: this.#stream.masked, body: this.#kept === undefined ? undefined : Buffer.concat(this.#kept) })
    } catch (error) {
      this.#stop(error as Error)
    }
  }

  #finishCollected(): void {
    const { instead, transform, keep } = this.#plan
    const collected = this.#collected as Uint8Array[]
    const { bytes, masked } = instead === undefined ? transformWhole(collected.length === 1 ? collected[0] as Uint8Array : Buffer.concat(collected), transform) : { bytes: instead.body, masked: 0 }
    const finished: Finished = { bytes: bytes.length, masked, body: bytes.length <= keep ? bytes : undefined }
    const headers = this.#headers(bytes.length, finished)
    this.#over = true
    this.#plan.release(bytes, headers).then(() => {
      this.#begun = true
      this.#agent.whole(this.head.status, headers, bytes)
      this.#done.resolve(finished)
    }).catch((error: unknown) => this.#done.reject(error as Error))
  }

  /** Known length: framed by it; unknown: chunked by the server. A HEAD answer keeps the length that it describes. */
  #headers(length: number | undefined, whole: Finished | undefined): string[] {
    const { instead, open, transform, record } = this.#plan
    const changes = transform.masker !== undefined || transform.links !== undefined || open !== undefined
    const kept = instead !== undefined ? [...forOwnBody(this.head.headers), 'Content-Type', instead.contentType, ...instead.headers] : changes ? forChangedBody(this.head.headers) : [...this.head.headers]
    const declared = kept.some((name, index) => index % 2 === 0 && name.toLowerCase() === 'content-length')
    const bodiless = this.head.status === 204 || this.head.status === 304 || this.#agent.verb === 'HEAD'
    if (length !== undefined && !declared && !bodiless) kept.push('Content-Length', String(length))
    kept.push('X-Lockkeeper-Record', record(whole))
    return kept
  }

  #stop(error: Error): void {
    if (this.#over) return
    this.#over = true
    this.#opened?.destroy()
    this.#done.reject(error)
    this.#flow.abort(error)
  }
}

function tooLarge(limit: number): LockkeeperError {
  return new LockkeeperError('POLICY_DENIED', `The answer is over the ${limit} bytes that policy allows for this call. A read changed nothing; ask for less at once.`)
}

function cannotOpen(cause: Error): LockkeeperError {
  return new LockkeeperError('CANNOT_MASK', 'The answer must be inspected and does not decompress. Nothing more of it was released.', { cause })
}
