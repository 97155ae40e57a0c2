/** Settings of the notifier: channels, whom each tells, and what real mode never allows. Defaults and units stand at each member. */
import type { Mode } from '@lockkeeper/domain'
import { z } from 'zod'

const secret = z.string().regex(/^[\w.-]{1,255}$/, 'must be the name of a secret')
const file = z.string().min(1).max(4096)

const common = {
  /** Names the channel in lists, logs and metrics. */
  name: z.string().regex(/^[a-z0-9][a-z0-9-]{0,62}$/, 'must be lower-case letters, digits and dashes'),
  /** `person:ID` or `group:NAME`: it tells only of requests that one of these may decide. Default: of all. */
  reviewers: z.array(z.string().regex(/^(?:person|group):[^\s:]{1,128}$/, 'must be person:ID or group:NAME')).min(1).max(100).optional(),
  /** Tells of locks too. Default false. */
  locks: z.boolean().default(false),
  /** Tells of calls that a rule with `notify` let through or denied, and of rules that ask more than their share. Only channels with a fixed place do. Default true. */
  notices: z.boolean().default(true),
}

const slackChannel = z.strictObject({
  /** What it is. */
  kind: z.literal('slack'), ...common,
  /** Secret: the app's bot token (`xoxb-…`) with the scope `chat:write`. */
  token: secret,
  /** Id of the conversation (`C…`, `G…`), or `direct`: a message to each reviewer with a Slack identity. */
  channel: z.string().regex(/^(?:[CGD][A-Z0-9]{2,31}|direct)$/, 'must be a conversation id such as C0123ABCD, or direct'),
  /** Where Slack's methods are. Real mode: slack.com or slack-gov.com only. */
  apiUrl: z.url({ protocol: /^https?$/ }).default('https://slack.com/api/'),
})

const googleChatChannel = z.strictObject({
  kind: z.literal('googleChat'), ...common,
  /** Secret: the URL of the space's incoming webhook. */
  webhook: secret,
})

const emailChannel = z.strictObject({
  kind: z.literal('email'), ...common,
  /** Sender's address. */
  from: z.email().max(254),
  /** Receivers. Default: each reviewer with an e-mail identity. */
  to: z.array(z.email().max(254)).min(1).max(50).optional(),
  /** The mail server. */
  smtp: z.strictObject({
    /** Its name; real mode checks its certificate against it. */
    host: z.string().min(1).max(253),
    /** Default 465 with `tls`, else 587. */
    port: z.number().int().min(1).max(65_535).optional(),
    /** `tls` from the first byte, or `starttls`, without which nothing is sent; `none`: sandbox only. */
    security: z.enum(['tls', 'starttls', 'none']).default('tls'),
    /** For the login, where the server wants one. */
    user: z.string().min(1).max(254).optional(),
    /** Secret: the user's password. */
    password: secret.optional(),
    /** PEM file that replaces the system's trust for this server. */
    certificateAuthority: file.optional(),
  }).refine(({ user, password }) => (user === undefined) === (password === undefined), { path: ['password'], message: 'user and password go together' }),
  /** Sends a second, short mail when the request is settled. Default false. */
  settled: z.boolean().default(false),
})

const webhookChannel = z.strictObject({
  kind: z.literal('webhook'), ...common,
  /** Receiver. Real mode: https only. */
  url: z.url({ protocol: /^https?$/ }),
  /** Secret: `whsec_` and 24 to 64 bytes in base64 (Standard Webhooks). */
  secret,
  /** Loopback, link-local and private addresses are refused unless this is true. */
  allowPrivateAddresses: z.boolean().default(false),
  /** PEM file that replaces the system's trust for this receiver. */
  certificateAuthority: file.optional(),
})

/** Risk classes that a click may decide: never `critical`. */
export const slackDecides = z.array(z.enum(['high', 'medium', 'sensitive-read', 'change', 'read'])).max(5).default(['change', 'medium'])

export const notifySchema = z.strictObject({
  /** One each; a channel that is down delays no other. */
  channels: z.array(z.discriminatedUnion('kind', [slackChannel, googleChatChannel, emailChannel, webhookChannel])).min(1).max(50),
  /** Minutes for which calls that a rule tells of are collected, for each agent and rule: the first is told at once, the others at their end. */
  noticeMinutes: z.number().int().min(1).max(1440).default(10),
  /** Where Slack's callbacks come in; needed for buttons. Put what ends TLS and is known to Slack before it. */
  listen: z.strictObject({
    /** Any but loopback needs the gateway's `listen.tls`, which then serves here too. */
    address: z.string().default('127.0.0.1'),
    /** 0: any free one. */
    port: z.number().int().min(0).max(65_535).default(8444),
  }).optional(),
  /** The app whose buttons decide. Without it messages in Slack only tell. */
  slack: z.strictObject({
    /** Id of the app. */
    app: z.string().regex(/^A[A-Z0-9]{2,31}$/, 'must be an app id such as A0123ABCD'),
    /** Id of the workspace whose members count. */
    team: z.string().regex(/^T[A-Z0-9]{2,31}$/, 'must be a workspace id such as T0123ABCD'),
    /** Id of the organisation of that workspace, where there is one. */
    enterprise: z.string().regex(/^E[A-Z0-9]{2,31}$/, 'must be an organisation id such as E0123ABCD').optional(),
    /** Secret: the app's signing secret. The approval service alone reads it. */
    signingSecret: secret,
    /** Risk classes that a click decides; `critical` never is. Default: change, medium. */
    decides: slackDecides,
  }).optional(),
})

export type NotifySettings = z.output<typeof notifySchema>
export type NotifySettingsInput = z.input<typeof notifySchema>
export type ChannelSettings = NotifySettings['channels'][number]
export type ChannelOf<K extends ChannelSettings['kind']> = Extract<ChannelSettings, { kind: K }>

export interface NotifyProblem { readonly path: readonly (string | number)[], readonly message: string }

const LOOPBACK = /^(?:127\.\d{1,3}\.\d{1,3}\.\d{1,3}|\[?::1\]?|localhost)$/
const SLACK_HOSTS = ['slack.com', 'slack-gov.com']

/** What the schema cannot say: names that stand twice, and what must not mix (invariant 14). */
export function notifyProblems(settings: Pick<NotifySettings, 'channels'> & Partial<NotifySettings>, mode: Mode): readonly NotifyProblem[] {
  const names = new Set<string>()
  const problems = settings.channels.flatMap((channel, index): NotifyProblem[] => {
    const twice = names.has(channel.name)
    names.add(channel.name)
    const found = mode === 'real' ? realProblem(channel) : sandboxProblem(channel)
    return [...twice ? [{ path: ['channels', index, 'name'], message: 'another channel has this name' }] : [], ...found === undefined ? [] : [{ path: ['channels', index, ...found.path], message: found.message }]]
  })
  if (settings.slack !== undefined && settings.listen === undefined) problems.push({ path: ['slack'], message: 'clicks come in at notify.listen, and there is none' })
  return problems
}

function realProblem(channel: ChannelSettings): NotifyProblem | undefined {
  if (channel.kind === 'slack') {
    const { protocol, hostname } = new URL(channel.apiUrl)
    if (protocol !== 'https:' || !SLACK_HOSTS.includes(hostname)) return { path: ['apiUrl'], message: 'the token is sent to slack.com or slack-gov.com only' }
  }
  if (channel.kind === 'webhook' && !channel.url.startsWith('https:')) return { path: ['url'], message: 'must be https in real mode' }
  if (channel.kind === 'email' && channel.smtp.security === 'none') return { path: ['smtp', 'security'], message: 'must be tls or starttls in real mode' }
  return undefined
}

function sandboxProblem(channel: ChannelSettings): NotifyProblem | undefined {
  const message = 'must be a loopback address in the sandbox'
  if (channel.kind === 'slack' && !isLoopback(new URL(channel.apiUrl).hostname)) return { path: ['apiUrl'], message }
  if (channel.kind === 'webhook' && !isLoopback(new URL(channel.url).hostname)) return { path: ['url'], message }
  if (channel.kind === 'email' && !isLoopback(channel.smtp.host)) return { path: ['smtp', 'host'], message }
  return undefined
}

export function isLoopback(hostname: string): boolean {
  return LOOPBACK.test(hostname)
}
