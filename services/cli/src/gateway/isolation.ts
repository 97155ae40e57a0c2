/** The isolation level that a gateway states in records, `doctor` and its first line: what keeps an agent from its files and keys. */
import { dirname, resolve } from 'node:path'
import type { IsolationLevel } from '@lockkeeper/domain'
import { containerProblem } from '../agent/container-probe.ts'
import type { GatewayConfig } from './config-schema.ts'
import type { LoadedConfig } from './load-config.ts'

const STRENGTH: Readonly<Record<IsolationLevel, number>> = { none: 0, user: 1, container: 2 }

/** `auto`: the strongest that `lockkeeper run` can give on this machine, which is what agents started by it get. */
export function isolationOf({ isolation }: Pick<GatewayConfig, 'isolation'>): IsolationLevel {
  if (isolation !== 'auto') return isolation
  return strongestLevel()
}

/** Found out by trying: a kernel, a container or a security module may forbid namespaces where the programs are there. */
export function strongestLevel(): IsolationLevel {
  if (levelProblem('container') === undefined) return 'container'
  return levelProblem('user') === undefined ? 'user' : 'none'
}

/** Why this level cannot be had here; undefined when it can. */
export function levelProblem(level: IsolationLevel): string | undefined {
  if (level === 'none') return undefined
  if (level === 'container') return containerProblem()
  return process.getuid?.() === 0 ? undefined : 'only root can start a command as another user'
}

export function isWeaker(level: IsolationLevel, than: IsolationLevel): boolean {
  return STRENGTH[level] < STRENGTH[than]
}

/** One sentence for people: what the level stops and what it does not. */
export const ISOLATION_MEANING: Readonly<Record<IsolationLevel, string>> = {
  none: 'stops mistakes, not a hostile agent: an agent of the same user can read the gateway\'s keys and press its keys (invariants 3, 6, 7, 8 and 12 are not claimed)',
  user: 'agents run as another user: no view of the gateway\'s home, store, keys or admin socket; they still see the network',
  container: 'agents run in namespaces of their own: no view of the gateway\'s files, and one way out, the agent port',
}

/** Absolute paths of a gateway's files, for those who keep agents away from them. */
export interface GatewayFiles {
  /** Store, keys, authority, secrets, admin socket: an agent must not see them. */
  readonly secret: readonly string[]
  /** What the gateway is told by: an agent may see it and must not change it (invariant 12). */
  readonly settings: readonly string[]
}

export function gatewayFiles({ config, file, directory }: LoadedConfig): GatewayFiles {
  const at = (path: string): string => resolve(directory, path)
  const { forward } = config.doors
  return {
    secret: [dirname(at(config.store)), ...(forward === undefined ? [] : [at(forward.ca)]), ...(config.secrets === undefined ? [] : [at(config.secrets)])],
    settings: [file, ...(typeof config.policies === 'string' ? [at(config.policies)] : []), ...(config.people === undefined ? [] : [at(config.people)])],
  }
}
