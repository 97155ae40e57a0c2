/** The options that commands share which ask a running gateway. */
import { Option, type Command } from 'commander'
import { adminSocketPath, openAdminClient, type AdminClient } from '../admin/admin-client.ts'

export interface AdminOptions { readonly admin?: string, readonly json?: boolean }

export function withAdmin(command: Command): Command {
  return command.addOption(new Option('--admin <socket>', 'admin socket of the gateway (default: LOCKKEEPER_ADMIN or ./.lockkeeper/admin.sock)'))
}

export function withJson(command: Command): Command {
  return command.option('--json', 'print one JSON document')
}

export function clientOf(options: AdminOptions): AdminClient {
  return openAdminClient(adminSocketPath(options.admin, process.env))
}
