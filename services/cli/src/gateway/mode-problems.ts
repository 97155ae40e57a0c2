/** Sandbox and real never mix (invariant 14): what real mode refuses, and what the sandbox refuses. */
import type { IsolationLevel } from '@lockkeeper/domain'
import { targetProblems, type TargetConfig } from '@lockkeeper/policy-engine'
import { telemetryProblems } from '@lockkeeper/service-kit/telemetry'
import type { GatewayConfig } from './config-schema.ts'

export interface ModeProblem { readonly path: readonly PropertyKey[], readonly message: string }

const LOOPBACK = /^(?:127\.\d{1,3}\.\d{1,3}\.\d{1,3}|\[::1\]|localhost)$/

export function modeProblems(config: GatewayConfig): readonly ModeProblem[] {
  const targets = targetProblems(config.targets, config.mode).map(({ path, message }) => ({ path: ['targets', ...path], message }))
  return [...targets, ...(config.mode === 'real' ? realProblems(config) : []), ...listenProblems(config), ...telemetryProblems(config.telemetry, config.mode)]
}

function realProblems({ targets, isolation, acknowledgeNoIsolation }: GatewayConfig): readonly ModeProblem[] {
  return isolation === 'auto' ? [] : isolationProblems({ targets, acknowledgeNoIsolation }, isolation)
}

/** Also asked once `auto` has found its level: real credentials at level none are a choice that somebody made. */
export function isolationProblems({ targets, acknowledgeNoIsolation }: { readonly targets: readonly Pick<TargetConfig, 'credential'>[], readonly acknowledgeNoIsolation: boolean }, level: IsolationLevel): readonly ModeProblem[] {
  if (level !== 'none' || acknowledgeNoIsolation || targets.every(({ credential }) => 'none' in credential)) return []
  return [{ path: ['isolation'], message: 'at level none an agent of the same user can read the credentials: set acknowledgeNoIsolation: true, or choose user or container' }]
}

function listenProblems({ listen: { address, tls }, notify }: GatewayConfig): readonly ModeProblem[] {
  const inTheClear = (at: string): boolean => !LOOPBACK.test(at) && at !== '::1' && tls === undefined
  return [
    ...inTheClear(address) ? [{ path: ['listen', 'address'], message: 'anything but loopback needs listen.tls: agents\' tokens would travel in the clear' }] : [],
    ...notify?.listen !== undefined && inTheClear(notify.listen.address) ? [{ path: ['notify', 'listen', 'address'], message: 'anything but loopback needs listen.tls: clicks would travel in the clear' }] : [],
  ]
}
