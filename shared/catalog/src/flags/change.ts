/** Which methods change something. The HTTP verb decides, except for the POST methods here that only read. No GET method changes anything. */

/** Last words of the ids of POST methods that read, with the reason why they are no GET. */
const READING_POSTS: Readonly<Record<string, string>> = {
  batchGet: 'a list of documents to read',
  getAncestry: 'gRPC transcoding; no argument changes anything',
  getEffectiveOrgPolicy: 'the constraint stands in the body',
  getIamPolicy: 'options in the body',
  getOrgPolicy: 'the constraint stands in the body',
  lintPolicy: 'the policy to check stands in the body',
  listAvailableOrgPolicyConstraints: 'paging in the body',
  listCollectionIds: 'paging in the body',
  listInstances: 'filter in the body',
  listManagedInstances: 'Compute lists members of a group by POST',
  listNetworkEndpoints: 'filter in the body',
  listNodes: 'Compute lists members of a group by POST',
  listOrgPolicies: 'paging in the body',
  listPerInstanceConfigs: 'Compute lists members of a group by POST',
  listXpnHosts: 'filter in the body',
  listen: 'a stream of reads',
  partitionQuery: 'the query stands in the body',
  preview: 'shows the outcome of a change and makes none',
  queryAuditableServices: 'the resource stands in the body',
  queryGrantableRoles: 'the resource stands in the body',
  queryTestablePermissions: 'the resource stands in the body',
  runAggregationQuery: 'the query stands in the body',
  runQuery: 'the query stands in the body',
  search: 'the filter stands in the body',
  testIamPermissions: 'the permissions stand in the body',
  validate: 'checks what stands in the body',
  validateMessage: 'checks what stands in the body',
  wait: 'waits for an operation that runs anyway',
}

/** Too general a name for the table above (`compute.hosts.getHealth` starts work on a machine, another `list` may mean anything). */
const READING_POST_IDS: ReadonlySet<string> = new Set([
  'compute.backendServices.getHealth',
  'compute.regionBackendServices.getHealth',
  'compute.targetPools.getHealth',
  'logging.entries.list',
  'logging.entries.tail',
])

export function isChange(id: string, verb: string): boolean {
  if (verb === 'GET') return false
  if (verb !== 'POST') return true
  return !READING_POST_IDS.has(id) && !Object.hasOwn(READING_POSTS, id.slice(id.lastIndexOf('.') + 1))
}
