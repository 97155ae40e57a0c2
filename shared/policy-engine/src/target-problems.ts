/** What is wrong with targets although each by itself is of the right form. */
import type { Mode } from '@lockkeeper/domain'
import type { TargetConfig } from './target-document.ts'

/** `path` begins at the list of targets. */
export interface TargetProblem { readonly path: readonly (string | number)[], readonly message: string }

const LOOPBACK = /^(?:127\.\d{1,3}\.\d{1,3}\.\d{1,3}|\[::1\]|localhost)$/

/** Sandbox and real never mix (invariant 14); no name and no host stands twice. */
export function targetProblems(targets: readonly TargetConfig[], mode: Mode): readonly TargetProblem[] {
  return [...repeatedNames(targets), ...targets.flatMap((target, index) => (mode === 'real' ? realProblems(target) : sandboxProblems(target)).map(({ path, message }) => ({ path: [index, ...path], message })))]
}

export function repeatedNames(targets: readonly Pick<TargetConfig, 'name' | 'hosts'>[]): readonly TargetProblem[] {
  const problems: TargetProblem[] = []
  const names = new Set<string>()
  const hosts = new Map<string, string>()
  targets.forEach((target, index) => {
    if (names.has(target.name)) problems.push({ path: [index, 'name'], message: 'another target has this name' })
    names.add(target.name)
    target.hosts.forEach((host, at) => {
      const other = hosts.get(host)
      if (other !== undefined) problems.push({ path: [index, 'hosts', at], message: `target ${other} has this host` })
      hosts.set(host, target.name)
    })
  })
  return problems
}

function realProblems({ upstream, credential, sendsCredential }: TargetConfig): readonly TargetProblem[] {
  if (upstream === undefined || 'none' in credential) return []
  if (!upstream.startsWith('https:')) return [{ path: ['upstream'], message: 'no credential is sent to a plain-http upstream in real mode: use https or credential: { none: true }' }]
  return sendsCredential ? [] : [{ path: ['upstream'], message: 'an overridden upstream gets the credential only with sendsCredential: true' }]
}

function sandboxProblems({ upstream, credential }: TargetConfig): readonly TargetProblem[] {
  const problems: TargetProblem[] = []
  if ('adc' in credential || 'impersonate' in credential || 'idToken' in credential) problems.push({ path: ['credential'], message: 'is a real credential; the sandbox takes secret or none' })
  if (upstream === undefined || !LOOPBACK.test(new URL(upstream).hostname)) problems.push({ path: ['upstream'], message: 'must be a loopback address in the sandbox' })
  return problems
}

/** The service accounts whose tokens the gateway mints for targets are its own: out of every agent's reach (invariant 12). */
export function accountResources(targets: readonly Pick<TargetConfig, 'credential'>[]): readonly string[] {
  const accounts = targets.flatMap(({ credential }) => 'impersonate' in credential ? [credential.impersonate, ...(credential.delegates ?? [])] : [])
  return [...accounts.map((email) => `//iam.googleapis.com/projects/*/serviceAccounts/${email}`), ...accounts.map((email) => `//iam.googleapis.com/projects/*/serviceAccounts/${email}/**`)]
}
