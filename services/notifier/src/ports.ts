/** What the notifier is given by an edition's composition root. */
import type { Clock, Mode } from '@lockkeeper/domain'
import type { DocumentStore, EventBus, SecretSource } from '@lockkeeper/domain/ports'
import type { Log } from '@lockkeeper/service-kit'
import type { Telemetry } from '@lockkeeper/service-kit/telemetry'
import type { People } from './people.ts'
import type { NotifySettings } from './settings.ts'

export interface MailLinks {
  /** 32 random bytes that the console has too. They open nothing and decide nothing. */
  readonly key: Uint8Array
  /** The console's page for them; `{token}` becomes the link's own part. */
  readonly page: string
}

export interface NotifierPorts {
  readonly documents: DocumentStore
  readonly events: EventBus
  /** Tokens, webhook addresses and passwords of the channels. Never the signing secret of Slack. */
  readonly secrets: SecretSource
  readonly clock: Clock
  readonly people: People
  readonly log: Log
  /** Signs the links of mails; undefined: they are plain addresses of the request's page. */
  readonly mailLinks?: MailLinks | undefined
  /** Undefined: off. */
  readonly telemetry?: Telemetry | undefined
  /** In [0, 1), for the jitter of retries. Default: Math.random. */
  readonly random?: () => number
}

export interface NotifierSettings {
  readonly mode: Mode
  /** The page of a request; `{id}` becomes its id. Without it messages carry no link. */
  readonly approvalUrl?: string
  readonly channels: NotifySettings['channels']
  /** Minutes for which calls that a rule tells of are collected. Default 10. */
  readonly noticeMinutes?: number
  /** Risk classes that a click in Slack decides, as the approval service has them; absent: none, and messages have no buttons. */
  readonly slackDecides?: readonly string[]
}
