/** The notifier within the embedded edition: what it and the approval service are given, kept apart as in an edition of many processes. */
import type { SlackTrust } from '@lockkeeper/approval'
import type { PeopleDirectory } from '@lockkeeper/auth'
import type { Clock } from '@lockkeeper/domain'
import { LockkeeperError } from '@lockkeeper/domain/errors'
import type { DocumentStore, EventBus, SecretSource } from '@lockkeeper/domain/ports'
import { createNotifierService, openCallbackServer, type CallbackServer, type MailLinks, type NotifierService, type NotifySettings } from '@lockkeeper/notifier'
import type { Log } from '@lockkeeper/service-kit'
import type { Telemetry } from '@lockkeeper/service-kit/telemetry'
import type { LoadedConfig } from './load-config.ts'

export interface GatewayNotifier extends Pick<NotifierService, 'routes' | 'status'> {
  /** `http://127.0.0.1:8444`: where Slack's callbacks come in; undefined without `notify.listen`. */
  readonly callbackOrigin: string | undefined
  /** Opens the callback port, takes facts and delivers. */
  start(): Promise<void>
  drain(): Promise<void>
}

export interface NotifierParts {
  readonly documents: DocumentStore
  readonly events: EventBus
  readonly secrets: SecretSource
  readonly people: PeopleDirectory
  /** Where this machine's console opens links of mails. */
  readonly mailLinks?: MailLinks | undefined
  readonly clock: Clock
  readonly log: Log
  readonly telemetry?: Telemetry | undefined
}

/** Undefined where the configuration has no `notify`. */
export function createGatewayNotifier({ config }: LoadedConfig, { secrets, ...parts }: NotifierParts): GatewayNotifier | undefined {
  const { notify, mode, approvalUrl } = config
  if (notify === undefined) return undefined
  const service = createNotifierService({ ...parts, secrets: onlySecrets(secrets, channelSecrets(notify)) }, {
    mode, channels: notify.channels, noticeMinutes: notify.noticeMinutes, ...approvalUrl === undefined ? {} : { approvalUrl }, ...notify.slack === undefined ? {} : { slackDecides: notify.slack.decides },
  })
  const { listen } = notify
  const { tls } = config.listen
  let server: CallbackServer | undefined
  return {
    routes: service.routes, status: () => service.status(),
    get callbackOrigin() { return server?.origin },
    async start() {
      if (listen !== undefined) server = await openCallbackServer(service.callbacks, { ...listen, ...tls === undefined ? {} : { tls } })
      await service.start()
    },
    async drain() {
      await server?.close()
      await service.drain()
    },
  }
}

/** The approval service's side: the signing secret is its own, and the notifier is never given it (invariant 7). */
export function slackTrust({ config: { notify } }: LoadedConfig, { secrets, people }: Pick<NotifierParts, 'secrets' | 'people'>): SlackTrust | undefined {
  if (notify?.slack === undefined) return undefined
  const { app, team, enterprise, signingSecret, decides } = notify.slack
  const own = onlySecrets(secrets, [signingSecret])
  return {
    app, team, decides, ...enterprise === undefined ? {} : { enterprise },
    signingSecret: async () => (await own.access(signingSecret)).value.trim(), bySlack: (member) => people.bySlack(member),
  }
}

/** What the channels use, and nothing else. */
function channelSecrets({ channels }: NotifySettings): readonly string[] {
  return channels.flatMap((channel) => {
    switch (channel.kind) {
      case 'slack': return [channel.token]
      case 'googleChat': return [channel.webhook]
      case 'email': return channel.smtp.password === undefined ? [] : [channel.smtp.password]
      case 'webhook': return [channel.secret]
    }
  })
}

export function onlySecrets(secrets: SecretSource, names: readonly string[]): SecretSource {
  const allowed = new Set(names)
  return { access: async (name) => {
    if (!allowed.has(name)) throw new LockkeeperError('CREDENTIAL_UNAVAILABLE', 'This part of the gateway has no right to that secret.')
    return secrets.access(name)
  } }
}
