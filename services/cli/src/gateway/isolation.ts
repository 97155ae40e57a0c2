/** The isolation level that a gateway states in records, `doctor` and its first line: what keeps an agent from its files and keys. */
import { existsSync } from 'node:fs'
import type { IsolationLevel } from '@lockkeeper/domain'
import type { GatewayConfig } from './config-schema.ts'

/** `auto`: the strongest that `lockkeeper run` can give on this machine, which is what agents started by it get. */
export function isolationOf({ isolation }: Pick<GatewayConfig, 'isolation'>): IsolationLevel {
  if (isolation !== 'auto') return isolation
  return strongestLevel()
}

export function strongestLevel(): IsolationLevel {
  if (process.platform !== 'linux') return 'none'
  if (['/usr/bin/unshare', '/bin/unshare'].some((path) => existsSync(path))) return 'container'
  return process.getuid?.() === 0 ? 'user' : 'none'
}

/** One sentence for people: what the level stops and what it does not. */
export const ISOLATION_MEANING: Readonly<Record<IsolationLevel, string>> = {
  none: 'stops mistakes, not a hostile agent: an agent of the same user can read the gateway\'s keys and press its keys (invariants 3, 6, 7, 8 and 12 are not claimed)',
  user: 'agents run as another user: no view of the gateway\'s home, store, keys or admin socket; they still see the network',
  container: 'agents run in namespaces of their own: no view of the gateway\'s files, and one way out, the agent port',
}
