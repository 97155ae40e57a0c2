/**
 * Risk classes. risks.json is the reviewed list (critical: two approvers or nothing, high: a person, medium: allow and tell,
 * sensitive-read: a read that gives away secrets or data in bulk). The tables here carry it over to the twins of those methods
 * in other grammars and scopes: a twin with a lower class would be the way around.
 */
import type { RiskClass } from '@lockkeeper/domain'
import listed from './risks.json' with { type: 'json' }

interface Risk { readonly risk: RiskClass, readonly why: string }

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

const ADDED: Readonly<Record<string, Risk>> = {
  'cloudresourcemanager.projects.setOrgPolicy': { risk: 'critical', why: 'turns off constraints such as the ban on keys and on public access' },
  'cloudresourcemanager.projects.clearOrgPolicy': { risk: 'critical', why: 'turns off constraints such as the ban on keys and on public access' },
  'cloudresourcemanager.folders.setOrgPolicy': { risk: 'critical', why: 'the same for all children' },
  'cloudresourcemanager.folders.clearOrgPolicy': { risk: 'critical', why: 'the same for all children' },
  'cloudresourcemanager.organizations.setOrgPolicy': { risk: 'critical', why: 'the same for all children' },
  'cloudresourcemanager.organizations.clearOrgPolicy': { risk: 'critical', why: 'the same for all children' },
  'cloudresourcemanager.projects.update': { risk: 'high', why: 'the old way to move a project to another parent' },
  'cloudresourcemanager.tagBindings.create': { risk: 'high', why: 'conditions of IAM and organisation policies look at tags' },
  'cloudresourcemanager.tagBindings.delete': { risk: 'high', why: 'conditions of IAM and organisation policies look at tags' },
  'firestore.projects.databases.patch': { risk: 'high', why: 'delete protection and point-in-time recovery can be switched off' },
  'firestore.projects.databases.documents.batchWrite': { risk: 'medium', why: 'overwrites or deletes many documents at once' },
  'firestore.projects.databases.documents.commit': { risk: 'medium', why: 'overwrites or deletes many documents at once' },
  'firestore.projects.databases.documents.write': { risk: 'medium', why: 'overwrites or deletes many documents at once' },
  'firestore.projects.databases.documents.executePipeline': { risk: 'medium', why: 'a pipeline can update and delete what it finds' },
  'iam.projects.locations.workloadIdentityPools.providers.keys.create': { risk: 'critical', why: 'a key that the pool then trusts' },
  'iam.projects.locations.workloadIdentityPools.setAttestationRules': { risk: 'critical', why: 'decides which workloads get an identity' },
  'iam.projects.locations.workloadIdentityPools.addAttestationRule': { risk: 'critical', why: 'decides which workloads get an identity' },
  'iam.projects.locations.workloadIdentityPools.namespaces.managedIdentities.setAttestationRules': { risk: 'critical', why: 'decides which workloads get an identity' },
  'iam.projects.locations.workloadIdentityPools.namespaces.managedIdentities.addAttestationRule': { risk: 'critical', why: 'decides which workloads get an identity' },
  'iam.projects.locations.oauthClients.create': { risk: 'high', why: 'a client that people can be asked to trust' },
  'iam.projects.locations.oauthClients.patch': { risk: 'high', why: 'changes where its codes are sent' },
  'compute.instances.bulkInsert': { risk: 'high', why: 'many machines that run as a service account' },
  'compute.regionInstances.bulkInsert': { risk: 'high', why: 'many machines that run as a service account' },
  'compute.instances.update': { risk: 'high', why: 'can replace metadata and service account' },
  'compute.instances.setIamPolicy': { risk: 'critical', why: 'grants login and the machine\'s service account' },
  'compute.instanceTemplates.insert': { risk: 'high', why: 'start-up code and service account of every machine made from it' },
  'compute.regionInstanceTemplates.insert': { risk: 'high', why: 'start-up code and service account of every machine made from it' },
  'compute.projects.setUsageExportBucket': { risk: 'medium', why: 'sends usage data to a bucket' },
  'compute.instances.getGuestAttributes': { risk: 'sensitive-read', why: 'whatever the guest wrote there, often keys' },
  'compute.instances.getScreenshot': { risk: 'sensitive-read', why: 'shows the console' },
  'compute.interconnects.getMacsecConfig': { risk: 'sensitive-read', why: 'gives the pre-shared keys' },
  'iam.projects.locations.oauthClients.credentials.get': { risk: 'sensitive-read', why: 'gives the client secret' },
  'iam.projects.locations.oauthClients.credentials.list': { risk: 'sensitive-read', why: 'gives the client secrets' },
  'bigquery.tabledata.insertAll': { risk: 'medium', why: 'appends rows that cannot be taken back' },
  'logging.projects.sinks.create': { risk: 'high', why: 'a standing copy of all log entries to another place' },
  'logging.projects.locations.buckets.links.create': { risk: 'medium', why: 'makes a bucket readable through BigQuery' },
  'logging.entries.copy': { risk: 'high', why: 'copies log entries to a bucket' },
  'logging.updateSettings': { risk: 'high', why: 'default sinks, keys and storage of an organisation\'s log' },
  'logging.folders.updateSettings': { risk: 'high', why: 'default sinks, keys and storage of a folder\'s log' },
  'logging.organizations.updateSettings': { risk: 'high', why: 'default sinks, keys and storage of an organisation\'s log' },
  'logging.updateCmekSettings': { risk: 'high', why: 'the key that the log is encrypted with' },
  'logging.organizations.updateCmekSettings': { risk: 'high', why: 'the key that the log is encrypted with' },
  'pubsub.projects.subscriptions.pull': { risk: 'medium', why: 'takes messages away from their real consumer for a while' },
  'storage.buckets.relocate': { risk: 'high', why: 'moves all data to another place' },
  'storage.objects.bulkRestore': { risk: 'medium', why: 'can overwrite live objects' },
  'storage.objects.setIamPolicy': { risk: 'critical', why: 'can make an object public' },
  'storage.managedFolders.setIamPolicy': { risk: 'critical', why: 'can make a folder public' },
  'storage.bucketAccessControls.patch': { risk: 'high', why: 'ACL route to public' },
  'storage.defaultObjectAccessControls.patch': { risk: 'high', why: 'ACL route to public' },
  'storage.objectAccessControls.patch': { risk: 'high', why: 'ACL route to public' },
  'storage.objects.patch': { risk: 'medium', why: 'its acl field can make the object public; its retention field can lock it' },
  'storage.notifications.insert': { risk: 'medium', why: 'a standing feed of what happens in the bucket' },
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
