/**
 * E-mail over SMTP. A mail tells and links to the request's page; nothing in it decides, neither for who forwards it nor for a scanner
 * that opens every link. Where the console can check it, the link is signed: for this person, this request and this call. Plain text
 * only: it has no markup to fall for.
 */
import { sha256 } from '@lockkeeper/domain/digest'
import type { MailLink } from '@lockkeeper/domain/mail-link'
import type { SecretSource } from '@lockkeeper/domain/ports'
import { createTransport, type SentMessageInfo, type Transporter } from 'nodemailer'
import { concerns, emailAddress, toldPersons, type People } from '../people.ts'
import { secretOf } from '../secret-of.ts'
import type { ChannelOf } from '../settings.ts'
import { isGrantOver } from '../grant-subject.ts'
import { isFinal, type Subject } from '../subject.ts'
import { approvalOf, wordsOf } from '../words.ts'
import type { Attempt, Channel, Message } from './channel.ts'

export interface EmailParts {
  readonly secrets: SecretSource
  readonly people: People
  readonly link: (approval: string) => string | undefined
  /** A link that is for one person, one request and one call; undefined: there is no page that could check it. */
  readonly signed?: (about: MailLink) => string
}

const CONNECT_MS = 10_000
const SILENT_MS = 20_000

type Opened = { readonly transport: Transporter<SentMessageInfo> } | { readonly why: string }

export function createEmailChannel(settings: ChannelOf<'email'>, parts: EmailParts): Channel {
  const { people } = parts
  const { smtp } = settings

  async function open(): Promise<Opened> {
    const password = smtp.password === undefined ? undefined : await secretOf(parts.secrets, smtp.password)
    if (password !== undefined && 'why' in password) return password
    return { transport: createTransport({
      host: smtp.host, port: smtp.port ?? (smtp.security === 'tls' ? 465 : 587), secure: smtp.security === 'tls', requireTLS: smtp.security === 'starttls', ignoreTLS: smtp.security === 'none',
      ...password === undefined || smtp.user === undefined ? {} : { auth: { user: smtp.user, pass: password.value } },
      tls: { minVersion: 'TLSv1.2', ...smtp.certificateAuthority === undefined ? {} : { ca: smtp.certificateAuthority } },
      connectionTimeout: CONNECT_MS, greetingTimeout: CONNECT_MS, socketTimeout: SILENT_MS, disableFileAccess: true, disableUrlAccess: true,
    }) }
  }

  async function send({ id, subject, recipient, ref, place }: Message): Promise<Attempt> {
    if (place !== undefined && subject.kind !== 'notice' && !(settings.settled && isOver(subject))) return { kind: 'sent', place }
    const opened = await open()
    if ('why' in opened) return { kind: 'again', why: opened.why, down: true }
    const messageId = `<${sha256(`${id}:${subject.revision}`)}@${settings.from.split('@')[1]}>`
    try {
      await opened.transport.sendMail({
        from: { name: 'Lockkeeper', address: settings.from }, to: { name: '', address: recipient }, messageId, ...textOf(subject, place === undefined, linkOf(subject, recipient, ref)),
        ...place === undefined ? {} : { inReplyTo: place['messageId'], references: place['messageId'] },
        // RFC 3834: no holiday notes, please.
        headers: { 'auto-submitted': 'auto-generated', 'x-auto-response-suppress': 'All' },
      })
      return { kind: 'sent', place: place ?? { messageId } }
    } catch (cause) {
      return failureOf(cause as SmtpError)
    } finally {
      opened.transport.close()
    }
  }

  /** The same with every attempt: it is made of the mail's own ref. */
  function linkOf(subject: Subject, recipient: string, ref: string): string | undefined {
    const approval = approvalOf(subject)
    const person = people.byEmail(recipient)
    if (approval === undefined || parts.signed === undefined || person === undefined || subject.kind !== 'approval' || subject.asked?.digest === undefined || isFinal(subject)) return approval === undefined ? undefined : parts.link(approval)
    return parts.signed({ approval, digest: subject.asked.digest, person: person.id, until: subject.expiresAt, mail: sha256(ref).slice(0, 22) })
  }

  function textOf(subject: Subject, first: boolean, link: string | undefined): { readonly subject: string, readonly text: string } {
    const words = wordsOf(subject, people)
    const decide = subject.kind !== 'approval' || isFinal(subject) ? [] : [link === undefined ? `Decide at the gateway: lockkeeper approvals show ${subject.id}` : `See it and decide, after signing in: ${link}`, parts.signed === undefined ? 'Opening the link decides nothing.' : 'Opening the link decides nothing. It is for you and opens once; your inbox has the request too.']
    const lines = first
      ? [words.title, '', ...words.facts.map(([label, text]) => `${label}: ${text}`), '', ...words.changes.length === 0 ? [] : ['What changes:', ...words.changes, ''], ...words.details, '', ...words.notes, words.standing, ...decide]
      : [words.title, '', ...subject.kind === 'notice' ? [...words.details, ''] : [], words.standing]
    return { subject: `[lockkeeper] ${words.headline}: ${words.title}`.slice(0, 200).toWellFormed(), text: `${lines.join('\n').replace(/\n{3,}/g, '\n\n')}\n` }
  }

  function recipients(subject: Subject): readonly string[] {
    if (settings.to !== undefined) return concerns(people, subject, settings) ? settings.to : []
    return [...new Set(toldPersons(people, subject, settings.reviewers).map(emailAddress).filter((address) => address !== undefined))]
  }

  async function check(): Promise<string | undefined> {
    const opened = await open()
    if ('why' in opened) return opened.why
    try {
      await opened.transport.verify()
      return undefined
    } catch (cause) {
      const attempt = failureOf(cause as SmtpError)
      return attempt.kind === 'sent' ? undefined : attempt.why
    } finally {
      opened.transport.close()
    }
  }

  return { kind: 'email', name: settings.name, follows: 'latest', recipients, send, check }
}

function isOver(subject: Subject): boolean {
  if (subject.kind === 'approval') return isFinal(subject)
  return subject.kind === 'grant' ? isGrantOver(subject) : subject.kind === 'review' && subject.closed !== undefined
}

/** What nodemailer throws; `response` is the server's own text and stays here. */
interface SmtpError extends Error { readonly code?: string, readonly responseCode?: number, readonly command?: string }

/** RFC 5321 section 4.2.1: 5yz is for good, 4yz for now. A refused login or greeting is the channel's, a refused receiver this mail's. */
function failureOf({ code, responseCode, command }: SmtpError): Attempt {
  const why = `the mail server ${responseCode === undefined ? `cannot be reached (${code ?? 'no code'})` : `answered ${responseCode}`}${command === undefined ? '' : ` to ${command.slice(0, 20)}`}`
  const ofMail = code === 'EENVELOPE' || code === 'EMESSAGE'
  if (ofMail && responseCode !== undefined && responseCode >= 500) return { kind: 'failed', why }
  return { kind: 'again', why, down: !ofMail }
}
