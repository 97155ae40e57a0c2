/**
 * The live inbox: server-sent events (WHATWG HTML, 9.2). One poll of the approval service serves all streams; a stream whose reader does
 * not keep up is ended, and the browser comes again by itself with the id of what it saw last.
 */
import { sha256 } from '@lockkeeper/domain/digest'
import { LockkeeperError, refuse } from '@lockkeeper/domain/errors'
import { PortUnavailable } from '@lockkeeper/domain/ports'
import type { Clock } from '@lockkeeper/domain'
import { repeat, type Log, type RepeatedWork } from '@lockkeeper/service-kit'
import { sendProblem } from '@lockkeeper/service-kit/server'
import type { Request, Response } from 'express'
import { signedInOf } from './api-session.ts'
import type { Inbox, WaitingCall } from './api-types.ts'
import { withQuery, type ServiceApi } from './service-api.ts'
import type { Sessions } from './sessions.ts'

export interface InboxStream {
  /** What waits now, 200 at a time, newest first. PortUnavailable; LockkeeperError REQUEST_INVALID for a cursor of another list. */
  read(cursor?: string): Promise<Inbox>
  open(request: Request, response: Response): void
  /** Looks again at once: somebody has just decided. */
  wake(): void
  /** Ends all streams. */
  close(): Promise<void>
}

export interface StreamParts {
  readonly approval: ServiceApi
  readonly sessions: Sessions
  readonly clock: Clock
  readonly log: Log
  /** Ms between two polls while anybody looks. Default 1,000. */
  readonly everyMs?: number
}

const MOST_STREAMS = 200
const MOST_PER_SESSION = 6
const HEARTBEAT_MS = 15_000
/** Ms until the browser tries again after a cut. */
const RETRY_MS = 2_000
const MOST_UNSENT_BYTES = 1024 * 1024

interface Stream { readonly response: Response, readonly session: string, sent: string, beatAt: number }
interface Seen { readonly waiting: readonly WaitingCall[], readonly cursor?: string, readonly id: string }

export function createInboxStream({ approval, sessions, clock, log, everyMs = 1_000 }: StreamParts): InboxStream {
  const streams = new Set<Stream>()
  let seen: Seen | undefined
  let trouble = false
  let work: RepeatedWork | undefined
  let polling: Promise<void> | undefined

  async function look(from?: string): Promise<Seen> {
    const { status, body } = await approval.call({ method: 'GET', path: withQuery('/v1/waiting', { limit: '200', cursor: from }) })
    if (status === 400) throw new LockkeeperError('REQUEST_INVALID', 'The cursor is none of this list.')
    if (status >= 400) throw new PortUnavailable(`the approval service answered ${status}`)
    const { waiting, cursor } = body as { readonly waiting: readonly WaitingCall[], readonly cursor?: string }
    return { waiting, ...cursor === undefined ? {} : { cursor }, id: sha256(JSON.stringify(waiting)).slice(0, 22) }
  }

  const inboxOf = ({ waiting, cursor }: Seen): Inbox => ({ waiting, ...cursor === undefined ? {} : { cursor }, now: clock.now() })

  function write(stream: Stream, text: string): void {
    if (stream.response.writableLength > MOST_UNSENT_BYTES) return void stream.response.destroy()
    stream.response.write(text)
    stream.beatAt = clock.now()
  }

  function tell(stream: Stream, now: number, stands: boolean): void {
    if (!trouble && !stands) stream.response.end('event: signed-out\ndata: {}\n\n')
    else if (trouble) {
      if (stream.sent !== 'trouble') write(stream, 'event: trouble\ndata: {}\n\n')
      stream.sent = 'trouble'
    } else if (seen !== undefined && stream.sent !== seen.id) {
      write(stream, `id: ${seen.id}\nevent: inbox\ndata: ${JSON.stringify(inboxOf(seen))}\n\n`)
      stream.sent = seen.id
    } else if (now - stream.beatAt >= HEARTBEAT_MS) write(stream, ': still here\n\n')
  }

  async function pollOnce(): Promise<void> {
    // Who cannot be told to be signed in still is shown nothing.
    let standing: ReadonlySet<string> = new Set()
    const asked = new Set(streams)
    try {
      const found = await Promise.all([look(), sessions.standing([...asked].map(({ session }) => session))])
      ;[seen, standing] = found
      if (trouble) log.info({}, 'the inbox can be read again')
      trouble = false
    } catch (cause) {
      if (!trouble) log.warn({ err: cause }, 'the inbox cannot be read; streams say so')
      trouble = true
    }
    const now = clock.now()
    // Who came meanwhile was let in a moment ago.
    for (const stream of streams) tell(stream, now, !asked.has(stream) || standing.has(stream.session))
  }

  /** One at a time; who asks meanwhile waits for the one that runs. */
  function poll(): Promise<void> {
    polling ??= pollOnce().finally(() => { polling = undefined })
    return polling
  }

  async function rest(): Promise<void> {
    if (streams.size > 0) return
    const stopped = work
    work = undefined
    seen = undefined
    await stopped?.stop()
  }

  return {
    read: async (cursor) => inboxOf(await look(cursor)),
    open(request, response) {
      const { id: session } = signedInOf(request)
      const own = [...streams].filter((each) => each.session === session).length
      if (streams.size >= MOST_STREAMS || own >= MOST_PER_SESSION) return sendProblem(response, refuse('OVERLOADED', 'Too many pages are open here. Close some; this one tries again by itself.'))
      const last = request.headers['last-event-id']
      const stream: Stream = { response, session, sent: typeof last === 'string' ? last : '', beatAt: clock.now() }
      response.status(200).set({ 'content-type': 'text/event-stream; charset=utf-8', 'cache-control': 'no-store', 'x-accel-buffering': 'no' })
      response.write(`retry: ${RETRY_MS}\n\n`)
      streams.add(stream)
      response.once('close', () => {
        streams.delete(stream)
        void rest()
      })
      work ??= repeat({ everyMs, first: 'later', work: poll, failed: (cause) => log.error({ err: cause }, 'the inbox could not be told') })
      void poll()
    },
    wake() {
      if (streams.size > 0) void poll().then(poll)
    },
    async close() {
      for (const { response } of streams) response.end()
      streams.clear()
      await rest()
    },
  }
}
