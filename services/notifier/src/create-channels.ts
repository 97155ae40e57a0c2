/** From settings to channels, each with what it needs and nothing more. */
import { signMailLink } from '@lockkeeper/domain/mail-link'
import type { Channel } from './channels/channel.ts'
import { createEmailChannel } from './channels/email.ts'
import { createGoogleChatChannel } from './channels/google-chat.ts'
import { createSlackChannel } from './channels/slack.ts'
import { createWebhookChannel } from './channels/webhook.ts'
import { createPost } from './http-post.ts'
import type { NotifierPorts, NotifierSettings } from './ports.ts'
import type { ChannelSettings } from './settings.ts'

type Parts = Pick<NotifierPorts, 'secrets' | 'people' | 'clock' | 'mailLinks'>

export function createChannels(parts: Parts, settings: NotifierSettings): readonly Channel[] {
  const { mode, approvalUrl, channels, slackDecides: decides } = settings
  const link = (approval: string): string | undefined => approvalUrl?.replaceAll('{id}', encodeURIComponent(approval))
  const { secrets, people, clock, mailLinks } = parts
  const sandbox = mode === 'sandbox'
  const toProvider = createPost({ privateAddresses: sandbox })
  const create = (channel: ChannelSettings): Channel => {
    switch (channel.kind) {
      case 'slack': return createSlackChannel(channel, { post: toProvider, secrets, people, clock, link, ...decides === undefined ? {} : { decides } })
      case 'googleChat': return createGoogleChatChannel(channel, { post: toProvider, secrets, people, clock, link, sandbox })
      case 'email': return createEmailChannel(channel, { secrets, people, link, ...mailLinks === undefined ? {} : { signed: (about) => mailLinks.page.replaceAll('{token}', signMailLink(about, mailLinks.key)) } })
      case 'webhook': return createWebhookChannel(channel, { post: postToReceiver(channel, sandbox), secrets, people, clock, link })
    }
  }
  return channels.map(create)
}

function postToReceiver({ allowPrivateAddresses, certificateAuthority }: Extract<ChannelSettings, { kind: 'webhook' }>, sandbox: boolean) {
  return createPost({ privateAddresses: sandbox || allowPrivateAddresses, ...certificateAuthority === undefined ? {} : { certificateAuthority } })
}

export interface ChannelCheck {
  readonly name: string
  readonly kind: string
  /** Why it cannot be used now. */
  readonly problem?: string
}

/** Whether each channel answers, as far as it can be found out without telling anybody anything. */
export function checkChannels(parts: Parts, settings: NotifierSettings): Promise<readonly ChannelCheck[]> {
  return Promise.all(createChannels(parts, settings).map(async ({ name, kind, check }) => {
    const problem = await check()
    return { name, kind, ...problem === undefined ? {} : { problem } }
  }))
}
