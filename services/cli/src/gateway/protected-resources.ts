/** What belongs to the gateway itself and is out of every agent's reach (invariant 12): configured, and derived from its credentials. */
import { accountResources } from '@lockkeeper/policy-engine'
import type { GatewayConfig } from './config-schema.ts'

export function protectedResources({ protected: own, targets }: GatewayConfig): readonly string[] {
  const projects = own.projects.flatMap((project) => [`//*.googleapis.com/projects/${project}`, `//*.googleapis.com/projects/${project}/**`])
  return [...projects, ...own.resources, ...accountResources(targets)]
}
