/**
 * Where Slack posts clicks. The notifier passes them on as they came and believes none of them: it does not hold the signing secret,
 * because who holds it could make a click (invariant 7). What it checks keeps noise off the bus: form, age, whether the click names a
 * message of ours by its unguessable ref, and whether the same click came before.
 */
import { equalInConstantTime, sha256 } from '@lockkeeper/domain/digest'
import { isRefusal, LockkeeperError } from '@lockkeeper/domain/errors'
import { cloudEvent, MOST_SLACK_BODY, type EventData } from '@lockkeeper/domain/events'
import { readSlackClick, type ReadSlackClick } from '@lockkeeper/domain/slack-click'
import type { Clock } from '@lockkeeper/domain'
import { PortUnavailable, type DocumentStore, type Ref } from '@lockkeeper/domain/ports'
import type { Log } from '@lockkeeper/service-kit'
import express, { type ErrorRequestHandler, type Request, type Response, type Router } from 'express'
import { clickEventId } from './click-event.ts'
import { deliveries, REMEMBER_MS, seenClicks, subjects, type SeenClick } from './collections.ts'

export interface CallbackParts {
  readonly documents: DocumentStore
  readonly clock: Clock
  readonly log: Log
  /** Names of the channels of kind slack. */
  readonly slackChannels: ReadonlySet<string>
}

interface Arrived { readonly body: string, readonly timestamp: string, readonly signature: string }
type Passed = 'passed' | 'seen' | 'unknown'

const PATH = '/slack/interactivity'
const SOURCE = '/notifier'
/** As Slack says: what is older is a replay. */
const FRESH_MS = 300_000
const AT_ONCE = 50

export function slackCallback(parts: CallbackParts): Router {
  const router = express.Router()
  let inFlight = 0
  router.post(PATH, (_request, response, next) => {
    if (inFlight >= AT_ONCE) return void response.set('retry-after', '1').sendStatus(503)
    inFlight += 1
    response.once('close', () => { inFlight -= 1 })
    next()
  }, express.raw({ type: 'application/x-www-form-urlencoded', limit: MOST_SLACK_BODY, inflate: false }), async (request, response) => {
    const { status, why } = await receive(parts, request)
    if (status !== 200) parts.log.warn({ status, why }, 'a callback of Slack was not passed on')
    // Slack takes an empty 200 within 3 s as understood; the message changes once the approval service has decided.
    finish(response, status)
  })
  router.use(PATH, failure(parts.log))
  return router
}

async function receive(parts: CallbackParts, request: Request): Promise<{ readonly status: number, readonly why?: string }> {
  const arrived = read(request)
  if (arrived === undefined) return { status: 400, why: 'it is no signed form' }
  const age = parts.clock.now() - Number(arrived.timestamp) * 1000
  if (Math.abs(age) > FRESH_MS) return { status: 401, why: 'it is over five minutes old or from the future' }
  const click = readSlackClick(arrived.body)
  // Links are buttons too, and Slack tells of them.
  if (click === undefined) return { status: 200 }
  switch (await passOn(parts, arrived, click)) {
    case 'passed': return { status: 200 }
    case 'seen': return { status: 409, why: 'the same click came before' }
    case 'unknown': return { status: 404, why: 'it names no message of ours' }
  }
}

function read(request: Request): Arrived | undefined {
  const timestamp = request.get('x-slack-request-timestamp')
  const signature = request.get('x-slack-signature')
  const bytes: unknown = request.body
  if (timestamp === undefined || signature === undefined || !Buffer.isBuffer(bytes)) return undefined
  if (!/^\d{9,11}$/.test(timestamp) || !/^v0=[0-9a-f]{64}$/.test(signature)) return undefined
  const body = bytes.toString('utf8')
  // What is not text would reach the approval service as other bytes than Slack signed.
  return Buffer.from(body).equals(bytes) ? { body, timestamp, signature } : undefined
}

/** The mark and the event commit together: a click is passed on once, and never lost once it is marked. */
async function passOn({ documents, slackChannels }: CallbackParts, { body, timestamp, signature }: Arrived, click: ReadSlackClick): Promise<Passed> {
  const delivery = await messageOf(documents, slackChannels, click)
  if (delivery === undefined) return 'unknown'
  const id = sha256(JSON.stringify([timestamp, signature]))
  const ref: Ref<SeenClick> = { collection: seenClicks, id }
  const { approval, digest, verdict, reason, member } = click
  const decision: EventData<'decision.submitted'> = { approval, digest, verdict, proof: { kind: 'slack', body, timestamp, signature }, ...reason === undefined ? {} : { reason } }
  const outcome = await documents.transact<Passed>([ref], ([seen], now) => {
    if (seen !== undefined) return { writes: [], facts: [], result: 'seen' }
    return { writes: [{ kind: 'create', ref, data: { approval, delivery, member: member.slice(0, 64), at: now, deleteAt: now + REMEMBER_MS } }], facts: [cloudEvent('decision.submitted', SOURCE, clickEventId(id), now, decision, approval)], result: 'passed' }
  })
  if (isRefusal(outcome)) throw new LockkeeperError(outcome.reason, outcome.message)
  return outcome
}

/** Id of the message with the button; undefined where the click names none of ours. */
async function messageOf(documents: DocumentStore, slackChannels: ReadonlySet<string>, { approval, digest, ref }: ReadSlackClick): Promise<string | undefined> {
  const id = ref.split('.')[0] ?? ''
  if (!/^[\w-]{32}$/.test(id)) return undefined
  const [delivery] = await documents.read([{ collection: deliveries, id }])
  if (delivery === undefined || !slackChannels.has(delivery.data.channel) || delivery.data.subject !== approval || !equalInConstantTime(delivery.data.ref, ref)) return undefined
  const [about] = await documents.read([{ collection: subjects, id: approval }])
  return about?.data.subject.kind === 'approval' && about.data.subject.asked?.digest === digest ? id : undefined
}

function finish(response: Response, status: number): void {
  response.status(status).set('cache-control', 'no-store').end()
}

function failure(log: Log): ErrorRequestHandler {
  return (cause: unknown, _request, response, next) => {
    if (response.headersSent) return next(cause)
    const status = (cause as { readonly status?: unknown }).status
    if (typeof status === 'number' && status >= 400 && status < 500) return finish(response, status)
    log.error({ err: cause }, cause instanceof PortUnavailable ? 'a click could not be passed on' : 'a callback failed')
    finish(response, 503)
  }
}
