/** Published targets as this instance sees them: a new set swaps in whole, between two calls; what did not change keeps its credential. */
import { isDeepStrictEqual } from 'node:util'
import type { CredentialSource } from '@lockkeeper/domain/ports'
import { accountResources, watchTargetSet, type TargetConfig, type TargetSetWatchOptions } from '@lockkeeper/policy-engine'
import { targetOf, targetTable, type Target, type Targets, type TargetTable } from './targets.ts'

export interface TargetsWatchOptions extends Omit<TargetSetWatchOptions, 'onTargets'> {
  /** From a target's `credential` to the source that serves it. What it throws makes the set no good here. */
  readonly credential: (target: TargetConfig) => CredentialSource
  /** Called after each swap. */
  readonly onTargets?: (targets: readonly Target[]) => void
}

export interface WatchedTargets extends Targets {
  /** Resolves when the first set is in force. Rejects with PortUnavailable when the watch cannot start, or when closed before. */
  readonly ready: Promise<void>
  /** Why the newest set is not in force, where it is not. */
  problem(): string | undefined
  close(): void
}

interface Known { readonly config: TargetConfig, readonly target: Target }
interface Prepared { readonly known: readonly Known[], readonly table: TargetTable, readonly protectedResources: readonly string[] }

const NONE: Prepared = { known: [], table: targetTable([]), protectedResources: [] }

export function watchTargets(options: TargetsWatchOptions): WatchedTargets {
  let inForce = NONE
  let prepared = NONE
  const watch = watchTargetSet({
    ...options,
    problems(configs) {
      const problems = options.problems?.(configs) ?? []
      if (problems.length > 0) return problems
      try {
        prepared = prepare(configs, inForce.known, options.credential)
        return []
      } catch (error) {
        return [(error as Error).message]
      }
    },
    onTargets() {
      inForce = prepared
      options.onTargets?.(inForce.table.all)
    },
  })
  return {
    find: (host) => inForce.table.find(host),
    get all() { return inForce.table.all },
    get protectedResources() { return inForce.protectedResources },
    age: () => watch.age(), refresh: () => watch.refresh(), ready: watch.ready, problem: () => watch.problem(), close: () => watch.close(),
  }
}

function prepare(configs: readonly TargetConfig[], before: readonly Known[], credential: TargetsWatchOptions['credential']): Prepared {
  const known = configs.map((config) => knownOf(config, before.find(({ config: { name } }) => name === config.name), credential))
  return { known, table: targetTable(known.map(({ target }) => target)), protectedResources: accountResources(configs) }
}

/** Unchanged: the very same target, connections and all. The same credential: its source, with what it has cached. */
function knownOf(config: TargetConfig, before: Known | undefined, credential: TargetsWatchOptions['credential']): Known {
  if (before !== undefined && isDeepStrictEqual(before.config, config)) return before
  const source = before !== undefined && isDeepStrictEqual(before.config.credential, config.credential) ? before.target.credential : credential(config)
  const { credential: _credential, sendsCredential: _sends, ...settings } = config
  return { config, target: targetOf(settings, source) }
}
