/**
 * Google Chat by a space's incoming webhook. A webhook can only send: it takes no clicks and changes no message, so the card links to
 * the request's page, and how it was settled is a reply in the same thread.
 * Source: developers.google.com/workspace/chat, "Build a Google Chat app as a webhook" and spaces.messages.create.
 */
import { sha256 } from '@lockkeeper/domain/digest'
import type { Clock } from '@lockkeeper/domain'
import type { SecretSource } from '@lockkeeper/domain/ports'
import { retryAfterMs } from '../backoff.ts'
import type { Post } from '../http-post.ts'
import { concerns, type People } from '../people.ts'
import { secretOf } from '../secret-of.ts'
import { isLoopback, type ChannelOf } from '../settings.ts'
import { type ApprovalSubject, type Subject } from '../subject.ts'
import { approvalOf, wordsOf, type Words } from '../words.ts'
import type { Attempt, Channel, Message } from './channel.ts'

export interface GoogleChatParts {
  readonly post: Post
  readonly secrets: SecretSource
  readonly people: People
  readonly clock: Clock
  readonly link: (approval: string) => string | undefined
  /** Sandbox: the webhook is a loopback address. Real: it is chat.googleapis.com. */
  readonly sandbox: boolean
}

/** Bytes of a message at most, cards and all: 32,000. */
const MOST_DETAILS = 16_000
const MOST_TEXT = 2_000
/** What a reply is worth; the steps between are not. */
const TOLD: ReadonlySet<ApprovalSubject['standing']['state']> = new Set(['approved', 'denied', 'expired', 'cancelled', 'done', 'unknown'])

export function createGoogleChatChannel(settings: ChannelOf<'googleChat'>, parts: GoogleChatParts): Channel {
  const { people, clock } = parts

  async function webhook(): Promise<{ readonly url: URL } | { readonly why: string }> {
    const secret = await secretOf(parts.secrets, settings.webhook)
    if ('why' in secret) return secret
    const url = URL.canParse(secret.value) ? new URL(secret.value) : undefined
    const right = parts.sandbox ? url !== undefined && isLoopback(url.hostname) : url?.protocol === 'https:' && url.hostname === 'chat.googleapis.com'
    return url !== undefined && right ? { url } : { why: `the secret ${settings.webhook} is no webhook of ${parts.sandbox ? 'a loopback address' : 'chat.googleapis.com'}` }
  }

  async function send({ id, subject, place }: Message): Promise<Attempt> {
    if (place !== undefined && (subject.kind === 'lock' || (subject.kind === 'approval' && !TOLD.has(subject.standing.state) && subject.escalated === undefined))) return { kind: 'sent', place }
    const found = await webhook()
    if ('why' in found) return { kind: 'again', why: found.why, down: true }
    const { url } = found
    url.searchParams.set('messageReplyOption', 'REPLY_MESSAGE_FALLBACK_TO_NEW_THREAD')
    // The same id for the same message: one that was sent and not heard of is not sent twice.
    url.searchParams.set('requestId', sha256(`${id}:${subject.revision}`))
    const posted = await parts.post({ url, headers: { 'content-type': 'application/json; charset=UTF-8' }, body: JSON.stringify(messageOf(subject, place === undefined)) })
    if (posted.kind === 'failed') return { kind: 'again', why: posted.why, down: true }
    if (posted.status === 200) return { kind: 'sent', place: { thread: subject.id } }
    if (posted.status === 400) return { kind: 'failed', why: 'Google Chat refused the message (400)' }
    const askedMs = retryAfterMs(posted.retryAfter, clock.now())
    return { kind: 'again', why: `Google Chat answered ${posted.status}`, down: true, ...askedMs === undefined ? {} : { askedMs } }
  }

  function messageOf(subject: Subject, first: boolean): object {
    const words = wordsOf(subject, people)
    const approval = approvalOf(subject)
    const link = approval === undefined ? undefined : parts.link(approval)
    const hint = subject.kind !== 'approval' || link !== undefined ? [] : [paragraph(`Decided at the gateway: lockkeeper approvals show ${subject.id}`)]
    const widgets = first ? [...firstWidgets(words), ...hint] : [...subject.kind === 'notice' ? detailWidgets(words.details) : [], paragraph(words.standing)]
    const button = link === undefined ? [] : [{ buttonList: { buttons: [{ text: 'Open the card', onClick: { openLink: { url: link } } }] } }]
    return {
      thread: { threadKey: subject.id }, fallbackText: `${words.headline}: ${words.title}`.slice(0, MOST_TEXT),
      cardsV2: [{ cardId: 'lockkeeper', card: { header: { title: words.headline, subtitle: words.title.slice(0, 200).toWellFormed() }, sections: [{ widgets: [...widgets, ...button] }] } }],
    }
  }

  return {
    kind: 'googleChat', name: settings.name, follows: 'latest', send,
    recipients: (subject) => concerns(people, subject, settings) ? ['space'] : [],
    check: async () => {
      const found = await webhook()
      return 'why' in found ? found.why : undefined
    },
  }
}

function firstWidgets(words: Words): readonly object[] {
  return [
    ...words.facts.map(([label, text]) => ({ decoratedText: { topLabel: label, text: escaped(text.slice(0, 500).toWellFormed()), wrapText: true } })),
    ...detailWidgets([...words.changes.length === 0 ? [] : ['What changes:', ...words.changes, ''], ...words.details]),
    ...words.notes.slice(0, 5).map((note) => paragraph(note.slice(0, 500).toWellFormed())), paragraph(words.standing),
  ]
}

function detailWidgets(lines: readonly string[]): readonly object[] {
  const text = escaped(lines.join('\n').slice(0, MOST_DETAILS).toWellFormed()).slice(0, MOST_DETAILS).replace(/&[a-z]*$/, '')
  return text === '' ? [] : [{ textParagraph: { text } }]
}

function paragraph(text: string): object {
  return { textParagraph: { text: escaped(text.slice(0, MOST_TEXT).toWellFormed()) } }
}

/** Texts of cards know a little HTML. */
function escaped(text: string): string {
  return text.replaceAll('&', '&amp;').replaceAll('<', '&lt;').replaceAll('>', '&gt;')
}
