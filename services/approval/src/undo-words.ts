/**
 * Whether a change can be undone, by which call and until when, in words for a card. A table of what Google documents for each method;
 * about what it does not name nothing is known. Nothing here undoes anything.
 */

type Row = readonly [methods: readonly string[], words: string]

const NEVER = 'Cannot be undone'

const ROWS: readonly Row[] = [
  [['storage.objects.delete'], 'Can be undone by storage.objects.restore while the bucket keeps deleted objects (soft delete, 7 days unless set otherwise) or versions; else for good.'],
  [['storage.objects.insert', 'storage.objects.copy', 'storage.objects.rewrite', 'storage.objects.compose'], 'What it writes over can be brought back while the bucket keeps deleted objects (soft delete, 7 days unless set otherwise) or versions; a new object can be deleted.'],
  [['storage.buckets.delete'], 'Can be undone by storage.buckets.restore while soft delete keeps it, if nobody has taken its name; its objects need a call of their own.'],
  [['storage.buckets.lockRetentionPolicy'], `${NEVER}: a locked retention policy can only be made longer.`],
  [['storage.buckets.patch', 'storage.buckets.update', 'storage.objects.patch', 'storage.objects.update', 'bigquery.datasets.patch', 'bigquery.datasets.update', 'run.projects.locations.services.patch', 'compute.*.patch', 'compute.*.update', 'compute.instances.setMetadata', 'compute.instances.setTags', 'compute.*.setLabels', 'iam.*.roles.patch', 'pubsub.projects.*.patch', 'logging.*.sinks.patch', 'logging.*.sinks.update'], 'Can be undone by setting the old fields again; in between what they governed has happened.'],
  [['*.setIamPolicy'], 'Can be undone by setting the old bindings again; what was done with the access in between stays done, and a deleted member cannot be added again.'],
  [['iam.*.roles.delete'], 'Can be undone by roles.undelete within 7 days; after that its bindings are removed.'],
  [['iam.projects.serviceAccounts.delete'], 'Can be undone by serviceAccounts.undelete within 30 days at most, and not always. Disabling it instead can always be undone.'],
  [['iam.projects.serviceAccounts.keys.delete'], `${NEVER}: what uses the key stops working until it gets another one.`],
  [['iam.projects.serviceAccounts.disable', 'iam.projects.serviceAccounts.enable', 'iam.projects.serviceAccounts.keys.disable', 'iam.projects.serviceAccounts.keys.enable'], 'Can be undone by the opposite call.'],
  [['iam.*.workloadIdentityPools.delete', 'iam.*.workloadIdentityPools.providers.delete', 'iam.locations.workforcePools.delete'], 'Can be undone by undelete within 30 days.'],
  [['cloudresourcemanager.projects.delete'], 'Can be undone by projects.undelete for 30 days, but resources in it may be gone sooner, and everything in it stops at once.'],
  [['cloudresourcemanager.folders.delete'], 'Can be undone by folders.undelete for about 30 days.'],
  [['cloudresourcemanager.projects.move', 'cloudresourcemanager.folders.move'], 'Can be undone by moving it back; meanwhile it inherits other policies.'],
  [['apikeys.projects.locations.keys.delete'], 'Can be undone by keys.undelete for 30 days; what uses the key fails meanwhile.'],
  [['serviceusage.services.disable'], 'Can be undone by services.enable; resources of the API may have been affected.'],
  [['secretmanager.*.secrets.delete'], `${NEVER}: the secret's values are lost.`],
  [['secretmanager.*.versions.destroy'], `${NEVER}, unless the secret delays destruction (versionDestroyTtl): then by versions.enable until it is over.`],
  [['secretmanager.*.versions.disable', 'secretmanager.*.versions.enable'], 'Can be undone by the opposite call.'],
  [['secretmanager.*.secrets.addVersion'], 'The new version can be disabled; readers of the latest one may have used it by then.'],
  [['run.projects.locations.services.delete', 'run.namespaces.services.delete'], `${NEVER}: all revisions are lost; the service can be made anew.`],
  [['bigquery.tables.delete'], 'Can be undone by copying the table as of a moment before, within the time travel window (2 to 7 days, 7 unless set otherwise).'],
  [['bigquery.datasets.delete'], 'Can be undone by datasets.undelete within the time travel window (2 to 7 days).'],
  [['bigquery.jobs.insert', 'bigquery.jobs.query', 'bigquery.tables.patch', 'bigquery.tables.update'], 'What it changes in tables can be read and copied as of a moment before, within the time travel window (2 to 7 days).'],
  [['firestore.projects.databases.documents.*'], 'Old values can be read and written again for 1 hour, for 7 days with point-in-time recovery.'],
  [['firestore.projects.databases.delete'], `${NEVER}, but from a backup into a new database.`],
  [['compute.instances.stop', 'compute.instances.start', 'compute.instances.suspend', 'compute.instances.resume'], 'Can be undone by the opposite call; an ephemeral external address may be another one then.'],
  [['compute.instances.delete'], `${NEVER}: it can be made anew from its disks, if those are kept; local SSDs and its identity are lost.`],
  [['compute.disks.delete', 'compute.regionDisks.delete'], `${NEVER} without a snapshot.`],
  [['compute.firewalls.*', 'compute.routes.delete'], 'Can be undone by making the old rule again; traffic in between followed the new state.'],
  [['pubsub.projects.topics.publish'], `${NEVER}: subscribers get the message.`],
  [['pubsub.projects.subscriptions.delete'], 'The subscription can be made again; its backlog is lost, unless the topic keeps messages.'],
  [['pubsub.projects.topics.delete'], 'The topic can be made again; its subscriptions stay detached.'],
  [['pubsub.projects.subscriptions.seek'], `${NEVER} without a snapshot from before (kept for 7 days at most).`],
  [['logging.*.buckets.delete'], 'Can be undone by buckets.undelete within 7 days.'],
  [['logging.*.logs.delete'], `${NEVER}: the entries are lost.`],
]

const PATTERNS = ROWS.map(([methods, words]) => ({ words, pattern: new RegExp(`^(?:${methods.map((glob) => glob.replaceAll('.', '\\.').replaceAll('*', '.*')).join('|')})$`) }))
const CREATES = /\.(?:insert|create|createDocument)$/

/** Undefined for what changes nothing. */
export function undoWords({ method, change }: { readonly method: string, readonly change: boolean }): string | undefined {
  if (!change) return undefined
  const known = PATTERNS.find(({ pattern }) => pattern.test(method))
  if (known !== undefined) return known.words
  return CREATES.test(method) ? 'What it makes can be deleted again.' : 'Whether it can be undone is not known; take it for final.'
}
