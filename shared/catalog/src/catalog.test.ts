import assert from 'node:assert/strict'
import fc from 'fast-check'
import type { Method } from '@lockkeeper/domain'
import { isRefusal } from '@lockkeeper/domain/errors'
import { listedIds } from './flags/risk.ts'
import { secretIds } from './flags/secrets.ts'
import { createCatalog, normaliseHost } from './index.ts'
import { parseTemplate } from './template.ts'

const catalog = createCatalog()

/** A path of the template; each parameter segment from `next`. */
function pathOf(method: Method, next: () => string): string {
  const { segments, customVerb } = parseTemplate(method.template)
  const made = segments.map((segment) => {
    if (segment === '**2') return `${next()}/${next()}`
    return segment.startsWith('*') ? next() : segment
  })
  return `/${made.join('/')}${customVerb === '' ? '' : `:${customVerb}`}`
}

function only(id: string, host?: string): Method {
  return catalog.method(id, host) ?? assert.fail(`no method ${id}`)
}

describe('catalog', () => {
  before(() => catalog.load())

  it('every method is found again from a path of its template', () => {
    let number = 0
    for (const method of catalog.methods()) {
      const path = pathOf(method, () => `n${number++}`)
      const match = catalog.match({ host: method.host, verb: method.verb, path, query: '' })
      if (isRefusal(match)) assert.fail(`${method.id} ${path}: ${match.message}`)
      assert.equal(`${match.method.id}@${match.method.version}`, `${method.id}@${method.version}`, path)
    }
  })

  it('names of any harmless spelling lead to the method or are refused, never to another one', () => {
    const methods = [...catalog.methods()]
    const name = fc.oneof(fc.stringMatching(/^[a-z][a-z0-9._~-]{0,12}$/), fc.constantFrom('instances', 'family', 'global', 'hosts', 'listUsable', 'o', 'a@b.c', '-'))
    fc.assert(fc.property(fc.constantFrom(...methods), fc.infiniteStream(name), (method, names) => {
      const path = pathOf(method, () => names.next().value)
      const match = catalog.match({ host: method.host, verb: method.verb, path, query: '' })
      if (isRefusal(match)) return match.reason === 'REQUEST_AMBIGUOUS'
      // A reserved word wins over a name (…/backendServices/listUsable): then the other template is the more literal one.
      return match.method.id === method.id || literals(match.method) > literals(method)
    }), { numRuns: 3000 })
  })

  it('no byte sequence makes matching throw', () => {
    const text = fc.oneof(fc.string({ unit: 'binary' }), fc.stringMatching(/^[/%.:;&=+$a-z0-9A-F]{0,40}$/))
    fc.assert(fc.property(text, text, (path, query) => {
      catalog.match({ host: 'storage.googleapis.com', verb: 'GET', path: `/storage/v1/b/${path}`, query })
      catalog.match({ host: 'iam.googleapis.com', verb: 'POST', path, query })
    }), { numRuns: 3000 })
  })

  it('the query that is sent is read again as the same', () => {
    const value = fc.string({ unit: 'grapheme', maxLength: 20 })
    fc.assert(fc.property(value, value, (prefix, delimiter) => {
      const query = `prefix=${encodeURIComponent(prefix)}&delimiter=${encodeURIComponent(delimiter)}`
      const request = { host: 'storage.googleapis.com', verb: 'GET', path: '/storage/v1/b/bkt/o' }
      const first = catalog.match({ ...request, query })
      if (isRefusal(first)) return true
      const again = catalog.match({ ...request, query: first.query })
      return !isRefusal(again) && again.query === first.query && again.arguments['prefix'] === prefix && first.arguments['delimiter'] === delimiter
    }), { numRuns: 2000 })
  })

  it('path and query arguments of a method never share a name', () => {
    for (const method of catalog.methods()) {
      const names = parseTemplate(method.template).parameters.map((parameter) => parameter.name)
      assert.equal(new Set(names).size, names.length, method.id)
    }
  })

  it('the newest version answers to a bare id, any to its version', () => {
    assert.equal(only('run.projects.locations.services.get').version, 'v2')
    assert.equal(only('run.projects.locations.services.get@v1').version, 'v1')
    assert.equal(only('run.namespaces.services.get').version, 'v1')
    assert.equal(only('cloudresourcemanager.projects.setIamPolicy').version, 'v3')
    assert.equal(catalog.method('storage.objects.get', 'iam.googleapis.com'), undefined)
    assert.equal(catalog.method('storage.objects.get', 'storage.us-central1.rep.googleapis.com')?.id, 'storage.objects.get')
    assert.equal(catalog.method('storage.objects.eat'), undefined)
  })

  it('only the hosts that were asked for are loaded, once, however often and at once', async () => {
    const own = createCatalog()
    await Promise.all([own.load(['iam.googleapis.com']), own.load(['iam.googleapis.com']), own.load(['iam.googleapis.com'])])
    const ids = [...own.methods()].map((method) => method.id)
    assert.ok(ids.length > 100 && ids.every((id) => id.startsWith('iam.')))
    assert.equal(new Set(ids).size, ids.length)
    assert.throws(() => own.match({ host: 'pubsub.googleapis.com', verb: 'GET', path: '/v1/projects/p/topics', query: '' }), TypeError)
    await own.load(['www.googleapis.com'])
    assert.ok(own.method('storage.objects.get') && own.method('compute.instances.get') && own.method('bigquery.jobs.get'))
  })

  it('matching costs microseconds, not milliseconds', () => {
    const request = { host: 'storage.googleapis.com', verb: 'GET', path: '/storage/v1/b/bkt/o/name', query: 'alt=json' }
    const start = performance.now()
    for (let round = 0; round < 20_000; round++) catalog.match(request)
    assert.ok(performance.now() - start < 1000)
  })

  it('every host that is listed is taken', () => {
    for (const host of catalog.hosts()) assert.ok(normaliseHost(host), host)
    assert.deepEqual(normaliseHost('us-central1-run.googleapis.com'), { host: 'run.googleapis.com', service: 'run', location: 'us-central1' })
    assert.equal(normaliseHost('storage.mtls.googleapis.com'), undefined)
  })
})

function literals(method: Method): number {
  return parseTemplate(method.template).segments.filter((segment) => !segment.startsWith('*')).length
}

describe('what the catalog knows of a method', () => {
  before(() => catalog.load())

  it('every method that a table names exists', () => {
    for (const id of [...listedIds(), ...secretIds()]) assert.ok(catalog.method(id), id)
  })

  it('invariant 3: methods that hand out a credential are marked, in every API that has them', () => {
    const marked = [...catalog.methods()].filter((method) => method.mintsCredential).map((method) => method.id)
    for (const id of ['iam.projects.serviceAccounts.keys.create', 'iam.projects.serviceAccounts.signJwt', 'iamcredentials.projects.serviceAccounts.generateAccessToken', 'storage.projects.hmacKeys.create']) {
      assert.ok(marked.includes(id), id)
    }
    const suspects = [...catalog.methods()].filter((method) => method.verb === 'POST' && /\.(?:generate\w*|sign\w*|resetPassword)$/.test(method.id))
    for (const method of suspects) assert.ok(method.mintsCredential, method.id)
    for (const method of catalog.methods()) if (method.mintsCredential) assert.ok(method.returnsSecret && (method.risk === 'critical' || !method.change), method.id)
  })

  it('only GET and the listed POST methods are reads', () => {
    const reads = [...catalog.methods()].filter((method) => method.verb !== 'GET' && !method.change)
    for (const method of reads) assert.equal(method.verb, 'POST', method.id)
    const words = [...new Set(reads.map((method) => method.id.slice(method.id.lastIndexOf('.') + 1)))].sort()
    assert.deepEqual(words, [
      'batchGet', 'getAncestry', 'getEffectiveOrgPolicy', 'getHealth', 'getIamPolicy', 'getOrgPolicy', 'lintPolicy', 'list', 'listAvailableOrgPolicyConstraints', 'listCollectionIds', 'listInstances',
      'listManagedInstances', 'listNetworkEndpoints', 'listNodes', 'listOrgPolicies', 'listPerInstanceConfigs', 'listXpnHosts', 'listen', 'partitionQuery', 'preview', 'queryAuditableServices',
      'queryGrantableRoles', 'queryTestablePermissions', 'runAggregationQuery', 'runQuery', 'search', 'tail', 'testIamPermissions', 'validate', 'validateMessage', 'wait',
    ])
  })

  it('a read is never of a class of changes, a change never of a class of reads', () => {
    for (const method of catalog.methods()) {
      assert.equal(['read', 'sensitive-read'].includes(method.risk), !method.change, `${method.id} is ${method.risk}`)
    }
  })

  const FLAGS: readonly (readonly [string, Partial<Method>])[] = [
    ['storage.objects.get', { risk: 'read', change: false }],
    ['storage.objects.list', { risk: 'read' }],
    ['storage.buckets.list', { risk: 'read' }],
    ['storage.objects.insert', { risk: 'medium', dedupeKey: 'ifGenerationMatch', precondition: 'ifGenerationMatch' }],
    ['storage.objects.delete', { risk: 'high', precondition: 'ifGenerationMatch', reader: 'storage.objects.get' }],
    ['storage.buckets.patch', { risk: 'high', precondition: 'ifMetagenerationMatch', reader: 'storage.buckets.get' }],
    ['storage.buckets.update', { risk: 'high', reader: 'storage.buckets.get' }],
    ['storage.buckets.setIamPolicy', { risk: 'critical', precondition: 'etag', reader: 'storage.buckets.getIamPolicy' }],
    ['storage.objects.setIamPolicy', { risk: 'critical' }],
    ['storage.buckets.insert', { risk: 'medium' }],
    ['cloudresourcemanager.projects.setIamPolicy', { risk: 'critical', precondition: 'policy.etag', reader: 'cloudresourcemanager.projects.getIamPolicy' }],
    ['cloudresourcemanager.projects.delete', { risk: 'critical', longRunning: true, reader: 'cloudresourcemanager.projects.get' }],
    ['compute.instances.delete', { risk: 'high', dedupeKey: 'requestId', longRunning: true, reader: 'compute.instances.get' }],
    ['compute.instances.setMetadata', { risk: 'critical', precondition: 'fingerprint', reader: 'compute.instances.get' }],
    ['compute.instances.setLabels', { risk: 'change', precondition: 'labelFingerprint' }],
    ['compute.firewalls.patch', { risk: 'high', reader: 'compute.firewalls.get' }],
    ['compute.zoneOperations.wait', { change: false, risk: 'read', longRunning: false }],
    ['compute.zoneOperations.delete', { change: true, longRunning: false }],
    ['compute.instances.getSerialPortOutput', { risk: 'sensitive-read', returnsSecret: true }],
    ['secretmanager.projects.secrets.versions.access', { risk: 'sensitive-read', returnsSecret: true, mintsCredential: false }],
    ['secretmanager.projects.locations.secrets.versions.access', { risk: 'sensitive-read', returnsSecret: true }],
    ['secretmanager.projects.locations.secrets.versions.destroy', { risk: 'critical' }],
    ['secretmanager.projects.secrets.patch', { precondition: 'etag' }],
    ['bigquery.jobs.insert', { change: true, risk: 'high', dedupeKey: 'jobReference.jobId', longRunning: true }],
    ['bigquery.jobs.query', { change: true, risk: 'high' }],
    ['bigquery.tables.setIamPolicy', { risk: 'high', reader: 'bigquery.tables.getIamPolicy' }],
    ['run.projects.locations.services.patch', { risk: 'high', longRunning: true, reader: 'run.projects.locations.services.get', precondition: 'etag' }],
    ['run.namespaces.services.replaceService', { risk: 'high', reader: 'run.namespaces.services.get' }],
    ['run.namespaces.services.delete', { risk: 'high' }],
    ['run.projects.locations.workerPools.setIamPolicy', { risk: 'critical' }],
    ['iam.organizations.roles.patch', { risk: 'critical' }],
    ['iam.locations.workforcePools.providers.create', { risk: 'critical' }],
    ['apikeys.projects.locations.keys.getKeyString', { risk: 'sensitive-read', mintsCredential: true, returnsSecret: true, change: false }],
    ['sts.token', { risk: 'critical', mintsCredential: true }],
    ['logging.entries.list', { risk: 'read', change: false }],
    ['logging.organizations.sinks.delete', { risk: 'critical' }],
    ['logging.folders.locations.buckets.updateAsync', { risk: 'critical' }],
    ['logging.sinks.update', { risk: 'critical', reader: 'logging.sinks.get' }],
    ['serviceusage.services.disable', { risk: 'high', longRunning: true }],
    ['pubsub.projects.subscriptions.pull', { change: true, risk: 'medium' }],
    ['firestore.projects.databases.documents.runQuery', { change: false, risk: 'read' }],
    ['firestore.projects.databases.documents.commit', { change: true }],
    ['firestore.projects.databases.documents.patch', { reader: 'firestore.projects.databases.documents.get' }],
    ['storage.objects.rewrite', { risk: 'high' }],
  ]
  for (const [id, flags] of FLAGS) {
    it(`${id}: ${JSON.stringify(flags)}`, () => {
      const method = only(id)
      for (const [flag, value] of Object.entries(flags)) assert.equal(method[flag as keyof Method], value, flag)
    })
  }

  it('a copy has no reader: its path begins with the source', () => {
    assert.equal(only('storage.objects.rewrite').reader, undefined)
    assert.equal(only('storage.objects.copy').reader, undefined)
  })

  it('every reader is a read of the same API', () => {
    for (const method of catalog.methods()) {
      if (method.reader === undefined) continue
      assert.equal(only(`${method.reader}@${method.version}`).change, false, method.id)
    }
  })
})
