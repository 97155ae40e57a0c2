/**
 * Slack: one message for each request, changed as it goes on (`chat.postMessage`, `chat.update`). The bot token can post; it can sign
 * no click, so it can make no decision (invariant 7). Source: docs.slack.dev/reference/methods.
 */
import { isRefusal } from '@lockkeeper/domain/errors'
import { isJsonObject, parseStrict, toPlain } from '@lockkeeper/domain/json'
import type { Clock } from '@lockkeeper/domain'
import type { SecretSource } from '@lockkeeper/domain/ports'
import { retryAfterMs } from '../backoff.ts'
import type { Post } from '../http-post.ts'
import { concerns, slackMember, toldPersons, type People } from '../people.ts'
import { secretOf } from '../secret-of.ts'
import type { ChannelOf } from '../settings.ts'
import type { RefusalSubject, Subject } from '../subject.ts'
import { approvalOf, wordsOf, type Words } from '../words.ts'
import type { Attempt, Channel, Message } from './channel.ts'
import { slackBlocks, type BlockOptions } from './slack-blocks.ts'

export interface SlackParts {
  readonly post: Post
  readonly secrets: SecretSource
  readonly people: People
  readonly clock: Clock
  /** Risk classes that a click decides; undefined: none, there is no app for it. */
  readonly decides?: readonly string[]
  /** The page of a request. */
  readonly link: (approval: string) => string | undefined
}

/** Errors that the same message meets again whenever it is sent. */
const HOPELESS = new Set(['message_not_found', 'cant_update_message', 'edit_window_closed', 'is_archived', 'user_not_in_channel', 'invalid_blocks', 'invalid_blocks_format', 'msg_too_long', 'msg_blocks_too_long'])
/** Errors of the whole channel: the others would meet them too. */
const DOWN = new Set(['ratelimited', 'rate_limited', 'invalid_auth', 'not_authed', 'account_inactive', 'token_revoked', 'token_expired', 'internal_error', 'fatal_error', 'service_unavailable', 'request_timeout', 'team_added_to_org'])

type Called = { readonly answer: Readonly<Record<string, unknown>> } | { readonly attempt: Attempt }

export function createSlackChannel(settings: ChannelOf<'slack'>, parts: SlackParts): Channel {
  const { people, clock } = parts

  function recipients(subject: Subject): readonly string[] {
    if (subject.kind === 'refusal') return subject.click?.channel === settings.name ? [subject.click.member] : []
    if (settings.channel !== 'direct') return concerns(people, subject, settings) ? [settings.channel] : []
    return [...new Set(toldPersons(people, subject, settings.reviewers).map(slackMember).filter((member) => member !== undefined))]
  }

  async function send({ subject, recipient, ref, place }: Message): Promise<Attempt> {
    if (subject.kind === 'refusal') return answer(subject, recipient)
    const words = wordsOf(subject, people)
    const blocks = slackBlocks(words, optionsOf(subject, ref, parts))
    const message = { text: fallbackOf(words), blocks, unfurl_links: false, unfurl_media: false }
    const called = place === undefined
      ? await call('chat.postMessage', { channel: recipient, ...message })
      : await call('chat.update', { channel: place['channel'], ts: place['ts'], text: message.text, blocks })
    if ('attempt' in called) return called.attempt
    const { channel, ts } = called.answer
    if (typeof channel !== 'string' || typeof ts !== 'string') return { kind: 'again', why: 'Slack did not say where the message is', down: true }
    return { kind: 'sent', place: { channel, ts } }
  }

  /** Seen by the member alone who clicked, where they did (`chat.postEphemeral`; the scope `chat:write` is enough). */
  async function answer(subject: RefusalSubject, member: string): Promise<Attempt> {
    if (subject.click === undefined) throw new TypeError('only a click is answered')
    const words = wordsOf(subject, people)
    const called = await call('chat.postEphemeral', { channel: subject.click.conversation, user: member, text: fallbackOf(words), blocks: slackBlocks(words, {}) })
    return 'attempt' in called ? called.attempt : { kind: 'sent' }
  }

  async function call(method: string, body: object): Promise<Called> {
    const token = await secretOf(parts.secrets, settings.token)
    if ('why' in token) return { attempt: { kind: 'again', why: token.why, down: true } }
    const posted = await parts.post({
      url: new URL(method, settings.apiUrl.endsWith('/') ? settings.apiUrl : `${settings.apiUrl}/`),
      headers: { authorization: `Bearer ${token.value}`, 'content-type': 'application/json; charset=utf-8' }, body: JSON.stringify(body),
    })
    if (posted.kind === 'failed') return { attempt: { kind: 'again', why: posted.why, down: true } }
    const askedMs = retryAfterMs(posted.retryAfter, clock.now())
    const asked = askedMs === undefined ? {} : { askedMs }
    if (posted.status !== 200) return { attempt: { kind: 'again', why: `Slack answered ${posted.status}`, down: true, ...asked } }
    const answer = readAnswer(posted.body)
    if (answer?.['ok'] === true) return { answer }
    const error = typeof answer?.['error'] === 'string' ? answer['error'].replace(/[^\w-]/g, '').slice(0, 60) : 'no error that can be read'
    return { attempt: HOPELESS.has(error) ? { kind: 'failed', why: `Slack says ${error}` } : { kind: 'again', why: `Slack says ${error}`, down: DOWN.has(error), ...asked } }
  }

  async function check(): Promise<string | undefined> {
    const called = await call('auth.test', {})
    if (!('attempt' in called)) return undefined
    return called.attempt.kind === 'sent' ? undefined : called.attempt.why
  }

  return { kind: 'slack', name: settings.name, follows: 'latest', recipients, send, check }
}

/** What notifications show. It is the one text that Slack reads markup in, so its three signs are escaped. */
function fallbackOf({ headline, title }: Words): string {
  return `${headline}: ${title}`.slice(0, 600).toWellFormed().replaceAll('&', '&amp;').replaceAll('<', '&lt;').replaceAll('>', '&gt;')
}

/** Buttons only where the approval service would take the click. */
function optionsOf(subject: Subject, ref: string, { decides, link }: SlackParts): BlockOptions {
  const approval = approvalOf(subject)
  const page = approval === undefined ? undefined : link(approval)
  const linked = page === undefined ? {} : { link: page }
  if (subject.kind !== 'approval' || subject.standing.state !== 'pending') return linked
  const { shown, digest } = subject.asked ?? {}
  if (decides === undefined || digest === undefined || shown?.whole !== true || !decides.includes(shown.risk)) {
    return { ...linked, hint: page === undefined ? `This is decided at the gateway: lockkeeper approvals show ${subject.id}` : 'This is decided on its card.' }
  }
  return { ...linked, buttons: { approval: subject.id, digest, ref, reasonRequired: shown.reasonRequired } }
}

function readAnswer(body: string): Readonly<Record<string, unknown>> | undefined {
  const json = parseStrict(body)
  return isRefusal(json) || !isJsonObject(json) ? undefined : toPlain(json) as Readonly<Record<string, unknown>>
}
