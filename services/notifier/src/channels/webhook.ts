/**
 * A receiver of one's own: each fact as it is, a CloudEvent, signed as Standard Webhooks says (standardwebhooks.com): the id is the
 * same with every attempt, so that a receiver can tell a second one from a second fact.
 */
import { createHmac } from 'node:crypto'
import { strike } from '@lockkeeper/service-kit'
import type { Clock } from '@lockkeeper/domain'
import type { SecretSource } from '@lockkeeper/domain/ports'
import { retryAfterMs } from '../backoff.ts'
import type { Post } from '../http-post.ts'
import { concerns, type People } from '../people.ts'
import { secretOf } from '../secret-of.ts'
import type { ChannelOf } from '../settings.ts'
import type { Subject } from '../subject.ts'
import { approvalOf } from '../words.ts'
import type { Attempt, Channel, Message } from './channel.ts'

export interface WebhookParts {
  readonly post: Post
  readonly secrets: SecretSource
  readonly people: People
  readonly clock: Clock
  readonly link: (approval: string) => string | undefined
}

const LEAST_KEY = 24
const MOST_KEY = 64

export function createWebhookChannel(settings: ChannelOf<'webhook'>, parts: WebhookParts): Channel {
  async function key(): Promise<{ readonly bytes: Buffer } | { readonly why: string }> {
    const secret = await secretOf(parts.secrets, settings.secret)
    if ('why' in secret) return secret
    const bytes = webhookKey(secret.value)
    return bytes === undefined ? { why: `the secret ${settings.secret} is not whsec_ and ${LEAST_KEY} to ${MOST_KEY} bytes in base64` } : { bytes }
  }

  async function send({ id, event, subject }: Message): Promise<Attempt> {
    if (event === undefined) throw new TypeError('a webhook sends facts')
    const found = await key()
    if ('why' in found) return { kind: 'again', why: found.why, down: true }
    const approval = approvalOf(subject)
    const link = approval === undefined ? undefined : parts.link(approval)
    const body = strike(JSON.stringify(link === undefined ? event : { ...event, data: { ...event.data as object, url: link } }))
    const timestamp = String(Math.floor(parts.clock.now() / 1000))
    const posted = await parts.post({
      url: new URL(settings.url), body,
      headers: { 'content-type': 'application/json; charset=utf-8', 'webhook-id': id, 'webhook-timestamp': timestamp, 'webhook-signature': webhookSignature(found.bytes, id, timestamp, body) },
    })
    if (posted.kind === 'failed') return { kind: 'again', why: posted.why, down: true }
    const { status } = posted
    if (status >= 200 && status < 300) return { kind: 'sent' }
    // Standard Webhooks: Gone means that nobody wants them any more.
    if (status === 410) return { kind: 'failed', why: 'the receiver answered 410' }
    const askedMs = retryAfterMs(posted.retryAfter, parts.clock.now())
    return { kind: 'again', why: `the receiver answered ${status}`, down: status === 429 || status >= 500, ...askedMs === undefined ? {} : { askedMs } }
  }

  return {
    kind: 'webhook', name: settings.name, follows: 'each', send,
    recipients: (subject: Subject) => wants(subject, settings, parts.people) ? [settings.name] : [],
    check: async () => {
      const found = await key()
      return 'why' in found ? found.why : undefined
    },
  }
}

/** A program is told also where no person is left to decide. */
function wants(subject: Subject, settings: ChannelOf<'webhook'>, people: People): boolean {
  const toAll = subject.kind === 'approval' || subject.kind === 'grant' || subject.kind === 'refusal'
  return (toAll && settings.reviewers === undefined) || concerns(people, subject, settings)
}

/** The bytes of a `whsec_` secret; undefined where it is none. */
export function webhookKey(secret: string): Buffer | undefined {
  const text = secret.startsWith('whsec_') ? secret.slice(6) : ''
  const bytes = Buffer.from(text, 'base64')
  return bytes.length >= LEAST_KEY && bytes.length <= MOST_KEY && bytes.toString('base64') === text ? bytes : undefined
}

/** `v1,` and HMAC-SHA256 over id, time and body, in base64. */
export function webhookSignature(key: Uint8Array, id: string, timestamp: string, body: string): string {
  return `v1,${createHmac('sha256', key).update(`${id}.${timestamp}.${body}`).digest('base64')}`
}
