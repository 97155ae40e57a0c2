/** Sandbox and real never mix (invariant 14): what real mode refuses, and what the sandbox refuses. */
import type { IsolationLevel } from '@lockkeeper/domain'
import type { GatewayConfig } from './config-schema.ts'

export interface ModeProblem { readonly path: readonly PropertyKey[], readonly message: string }

const LOOPBACK = /^(?:127\.\d{1,3}\.\d{1,3}\.\d{1,3}|\[::1\]|localhost)$/

export function modeProblems(config: GatewayConfig): readonly ModeProblem[] {
  return [...(config.mode === 'real' ? realProblems(config) : sandboxProblems(config)), ...listenProblems(config)]
}

function realProblems({ targets, isolation, acknowledgeNoIsolation }: GatewayConfig): readonly ModeProblem[] {
  const problems: ModeProblem[] = []
  targets.forEach(({ upstream, credential, sendsCredential }, index) => {
    if (upstream === undefined || 'none' in credential) return
    if (!upstream.startsWith('https:')) problems.push({ path: ['targets', index, 'upstream'], message: 'no credential is sent to a plain-http upstream in real mode: use https or credential: { none: true }' })
    else if (!sendsCredential) problems.push({ path: ['targets', index, 'upstream'], message: 'an overridden upstream gets the credential only with sendsCredential: true' })
  })
  if (isolation !== 'auto') problems.push(...isolationProblems({ targets, acknowledgeNoIsolation }, isolation))
  return problems
}

/** Also asked once `auto` has found its level: real credentials at level none are a choice that somebody made. */
export function isolationProblems({ targets, acknowledgeNoIsolation }: Pick<GatewayConfig, 'targets' | 'acknowledgeNoIsolation'>, level: IsolationLevel): readonly ModeProblem[] {
  if (level !== 'none' || acknowledgeNoIsolation || targets.every(({ credential }) => 'none' in credential)) return []
  return [{ path: ['isolation'], message: 'at level none an agent of the same user can read the credentials: set acknowledgeNoIsolation: true, or choose user or container' }]
}

function sandboxProblems({ targets }: GatewayConfig): readonly ModeProblem[] {
  const problems: ModeProblem[] = []
  targets.forEach(({ upstream, credential }, index) => {
    if ('adc' in credential || 'impersonate' in credential || 'idToken' in credential) problems.push({ path: ['targets', index, 'credential'], message: 'is a real credential; the sandbox takes secret or none' })
    if (upstream === undefined || !LOOPBACK.test(new URL(upstream).hostname)) problems.push({ path: ['targets', index, 'upstream'], message: 'must be a loopback address in the sandbox' })
  })
  return problems
}

function listenProblems({ listen: { address, tls } }: GatewayConfig): readonly ModeProblem[] {
  if (LOOPBACK.test(address) || address === '::1' || tls !== undefined) return []
  return [{ path: ['listen', 'address'], message: 'anything but loopback needs listen.tls: agents\' tokens would travel in the clear' }]
}
