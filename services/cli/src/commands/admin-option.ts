/** The options that commands share which ask a running gateway. */
import { Option, type Command } from 'commander'
import { openAdminClient, type AdminClient } from '../admin/admin-client.ts'
import { adminSocketPath, localPlace, remotePlace } from '../admin/admin-place.ts'
import { CommandFailed, WrongUse } from '../command-failed.ts'

export interface AdminOptions {
  readonly admin?: string
  readonly gateway?: string
  readonly tokenFile?: string
  readonly audience?: string
  readonly json?: boolean
}

const socketOption = (): Option => new Option('--admin <socket>', 'admin socket of the gateway (default: LOCKKEEPER_ADMIN or ./.lockkeeper/admin.sock)')

/** For what needs the gateway of this machine. */
export function withSocket(command: Command): Command {
  return command.addOption(socketOption())
}

export function withAdmin(command: Command): Command {
  return command
    .addOption(socketOption().conflicts('gateway'))
    .addOption(new Option('--gateway <url>', 'Google Cloud edition: address of the service that has this (approval, audit, policy)'))
    .addOption(new Option('--token-file <file>', 'with --gateway: your ID token (default: of the service account that this runs as)'))
    .addOption(new Option('--audience <audience>', 'with --gateway: whom the service account\'s ID token is for (default: the address)').conflicts('tokenFile'))
}

export function withJson(command: Command): Command {
  return command.option('--json', 'print one JSON document')
}

/** For what only the machine of an embedded gateway can do. */
export function localClientOf(options: AdminOptions, instead: string): AdminClient {
  if (options.gateway !== undefined) throw new CommandFailed(`this works on the gateway's own machine only; ${instead}`)
  return clientOf(options)
}

/** For commands whose token file is an agent's: the gateway of this machine. */
export function socketClientOf({ admin }: Pick<AdminOptions, 'admin'>): AdminClient {
  return openAdminClient(localPlace(adminSocketPath(admin, process.env)))
}

export function clientOf({ admin, gateway, tokenFile, audience }: AdminOptions): AdminClient {
  if (gateway === undefined) {
    if (tokenFile !== undefined || audience !== undefined) throw new WrongUse('--token-file and --audience go with --gateway')
    return socketClientOf({ ...admin === undefined ? {} : { admin } })
  }
  return openAdminClient(remotePlace(gateway, { ...tokenFile === undefined ? {} : { tokenFile }, ...audience === undefined ? {} : { audience } }))
}
