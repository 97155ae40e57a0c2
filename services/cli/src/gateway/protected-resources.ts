/** What belongs to the gateway itself and is out of every agent's reach (invariant 12): configured, and derived from its credentials. */
import type { GatewayConfig } from './config-schema.ts'

export function protectedResources({ protected: own, targets }: GatewayConfig): readonly string[] {
  const projects = own.projects.flatMap((project) => [`//*.googleapis.com/projects/${project}`, `//*.googleapis.com/projects/${project}/**`])
  const accounts = targets.flatMap(({ credential }) => 'impersonate' in credential ? [credential.impersonate, ...(credential.delegates ?? [])] : [])
  return [...projects, ...own.resources, ...accounts.map((email) => `//iam.googleapis.com/projects/*/serviceAccounts/${email}`), ...accounts.map((email) => `//iam.googleapis.com/projects/*/serviceAccounts/${email}/**`)]
}
