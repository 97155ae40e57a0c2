/** What the checks of `doctor` look at. */
import type { Clock, IsolationLevel } from '@lockkeeper/domain'
import type { SettingsProblem } from '@lockkeeper/service-kit'
import type { AdminClient } from '../admin/admin-client.ts'
import type { GatewayStatus } from '../commands/agent.ts'
import type { LoadedConfig } from '../gateway/load-config.ts'

export interface Surroundings {
  readonly configuration: LoadedConfig | { readonly file: string, readonly problems: readonly SettingsProblem[] } | undefined
  /** The running gateway, where there is one; else why there is none. */
  readonly gateway: { readonly client: AdminClient, readonly status: GatewayStatus } | { readonly absent: string }
  readonly tokenFile: string | undefined
  readonly environment: Readonly<Record<string, string | undefined>>
  readonly home: string
  readonly clock: Clock
  /** The strongest level that `lockkeeper run` can give here. */
  readonly strongest: IsolationLevel
  /** Origin of the metadata server; another one in tests. */
  readonly metadata: string
}

/** The configuration where it is sound. */
export function sound({ configuration }: Surroundings): LoadedConfig | undefined {
  return configuration === undefined || 'problems' in configuration ? undefined : configuration
}
