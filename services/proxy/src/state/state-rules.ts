/**
 * Which state a change depends on, and how the API is told to make it beside that state only. A table; what it does not name follows
 * the catalog: the sibling `get` is the state, `etag` or `fingerprint` of the body (of a DELETE: of the query) the precondition.
 * Sources: the Discovery documents and Google's guides on request preconditions, ETags and fingerprints of each API.
 */
import type { Method } from '@lockkeeper/domain'

/** One precondition: where it goes, and which field of the state it holds. */
export interface Binding {
  readonly put: 'argument' | 'header' | 'body'
  readonly name: string
  /** Field of the state that was read, dots between the members. */
  readonly from: string
  /** What is sent where there is no such resource; undefined: nothing. */
  readonly absent?: readonly [name: string, value: string]
}

export interface StateRule {
  /** Ids; `*` stands for any characters. */
  readonly methods: readonly string[]
  /** False: no state that it depends on, or none that its getter shows. */
  readonly reads?: false
  readonly bind: readonly Binding[]
}

const argument = (name: string, from: string, absent?: Binding['absent']): Binding => ({ put: 'argument', name, from, ...absent === undefined ? {} : { absent } })
const field = (name: string, from: string): Binding => ({ put: 'body', name, from })

const RULES: readonly StateRule[] = [
  { methods: ['storage.objects.delete', 'storage.objects.patch', 'storage.objects.update'], bind: [argument('ifGenerationMatch', 'generation'), argument('ifMetagenerationMatch', 'metageneration')] },
  // What they write over: 0 means that nothing may be there.
  { methods: ['storage.objects.insert', 'storage.objects.compose', 'storage.objects.copy', 'storage.objects.rewrite', 'storage.objects.restore'], bind: [argument('ifGenerationMatch', 'generation', ['ifGenerationMatch', '0'])] },
  { methods: ['storage.objects.move'], bind: [argument('ifSourceGenerationMatch', 'generation')] },
  { methods: ['storage.*.setIamPolicy'], bind: [field('etag', 'etag')] },
  { methods: ['storage.buckets.delete', 'storage.buckets.patch', 'storage.buckets.update', 'storage.buckets.lockRetentionPolicy', 'storage.folders.delete', 'storage.folders.deleteRecursive', 'storage.managedFolders.delete', 'storage.managedFolders.update'], bind: [argument('ifMetagenerationMatch', 'metageneration')] },
  // An etag in their bodies names what was read and is not compared.
  { methods: ['storage.*AccessControls.*', 'storage.projects.hmacKeys.*', 'iam.projects.serviceAccounts.patch', 'iam.projects.serviceAccounts.update'], bind: [] },
  { methods: ['bigquery.datasets.patch', 'bigquery.datasets.update', 'bigquery.tables.patch', 'bigquery.tables.update', 'bigquery.routines.update', 'bigquery.models.patch'], bind: [{ put: 'header', name: 'if-match', from: 'etag' }] },
  { methods: ['compute.instances.setMetadata'], bind: [field('fingerprint', 'metadata.fingerprint')] },
  { methods: ['compute.projects.setCommonInstanceMetadata'], bind: [field('fingerprint', 'commonInstanceMetadata.fingerprint')] },
  { methods: ['compute.instances.setTags'], bind: [field('fingerprint', 'tags.fingerprint')] },
  // Their fingerprints belong to another thing than the getter reads, or count for the labels alone.
  { methods: ['compute.*.createSnapshot', 'compute.instances.addNetworkInterface', 'compute.instances.updateNetworkInterface', 'compute.routers.*NamedSet', 'compute.routers.*RoutePolicy', 'compute.rollouts.*', 'compute.images.patch', 'compute.interconnects.patch', 'compute.interconnectAttachments.patch', 'compute.*isks.update', 'compute.storagePools.update'], bind: [] },
  { methods: ['firestore.projects.databases.documents.patch'], bind: [argument('currentDocument.updateTime', 'updateTime', ['currentDocument.exists', 'false'])] },
  { methods: ['firestore.projects.databases.documents.delete'], bind: [argument('currentDocument.updateTime', 'updateTime')] },
  { methods: ['run.namespaces.*.replace*', 'run.projects.locations.services.replaceService'], bind: [field('metadata.resourceVersion', 'metadata.resourceVersion')] },
  // They add to a stream or take from it, or change a policy that the getter beside them does not show.
  { methods: ['pubsub.projects.topics.publish', 'pubsub.projects.subscriptions.pull', 'pubsub.projects.subscriptions.acknowledge', 'pubsub.projects.subscriptions.modifyAckDeadline', 'cloudresourcemanager.*OrgPolicy', 'bigquery.tabledata.insertAll'], reads: false, bind: [] },
]

const PATTERNS = RULES.map((rule) => ({ rule, pattern: new RegExp(`^(?:${rule.methods.map((glob) => glob.replaceAll('.', '\\.').replaceAll('*', '.*')).join('|')})$`) }))
const known = new Map<string, StateRule>()

/** The first rule of the table that names the method, else what its catalog entry says. */
export function stateRuleOf(method: Method): StateRule {
  const key = `${method.id}@${method.version}`
  let rule = known.get(key)
  if (rule === undefined) known.set(key, rule = PATTERNS.find(({ pattern }) => pattern.test(method.id))?.rule ?? fromCatalog(method))
  return rule
}

function fromCatalog({ id, verb, precondition }: Method): StateRule {
  if (precondition === undefined) return { methods: [id], bind: [] }
  const from = precondition.slice(precondition.lastIndexOf('.') + 1)
  return { methods: [id], bind: [{ put: verb === 'DELETE' ? 'argument' : 'body', name: precondition, from }] }
}
