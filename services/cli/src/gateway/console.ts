/** The console within the embedded edition: on this machine's loopback, over the admin socket as any operator's command, with passkeys as proof. */
import type { PasskeyPlace } from '@lockkeeper/approval'
import type { ApproverVerifier, PeopleDirectory } from '@lockkeeper/auth'
import { builtPage, createConsoleService, createOidcClient, createServiceApi, openConsoleServer, type ConsoleServer, type OidcClient } from '@lockkeeper/console'
import type { Clock } from '@lockkeeper/domain'
import type { DocumentStore, SecretSource } from '@lockkeeper/domain/ports'
import type { MailLinks } from '@lockkeeper/notifier'
import type { Log } from '@lockkeeper/service-kit'
import type { LoadedConfig } from './load-config.ts'
import { onlySecrets } from './notifier.ts'

export interface GatewayConsole {
  /** `http://localhost:8445`; undefined before the start. */
  readonly origin: string | undefined
  /** Where the approval service accepts passkeys from. */
  readonly passkeys: PasskeyPlace
  start(): Promise<void>
  drain(): Promise<void>
}

export interface ConsoleParts {
  readonly adminSocket: string
  readonly documents: DocumentStore
  readonly people: PeopleDirectory
  readonly secrets: SecretSource
  readonly approvers: ApproverVerifier | undefined
  /** What the notifier signs links of mails with. */
  readonly mailLinkKey: Uint8Array
  readonly clock: Clock
  readonly log: Log
}

/** Undefined where the configuration has no `console`. */
export function createGatewayConsole(loaded: LoadedConfig, { adminSocket, documents, people, mailLinkKey, clock, log, ...parts }: ConsoleParts): GatewayConsole | undefined {
  const { mode, console: settings } = loaded.config
  if (settings === undefined) return undefined
  let server: ConsoleServer | undefined
  const origin = (): string | undefined => server === undefined ? undefined : `http://localhost:${server.port}`
  const api = createServiceApi({ socketPath: adminSocket })
  const service = createConsoleService({
    clock, documents, log, people, mailLinkKey, approval: api, audit: api, page: builtPage(), origin: () => origin() ?? 'http://localhost', clients: clientsOf(loaded, { ...parts, clock }),
  }, { mode, operators: settings.operators, decideBy: 'passkey' }, false)
  return {
    get origin() { return origin() },
    passkeys: { rpId: 'localhost', origins: () => [origin()].filter((each) => each !== undefined) },
    async start() { server = await openConsoleServer(service.routes, { port: settings.port, log }) },
    async drain() {
      await service.drain()
      await server?.close()
    },
  }
}

/** Page of a request at this machine's console; undefined where its port is not known beforehand. `{id}` becomes the approval's id. */
export function pageOf({ console: settings }: Pick<LoadedConfig['config'], 'console'>): string | undefined {
  return settings === undefined || settings.port === 0 ? undefined : `http://localhost:${settings.port}/a/{id}`
}

/** Links of mails are signed where they lead to this machine's own console; else they are plain addresses. */
export function mailLinksOf(config: Pick<LoadedConfig['config'], 'console' | 'approvalUrl'>, key: Uint8Array): MailLinks | undefined {
  const page = pageOf(config)
  return page === undefined || config.approvalUrl !== page ? undefined : { key, page: page.replace('/a/{id}', '/open/{token}') }
}

function clientsOf({ config }: LoadedConfig, { secrets, approvers, clock }: Pick<ConsoleParts, 'secrets' | 'approvers' | 'clock'>): readonly OidcClient[] {
  return (config.console?.signIn ?? []).flatMap(({ issuer: name, clientId, clientSecret, label }) => {
    const issuer = config.approverIssuers.find((each) => each.name === name)
    // load-config has refused a client of an unknown issuer.
    if (issuer === undefined || approvers === undefined) return []
    const own = clientSecret === undefined ? undefined : onlySecrets(secrets, [clientSecret])
    return [createOidcClient({
      name, label: label ?? name, issuer: issuer.issuer, clientId, mode: config.mode, clock, verify: (token, nonce) => approvers.verifyApproverToken(token, nonce),
      ...own === undefined || clientSecret === undefined ? {} : { clientSecret: async () => (await own.access(clientSecret)).value.trim() },
    })]
  })
}
