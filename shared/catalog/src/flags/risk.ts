/**
 * Risk classes. risks.json is the reviewed list (critical: two approvers or nothing, high: a person, medium: allow and tell,
 * sensitive-read: a read that gives away secrets or data in bulk). The tables here carry it over to the twins of those methods
 * in other grammars and scopes: a twin with a lower class would be the way around.
 */
import { ADDED, type Risk } from './risk-added.ts'
import listed from './risks.json' with { type: 'json' }

/** `[prefix of the twin, prefix of the listed method]`. */
const TWINS: readonly (readonly [string, string])[] = [
  ['secretmanager.projects.locations.secrets.', 'secretmanager.projects.secrets.'],
  ['iam.organizations.roles.', 'iam.projects.roles.'],
  ['iam.locations.workforcePools.', 'iam.projects.locations.workloadIdentityPools.'],
  ['run.namespaces.services.', 'run.projects.locations.services.'],
  ['run.namespaces.jobs.', 'run.projects.locations.jobs.'],
  ['run.namespaces.workerpools.', 'run.projects.locations.services.'],
  ['run.namespaces.instances.', 'run.projects.locations.services.'],
  ['run.projects.locations.workerPools.', 'run.projects.locations.services.'],
  ['run.projects.locations.workerpools.', 'run.projects.locations.services.'],
  ['run.projects.locations.instances.', 'run.projects.locations.services.'],
  ['compute.regionDisks.', 'compute.disks.'],
  ['compute.regionSnapshots.', 'compute.snapshots.'],
  ['compute.regionSecurityPolicies.', 'compute.securityPolicies.'],
  ['compute.organizationSecurityPolicies.', 'compute.securityPolicies.'],
  ['compute.regionNetworkFirewallPolicies.', 'compute.networkFirewallPolicies.'],
  ['compute.firewallPolicies.', 'compute.networkFirewallPolicies.'],
  ['compute.machineImages.', 'compute.images.'],
  ['compute.instantSnapshots.', 'compute.snapshots.'],
  ['compute.regionInstantSnapshots.', 'compute.snapshots.'],
  ['compute.regionBackendServices.', 'compute.backendServices.'],
  ['compute.regionInstanceGroupManagers.', 'compute.instanceGroupManagers.'],
  ['compute.regionInstanceTemplates.', 'compute.instanceTemplates.'],
  ['logging.sinks.', 'logging.projects.sinks.'],
  ['logging.exclusions.', 'logging.projects.exclusions.'],
  ['logging.logs.', 'logging.projects.logs.'],
  ['logging.locations.', 'logging.projects.locations.'],
  ['logging.folders.', 'logging.projects.'],
  ['logging.organizations.', 'logging.projects.'],
  ['logging.billingAccounts.', 'logging.projects.'],
  ['storage.folders.delete', 'storage.objects.delete'],
]

/** Other names for the same act: `replaceService` is the patch of the Knative grammar. */
const SAME_ACT: Readonly<Record<string, string>> = {
  replaceService: 'patch', replaceJob: 'patch', replaceWorkerPool: 'patch', replaceInstance: 'patch', update: 'patch', updateAsync: 'patch', deleteRecursive: 'delete',
}

const table: ReadonlyMap<string, Risk> = new Map(Object.entries({ ...(listed as Readonly<Record<string, Risk>>), ...ADDED }))

/** The class of a method and its reason; undefined where no table says more than read or change. */
export function listedRisk(id: string): Risk | undefined {
  const own = table.get(id) ?? table.get(sameAct(id))
  if (own !== undefined) return own
  for (const [prefix, listedPrefix] of TWINS) {
    if (!id.startsWith(prefix)) continue
    const twin = listedPrefix + id.slice(prefix.length)
    const risk = table.get(twin) ?? table.get(sameAct(twin))
    if (risk !== undefined) return risk
  }
  if (id.endsWith('.setIamPolicy')) return { risk: 'high', why: 'grants access; not reviewed one by one' }
  return undefined
}

function sameAct(id: string): string {
  const dot = id.lastIndexOf('.')
  const act = SAME_ACT[id.slice(dot + 1)]
  return act === undefined ? id : `${id.slice(0, dot)}.${act}`
}

/** Why a method has its class, in one clause for people who decide; undefined for plain reads and changes. */
export function riskReason(id: string): string | undefined {
  return listedRisk(id)?.why
}

/** Every id that the tables name, for the test that they all exist. */
export function listedIds(): readonly string[] {
  return [...table.keys()]
}
