import assert from 'node:assert/strict'
import { isRefusal } from '@lockkeeper/domain/errors'
import { createCatalog, type Match } from './index.ts'

const catalog = createCatalog()
const STORAGE = 'storage.googleapis.com'
const RUN = 'us-central1-run.googleapis.com'
const COMPUTE = 'compute.googleapis.com'
const FIRESTORE = 'firestore.googleapis.com'
const DOCUMENTS = '/v1/projects/p/databases/(default)/documents'
const bucket = '//storage.googleapis.com/projects/_/buckets/bkt'
const project = '//cloudresourcemanager.googleapis.com/projects/p'

/** host, verb, path with query, method, resources, media */
type Row = readonly [string, string, string, string, readonly string[], Match['media']?]

/** What gcloud, bq, gsutil, Terraform and the client libraries send. */
const REQUESTS: readonly Row[] = [
  [STORAGE, 'GET', '/storage/v1/b?alt=json&fields=items/name,nextPageToken&maxResults=1000&project=p&projection=noAcl', 'storage.buckets.list', [project]],
  [STORAGE, 'GET', '/storage/v1/b/bkt/o?alt=json&delimiter=/&includeFoldersAsPrefixes=True&maxResults=1000', 'storage.objects.list', [bucket]],
  [STORAGE, 'GET', '/storage/v1/b/bkt/o/name?alt=json', 'storage.objects.get', [`${bucket}/objects/name`]],
  [STORAGE, 'DELETE', '/storage/v1/b/bkt/o/a%2Fb.txt?alt=json', 'storage.objects.delete', [`${bucket}/objects/a/b.txt`]],
  [STORAGE, 'POST', '/upload/storage/v1/b/bkt/o?uploadType=multipart&alt=json', 'storage.objects.insert', [bucket], 'upload-multipart'],
  [STORAGE, 'POST', '/upload/storage/v1/b/bkt/o?uploadType=media&name=a%2Fb', 'storage.objects.insert', [`${bucket}/objects/a/b`], 'upload-simple'],
  [STORAGE, 'POST', '/resumable/upload/storage/v1/b/bkt/o?uploadType=resumable&alt=json', 'storage.objects.insert', [bucket], 'upload-resumable'],
  [STORAGE, 'POST', '/upload/storage/v1/b/bkt/o?uploadType=resumable&name=x', 'storage.objects.insert', [`${bucket}/objects/x`], 'upload-resumable'],
  [STORAGE, 'PUT', '/upload/storage/v1/b/bkt/o?uploadType=resumable&name=x&upload_id=AB-c_1', 'storage.objects.insert', [`${bucket}/objects/x`], 'upload-resumable'],
  [STORAGE, 'PUT', '/resumable/upload/storage/v1/b/bkt/o?upload_id=AB', 'storage.objects.insert', [bucket], 'upload-resumable'],
  [STORAGE, 'GET', '/download/storage/v1/b/bkt/o/name?generation=17&alt=media', 'storage.objects.get', [`${bucket}/objects/name`], 'download'],
  [STORAGE, 'GET', '/storage/v1/b/bkt/o/name?alt=media', 'storage.objects.get', [`${bucket}/objects/name`], 'download'],
  ['www.googleapis.com', 'GET', '/storage/v1/b/bkt', 'storage.buckets.get', [bucket]],
  ['www.googleapis.com', 'POST', '/upload/storage/v1/b/bkt/o?uploadType=multipart', 'storage.objects.insert', [bucket], 'upload-multipart'],
  ['storage.us-central1.rep.googleapis.com', 'GET', '/storage/v1/b/bkt', 'storage.buckets.get', [bucket]],
  ['STORAGE.googleapis.com', 'GET', '/storage/v1/b/bkt/iam/testPermissions?permissions=a.b.c&permissions=d.e.f', 'storage.buckets.testIamPermissions', [bucket]],
  [STORAGE, 'PUT', '/storage/v1/b/bkt/iam', 'storage.buckets.setIamPolicy', [bucket]],
  [STORAGE, 'POST', '/storage/v1/b/bkt/o/a/rewriteTo/b/other/o/c%2Fd', 'storage.objects.rewrite', [`${bucket}/objects/a`, '//storage.googleapis.com/projects/_/buckets/other/objects/c/d']],
  [STORAGE, 'POST', '/storage/v1/b/bkt/o/a/moveTo/o/b', 'storage.objects.move', [`${bucket}/objects/a`, `${bucket}/objects/b`]],
  [STORAGE, 'POST', '/storage/v1/b/bkt/folders/a%2F/renameTo/folders/b%2F', 'storage.folders.rename', [`${bucket}/folders/a/`, `${bucket}/folders/b/`]],
  [STORAGE, 'POST', '/storage/v1/b/bkt/o/bulkRestore', 'storage.objects.bulkRestore', [bucket]],
  [STORAGE, 'GET', '/storage/v1/b/bkt/o/bulkRestore', 'storage.objects.get', [`${bucket}/objects/bulkRestore`]],
  [STORAGE, 'POST', '/storage/v1/projects/p/hmacKeys?serviceAccountEmail=x%40p.iam.gserviceaccount.com', 'storage.projects.hmacKeys.create', [project]],
  ['iam.googleapis.com', 'POST', '/v1/projects/p/serviceAccounts?alt=json', 'iam.projects.serviceAccounts.create', [project]],
  ['iam.googleapis.com', 'GET', '/v1/projects/-/serviceAccounts/x@shop.iam.gserviceaccount.com/keys?alt=json&keyTypes=USER_MANAGED', 'iam.projects.serviceAccounts.keys.list', ['//iam.googleapis.com/projects/shop/serviceAccounts/x@shop.iam.gserviceaccount.com']],
  ['iam.googleapis.com', 'DELETE', '/v1/projects/dev/serviceAccounts/x%40prod.iam.gserviceaccount.com', 'iam.projects.serviceAccounts.delete', ['//iam.googleapis.com/projects/dev/serviceAccounts/x@prod.iam.gserviceaccount.com', '//iam.googleapis.com/projects/prod/serviceAccounts/x@prod.iam.gserviceaccount.com']],
  ['iam.googleapis.com', 'POST', '/v1/projects/-/serviceAccounts/x@shop.example.com.iam.gserviceaccount.com:disable', 'iam.projects.serviceAccounts.disable', ['//iam.googleapis.com/projects/example.com:shop/serviceAccounts/x@shop.example.com.iam.gserviceaccount.com']],
  ['iam.googleapis.com', 'GET', '/v1/projects/-/serviceAccounts/1234567890', 'iam.projects.serviceAccounts.get', ['//iam.googleapis.com/projects/-/serviceAccounts/1234567890']],
  ['iamcredentials.googleapis.com', 'POST', '/v1/projects/-/serviceAccounts/x@p.iam.gserviceaccount.com:generateAccessToken', 'iamcredentials.projects.serviceAccounts.generateAccessToken', ['//iam.googleapis.com/projects/p/serviceAccounts/x@p.iam.gserviceaccount.com']],
  ['iam.googleapis.com', 'POST', '/v1/permissions:queryTestablePermissions', 'iam.permissions.queryTestablePermissions', []],
  ['iam.googleapis.com', 'POST', '/v1/projects/p/serviceAccounts/x@p.iam.gserviceaccount.com/keys:upload', 'iam.projects.serviceAccounts.keys.upload', ['//iam.googleapis.com/projects/p/serviceAccounts/x@p.iam.gserviceaccount.com']],
  ['cloudresourcemanager.googleapis.com', 'POST', '/v1/projects/p:getIamPolicy?alt=json', 'cloudresourcemanager.projects.getIamPolicy@v1', [project]],
  ['cloudresourcemanager.googleapis.com', 'POST', '/v1/projects/p:setIamPolicy?alt=json', 'cloudresourcemanager.projects.setIamPolicy@v1', [project]],
  ['cloudresourcemanager.googleapis.com', 'POST', '/v3/projects/p:setIamPolicy', 'cloudresourcemanager.projects.setIamPolicy@v3', [project]],
  ['cloudresourcemanager.googleapis.com', 'GET', '/v1/projects/example.com:shop', 'cloudresourcemanager.projects.get@v1', ['//cloudresourcemanager.googleapis.com/projects/example.com:shop']],
  ['cloudresourcemanager.googleapis.com', 'POST', '/v1/projects/example.com%3Ashop:getIamPolicy', 'cloudresourcemanager.projects.getIamPolicy@v1', ['//cloudresourcemanager.googleapis.com/projects/example.com:shop']],
  ['cloudresourcemanager.googleapis.com', 'GET', '/v3/folders?parent=organizations/12', 'cloudresourcemanager.folders.list', ['//cloudresourcemanager.googleapis.com/organizations/12']],
  ['cloudresourcemanager.googleapis.com', 'DELETE', '/v3/tagBindings/%2F%2Fcloudresourcemanager.googleapis.com%2Fprojects%2F12/tagValues/34', 'cloudresourcemanager.tagBindings.delete', ['//cloudresourcemanager.googleapis.com/tagBindings///cloudresourcemanager.googleapis.com/projects/12/tagValues/34']],
  ['run.googleapis.com', 'GET', '/v1/projects/p/locations/-/services?alt=json', 'run.projects.locations.services.list@v1', ['//run.googleapis.com/projects/p/locations/-']],
  [RUN, 'GET', '/apis/serving.knative.dev/v1/namespaces/p/services?alt=json', 'run.namespaces.services.list', ['//run.googleapis.com/projects/p/locations/us-central1']],
  [RUN, 'PUT', '/apis/serving.knative.dev/v1/namespaces/p/services/s', 'run.namespaces.services.replaceService', ['//run.googleapis.com/projects/p/locations/us-central1/services/s']],
  ['run.us-central1.rep.googleapis.com', 'POST', '/apis/serving.knative.dev/v1/namespaces/p/services', 'run.namespaces.services.create', ['//run.googleapis.com/projects/p/locations/us-central1']],
  ['run.googleapis.com', 'PATCH', '/v2/projects/p/locations/us-central1/services/s?updateMask=template&%24alt=json%3Benum-encoding%3Dint', 'run.projects.locations.services.patch', ['//run.googleapis.com/projects/p/locations/us-central1/services/s']],
  ['run.googleapis.com', 'POST', '/upload/v2/projects/p/locations/l:uploadSource?uploadType=multipart', 'run.projects.locations.sourceUploads.upload', ['//run.googleapis.com/projects/p/locations/l'], 'upload-multipart'],
  ['run.googleapis.com', 'GET', '/v2/projects/p/locations/l/services/s/revisions/r:exportImageMetadata', 'run.projects.locations.exportImageMetadata', ['//run.googleapis.com/projects/p/locations/l/services/s/revisions/r']],
  ['secretmanager.googleapis.com', 'GET', '/v1/projects/p/secrets/s/versions/latest:access?alt=json', 'secretmanager.projects.secrets.versions.access', ['//secretmanager.googleapis.com/projects/p/secrets/s/versions/latest']],
  ['secretmanager.googleapis.com', 'GET', '/v1/projects/p/secrets/s/versions/latest:access?$alt=json;enum-encoding=int', 'secretmanager.projects.secrets.versions.access', ['//secretmanager.googleapis.com/projects/p/secrets/s/versions/latest']],
  ['secretmanager.googleapis.com', 'GET', '/v1/projects/p/secrets?page_size=5', 'secretmanager.projects.secrets.list', [project]],
  [COMPUTE, 'GET', '/compute/v1/projects/p/aggregated/instances?alt=json&includeAllScopes=True&maxResults=500&returnPartialSuccess=True', 'compute.instances.aggregatedList', [project]],
  [COMPUTE, 'DELETE', '/compute/v1/projects/p/zones/z/instances/i?alt=json', 'compute.instances.delete', ['//compute.googleapis.com/projects/p/zones/z/instances/i']],
  [COMPUTE, 'POST', '/compute/v1/projects/p/zones/z/operations/op-1/wait?alt=json', 'compute.zoneOperations.wait', ['//compute.googleapis.com/projects/p/zones/z/operations/op-1']],
  [COMPUTE, 'POST', '/compute/v1/projects/p/global/firewalls?requestId=1b4e', 'compute.firewalls.insert', [project]],
  ['www.googleapis.com', 'POST', '/compute/v1/projects/google.com:p/zones/z/instances/i/setMetadata', 'compute.instances.setMetadata', ['//compute.googleapis.com/projects/google.com:p/zones/z/instances/i']],
  [COMPUTE, 'GET', '/compute/v1/projects/p/global/images/family/debian-12', 'compute.images.getFromFamily', ['//compute.googleapis.com/projects/p/global/images/family/debian-12']],
  [COMPUTE, 'GET', '/compute/v1/projects/p/global/backendServices/listUsable', 'compute.backendServices.listUsable', [project]],
  ['pubsub.googleapis.com', 'GET', '/v1/projects/p/topics?alt=json', 'pubsub.projects.topics.list', [project]],
  ['pubsub.googleapis.com', 'POST', '/v1/projects/p/topics/t:publish', 'pubsub.projects.topics.publish', ['//pubsub.googleapis.com/projects/p/topics/t']],
  ['serviceusage.googleapis.com', 'GET', '/v1/projects/p/services/run.googleapis.com?alt=json', 'serviceusage.services.get', ['//serviceusage.googleapis.com/projects/p/services/run.googleapis.com']],
  ['serviceusage.googleapis.com', 'POST', '/v1/projects/p/services:batchEnable', 'serviceusage.services.batchEnable', [project]],
  ['logging.googleapis.com', 'POST', '/v2/entries:list?alt=json', 'logging.entries.list', []],
  ['logging.googleapis.com', 'DELETE', '/v2/projects/p/logs/run.googleapis.com%2Fstdout', 'logging.projects.logs.delete', ['//logging.googleapis.com/projects/p/logs/run.googleapis.com/stdout']],
  ['logging.googleapis.com', 'DELETE', '/v2/projects/p/sinks/s', 'logging.projects.sinks.delete', ['//logging.googleapis.com/projects/p/sinks/s']],
  ['sts.googleapis.com', 'POST', '/v1/token', 'sts.token', []],
  ['bigquery.googleapis.com', 'POST', '/bigquery/v2/projects/p/jobs', 'bigquery.jobs.insert', [project]],
  ['bigquery.googleapis.com', 'GET', '/bigquery/v2/projects/p/queries/job_1?maxResults=100&timeoutMs=0', 'bigquery.jobs.getQueryResults', ['//bigquery.googleapis.com/projects/p/jobs/job_1']],
  ['bigquery.googleapis.com', 'POST', '/bigquery/v2/projects/p/queries', 'bigquery.jobs.query', [project]],
  ['bigquery.googleapis.com', 'POST', '/upload/bigquery/v2/projects/p/jobs?uploadType=resumable', 'bigquery.jobs.insert', [project], 'upload-resumable'],
  ['bigquery.googleapis.com', 'GET', '/bigquery/v2/projects/p/datasets/d/tables/t$20260101/data', 'bigquery.tabledata.list', ['//bigquery.googleapis.com/projects/p/datasets/d/tables/t$20260101']],
  [FIRESTORE, 'POST', `${DOCUMENTS}:runQuery`, 'firestore.projects.databases.documents.runQuery', ['//firestore.googleapis.com/projects/p/databases/(default)']],
  [FIRESTORE, 'POST', `${DOCUMENTS}/users/u1:runQuery`, 'firestore.projects.databases.documents.runQuery', ['//firestore.googleapis.com/projects/p/databases/(default)/documents/users/u1']],
  [FIRESTORE, 'GET', `${DOCUMENTS}/users`, 'firestore.projects.databases.documents.listDocuments', ['//firestore.googleapis.com/projects/p/databases/(default)/documents/users']],
  [FIRESTORE, 'GET', `${DOCUMENTS}/users/u1`, 'firestore.projects.databases.documents.get', ['//firestore.googleapis.com/projects/p/databases/(default)/documents/users/u1']],
  [FIRESTORE, 'GET', `${DOCUMENTS}/users/u1/orders?pageSize=5`, 'firestore.projects.databases.documents.list', ['//firestore.googleapis.com/projects/p/databases/(default)/documents/users/u1/orders']],
  [FIRESTORE, 'GET', `${DOCUMENTS}/users/user:17`, 'firestore.projects.databases.documents.get', ['//firestore.googleapis.com/projects/p/databases/(default)/documents/users/user:17']],
  [FIRESTORE, 'PATCH', `${DOCUMENTS}/users/u1/orders/o1?updateMask.fieldPaths=a&updateMask.fieldPaths=b`, 'firestore.projects.databases.documents.patch', ['//firestore.googleapis.com/projects/p/databases/(default)/documents/users/u1/orders/o1']],
  [FIRESTORE, 'POST', `${DOCUMENTS}/users/u1/orders?documentId=o2`, 'firestore.projects.databases.documents.createDocument', ['//firestore.googleapis.com/projects/p/databases/(default)/documents/users/u1/orders']],
]

function ask(host: string, verb: string, url: string): Match {
  const [path = '', query = ''] = url.split('?')
  const match = catalog.match({ host, verb, path, query })
  if (isRefusal(match)) assert.fail(`${verb} ${url}: ${match.reason} ${match.message}`)
  return match
}

describe('requests of real clients', () => {
  before(() => catalog.load())

  for (const [host, verb, url, id, resources, media = 'none'] of REQUESTS) {
    it(`${verb} ${host}${url} means ${id}`, () => {
      const match = ask(host, verb, url)
      assert.equal(id.includes('@') ? `${match.method.id}@${match.method.version}` : match.method.id, id)
      assert.deepEqual(match.resources, resources)
      assert.equal(match.media, media)
      assert.equal(match.path, url.split('?')[0])
    })
  }

  it('path parameters and arguments come decoded, under Discovery\'s names', () => {
    const match = ask('secretmanager.googleapis.com', 'GET', '/v1/projects/p/secrets?page_size=5&filter=a%3Db+c')
    assert.deepEqual(match.arguments, { parent: 'projects/p', pageSize: '5', filter: 'a=b c' })
    assert.equal(match.query, 'pageSize=5&filter=a%3Db%20c')
  })

  it('the values of a repeated argument are joined with a line feed', () => {
    const match = ask(STORAGE, 'GET', '/storage/v1/b/bkt/iam/testPermissions?permissions=a.b&permissions=c.d')
    assert.equal(match.arguments['permissions'], 'a.b\nc.d')
    assert.equal(match.query, 'permissions=a.b&permissions=c.d')
  })

  it('arguments of a deep path are cut where the template says', () => {
    const match = ask(FIRESTORE, 'GET', `${DOCUMENTS}/users/u1/orders`)
    assert.deepEqual(match.arguments, { parent: 'projects/p/databases/(default)/documents/users/u1', collectionId: 'orders' })
  })
})

const OBJECT_NAMES = [
  'plain.txt', 'a/b/c', '/leading', 'trailing/', 'a//b', '..foo', 'foo..', '.hidden', '...', 'with space', 'plus+plus', '100%', '%2F', '%252e', 'a;b', 'a?b#c', 'back\\slash',
  'ünïcode-日本-🚢', 'a:setIamPolicy', '$alt', 'o', 'iam', '~tilde', '[1]{2}|3^', 'x'.repeat(900), 'é'.repeat(512),
]

describe('object names', () => {
  before(() => catalog.load([STORAGE]))

  for (const name of OBJECT_NAMES) {
    it(`${JSON.stringify(name.slice(0, 40))} passes unchanged`, () => {
      const path = `/storage/v1/b/bkt/o/${encodeURIComponent(name)}`
      const match = ask(STORAGE, 'GET', path)
      assert.equal(match.path, path)
      assert.equal(match.arguments['object'], name)
      assert.deepEqual(match.resources, [`${bucket}/objects/${name}`])
    })
  }
})
