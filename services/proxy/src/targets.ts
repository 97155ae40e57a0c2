/** Registered upstreams: which hosts they cover, where their traffic goes, and with whose credential. */
import type { CredentialSource } from '@lockkeeper/domain/ports'

export interface TargetSettings {
  readonly name: string
  /** Exact hosts or one leading wildcard label: `*.googleapis.com`. */
  readonly hosts: readonly string[]
  /** Sends the target's traffic to this origin instead (tests, emulators). Default: https://HOST. */
  readonly upstream?: string
  /** `google`: methods come from the catalog. `http`: the verb is the method and the path the resource. Default: by host. */
  readonly kind?: 'google' | 'http'
  /** Private, loopback and link-local upstream addresses are refused unless this says so. Default false; an explicit `upstream` names its own address. */
  readonly allowPrivateAddresses?: boolean
  /** PEM bundle that replaces the system's trust for this upstream. */
  readonly certificateAuthority?: string
}

export interface Target extends TargetSettings {
  readonly kind: 'google' | 'http'
  readonly credential: CredentialSource
}

/** Which target a host belongs to. */
export interface TargetTable {
  /** The target of a host; undefined: not registered. Exact names win over wildcards, longer wildcards over shorter. */
  find(host: string): Target | undefined
  readonly all: readonly Target[]
}

export interface Targets extends TargetTable {
  /** Ms since the targets were last known to be the current ones; always 0 for those of a configuration. */
  age(): number
  /** One strong read; rejects with PortUnavailable on outage. */
  refresh(): Promise<void>
  /** Globs of what belongs to the gateway itself because targets name it (invariant 12), besides the settings' own. */
  readonly protectedResources: readonly string[]
}

/** Targets that never change while the process runs. */
export function createTargets(settings: readonly TargetSettings[], credential: (target: TargetSettings) => CredentialSource): Targets {
  return { ...targetTable(settings.map((one) => targetOf(one, credential(one)))), age: () => 0, refresh: () => Promise.resolve(), protectedResources: [] }
}

export function targetOf(settings: TargetSettings, credential: CredentialSource): Target {
  return { ...settings, kind: settings.kind ?? kindOf(settings.hosts), credential }
}

export function targetTable(all: readonly Target[]): TargetTable {
  const exact = new Map<string, Target>()
  const suffixes: [suffix: string, target: Target][] = []
  for (const target of all) {
    for (const host of target.hosts) {
      if (host.startsWith('*.')) suffixes.push([host.slice(1).toLowerCase(), target])
      else exact.set(host.toLowerCase(), target)
    }
  }
  suffixes.sort(([left], [right]) => right.length - left.length)
  return {
    all,
    find: (host) => exact.get(host) ?? suffixes.find(([suffix]) => host.endsWith(suffix) && host.length > suffix.length)?.[1],
  }
}

function kindOf(hosts: readonly string[]): 'google' | 'http' {
  return hosts.every((host) => host === 'googleapis.com' || host.endsWith('.googleapis.com')) ? 'google' : 'http'
}
