import assert from 'node:assert/strict'
import { isRefusal, type ErrorReason } from '@lockkeeper/domain/errors'
import { createCatalog } from './index.ts'

const catalog = createCatalog()
const STORAGE = 'storage.googleapis.com'
const IAM = 'iam.googleapis.com'
const B = '/storage/v1/b/bkt'

type Row = readonly [what: string, host: string, verb: string, path: string, query: string, reason: ErrorReason]

const HOSTS: readonly Row[] = ([
  'example.com', '', 'googleapis.com', 'storage.googleapis.com.evil.com', 'evilstorage.googleapis.com', 'bkt.storage.googleapis.com', 'storage.mtls.googleapis.com',
  'storage.googleapis.com.', 'storage.googleapis.com:443', ' storage.googleapis.com', 'storage.googleapis.com@evil.com', 'nowhere1-run.googleapis.com', 'run.nowhere1.rep.googleapis.com',
  'us-central1-storage.googleapis.com', 'storage。googleapis.com', 'constructor', '__proto__', 'sqladmin.googleapis.com', '127.0.0.1', 'storage.googleapis.com/x',
] as const).map((host) => [`host ${JSON.stringify(host)}`, host, 'GET', B, '', 'METHOD_UNKNOWN'])

const PATHS: readonly Row[] = [
  ['an unknown path', STORAGE, 'GET', '/storage/v1/x', '', 'METHOD_UNKNOWN'],
  ['an unknown version', STORAGE, 'GET', '/storage/v2/b/bkt', '', 'METHOD_UNKNOWN'],
  ['the XML grammar', STORAGE, 'GET', '/bkt/name', '', 'METHOD_UNKNOWN'],
  ['the root', STORAGE, 'GET', '/', '', 'REQUEST_AMBIGUOUS'],
  ['no path', STORAGE, 'GET', '', '', 'REQUEST_INVALID'],
  ['a path without its slash', STORAGE, 'GET', 'storage/v1/b', '', 'REQUEST_INVALID'],
  ['an absolute URL', STORAGE, 'GET', 'https://storage.googleapis.com/storage/v1/b', '', 'REQUEST_INVALID'],
  ['an unknown verb', STORAGE, 'BREW', B, '', 'METHOD_UNKNOWN'],
  ['a verb in small letters', STORAGE, 'get', B, '', 'METHOD_UNKNOWN'],
  ['HEAD', STORAGE, 'HEAD', B, '', 'METHOD_UNKNOWN'],
  ['a verb that the path does not have', STORAGE, 'DELETE', `${B}/o`, '', 'METHOD_UNKNOWN'],
  ['a path of another API', IAM, 'GET', B, '', 'METHOD_UNKNOWN'],
  ['an API at the legacy host that never was there', 'www.googleapis.com', 'GET', '/v1/projects/p/topics', '', 'METHOD_UNKNOWN'],
  ['a batch', STORAGE, 'POST', '/batch', '', 'METHOD_UNKNOWN'],
  ['a batch of Cloud Storage', STORAGE, 'POST', '/batch/storage/v1', '', 'METHOD_UNKNOWN'],
  ['a batch of Compute', 'compute.googleapis.com', 'POST', '/batch/compute/v1', '', 'METHOD_UNKNOWN'],
  ['a batch at the legacy host', 'www.googleapis.com', 'POST', '/batch/storage/v1', '', 'METHOD_UNKNOWN'],
  ['an object name with plain slashes', STORAGE, 'GET', `${B}/o/a/b`, '', 'METHOD_UNKNOWN'],
  ['a slash at the end', STORAGE, 'GET', `${B}/`, '', 'REQUEST_AMBIGUOUS'],
  ['an empty segment', STORAGE, 'GET', '/storage/v1//b/bkt', '', 'REQUEST_AMBIGUOUS'],
  ['two slashes at the start', STORAGE, 'GET', `/${B}`, '', 'REQUEST_AMBIGUOUS'],
  ['an empty object name', STORAGE, 'GET', `${B}/o/`, '', 'REQUEST_AMBIGUOUS'],
  ['a dot segment', STORAGE, 'GET', '/storage/v1/./b/bkt', '', 'REQUEST_AMBIGUOUS'],
  ['two dots', STORAGE, 'GET', '/storage/v1/b/x/../bkt', '', 'REQUEST_AMBIGUOUS'],
  ['two dots at the end', STORAGE, 'GET', `${B}/o/..`, '', 'REQUEST_AMBIGUOUS'],
  ['two encoded dots as a bucket', STORAGE, 'GET', '/storage/v1/b/%2e%2e', '', 'REQUEST_AMBIGUOUS'],
  ['two encoded dots as an object', STORAGE, 'GET', `${B}/o/%2E%2e`, '', 'REQUEST_AMBIGUOUS'],
  ['half encoded dots as an object', STORAGE, 'GET', `${B}/o/.%2e`, '', 'REQUEST_AMBIGUOUS'],
  ['dots between encoded slashes of an object', STORAGE, 'GET', `${B}/o/a%2F..%2Fb`, '', 'REQUEST_AMBIGUOUS'],
  ['an encoded slash in a bucket', STORAGE, 'GET', '/storage/v1/b/bkt%2Fo%2Fx', '', 'REQUEST_AMBIGUOUS'],
  ['an encoded slash in a resource name', IAM, 'GET', '/v1/projects/p%2FserviceAccounts/serviceAccounts/x', '', 'REQUEST_AMBIGUOUS'],
  ['an encoded slash in place of a plain one', IAM, 'GET', '/v1/projects%2Fp/serviceAccounts', '', 'METHOD_UNKNOWN'],
  ['a backslash', STORAGE, 'GET', '/storage/v1/b\\bkt', '', 'REQUEST_AMBIGUOUS'],
  ['an encoded backslash in a bucket', STORAGE, 'GET', '/storage/v1/b/a%5Cb', '', 'REQUEST_AMBIGUOUS'],
  ['a bucket encoded twice', STORAGE, 'GET', '/storage/v1/b/a%252Fb', '', 'REQUEST_AMBIGUOUS'],
  ['an encoded percent sign in a bucket', STORAGE, 'GET', '/storage/v1/b/a%25b', '', 'REQUEST_AMBIGUOUS'],
  ['a letter encoded without need', STORAGE, 'GET', '/storage/v1/b/%62kt', '', 'REQUEST_AMBIGUOUS'],
  ['a literal encoded', STORAGE, 'GET', '/%73torage/v1/b/bkt', '', 'METHOD_UNKNOWN'],
  ['a literal encoded that could be a name', 'compute.googleapis.com', 'GET', '/compute/v1/projects/p/global/images/%66amily/x', '', 'METHOD_UNKNOWN'],
  ['an encoded NUL', STORAGE, 'GET', `${B}/o/a%00b`, '', 'REQUEST_AMBIGUOUS'],
  ['an encoded line feed', STORAGE, 'GET', `${B}/o/a%0Ab`, '', 'REQUEST_AMBIGUOUS'],
  ['an encoded control character of the second block', STORAGE, 'GET', `${B}/o/a%C2%85`, '', 'REQUEST_AMBIGUOUS'],
  ['a plain control character', STORAGE, 'GET', `${B}/o/a\u0000b`, '', 'REQUEST_INVALID'],
  ['a line feed at the end', STORAGE, 'GET', `${B}\n`, '', 'REQUEST_INVALID'],
  ['an overlong slash', STORAGE, 'GET', `${B}/o/a%C0%AFb`, '', 'REQUEST_AMBIGUOUS'],
  ['an overlong dot', STORAGE, 'GET', `${B}/o/%E0%80%AE`, '', 'REQUEST_AMBIGUOUS'],
  ['invalid UTF-8', STORAGE, 'GET', `${B}/o/%FF%FE`, '', 'REQUEST_AMBIGUOUS'],
  ['half a character', STORAGE, 'GET', `${B}/o/%E6%97`, '', 'REQUEST_AMBIGUOUS'],
  ['an encoded surrogate', STORAGE, 'GET', `${B}/o/%ED%A0%80`, '', 'REQUEST_AMBIGUOUS'],
  ['a plain letter beyond ASCII', STORAGE, 'GET', `${B}/o/ü`, '', 'REQUEST_INVALID'],
  ['a plain space', STORAGE, 'GET', `${B}/o/a b`, '', 'REQUEST_INVALID'],
  ['a lone percent sign', STORAGE, 'GET', `${B}/o/100%`, '', 'REQUEST_INVALID'],
  ['a percent sign before no hex', STORAGE, 'GET', `${B}/o/%zz`, '', 'REQUEST_INVALID'],
  ['a %u escape', STORAGE, 'GET', `${B}/o/%u002e`, '', 'REQUEST_INVALID'],
  ['a path parameter after a semicolon', STORAGE, 'GET', `${B};v=1`, '', 'REQUEST_AMBIGUOUS'],
  ['an encoded semicolon in a bucket', STORAGE, 'GET', '/storage/v1/b/a%3Bb', '', 'REQUEST_AMBIGUOUS'],
  ['a fragment', STORAGE, 'GET', `${B}#x`, '', 'REQUEST_INVALID'],
  ['an encoded fragment in a bucket', STORAGE, 'GET', '/storage/v1/b/a%23b', '', 'REQUEST_AMBIGUOUS'],
  ['an encoded question mark in a bucket', STORAGE, 'GET', '/storage/v1/b/a%3Fb', '', 'REQUEST_AMBIGUOUS'],
  ['a question mark in the path', STORAGE, 'GET', `${B}?x`, '', 'REQUEST_INVALID'],
  ['a path over its length', STORAGE, 'GET', `${B}/o/${'x'.repeat(9000)}`, '', 'REQUEST_INVALID'],
  ['an object name over its length', STORAGE, 'GET', `${B}/o/${'%C3%A9'.repeat(513)}`, '', 'REQUEST_INVALID'],
  ['too many segments', STORAGE, 'GET', '/a'.repeat(65), '', 'METHOD_UNKNOWN'],
  ['an unknown custom verb', IAM, 'POST', '/v1/projects/p/serviceAccounts/x@p.iam.gserviceaccount.com:newVerb', '', 'METHOD_UNKNOWN'],
  ['an unknown custom verb of a GET', IAM, 'GET', '/v1/projects/p/serviceAccounts/x@p.iam.gserviceaccount.com:newVerb', '', 'REQUEST_AMBIGUOUS'],
  ['a custom verb of another HTTP verb', 'cloudresourcemanager.googleapis.com', 'GET', '/v1/projects/p:setIamPolicy', '', 'METHOD_UNKNOWN'],
  ['an encoded custom verb', 'cloudresourcemanager.googleapis.com', 'POST', '/v1/projects/p%3AsetIamPolicy', '', 'METHOD_UNKNOWN'],
  ['an encoded custom verb of a GET', 'cloudresourcemanager.googleapis.com', 'GET', '/v1/projects/p%3Aundelete', '', 'REQUEST_AMBIGUOUS'],
  ['a custom verb with an encoded letter', 'cloudresourcemanager.googleapis.com', 'GET', '/v1/projects/p:get%49amPolicy', '', 'REQUEST_AMBIGUOUS'],
  ['a custom verb in the middle', IAM, 'GET', '/v1/projects/p:disable/serviceAccounts', '', 'REQUEST_AMBIGUOUS'],
  ['a custom verb alone', IAM, 'POST', '/v1/:disable', '', 'METHOD_UNKNOWN'],
  ['a path that two methods could mean', 'compute.googleapis.com', 'GET', '/compute/v1/projects/p/global/images/family/getIamPolicy', '', 'REQUEST_AMBIGUOUS'],
  ['a document path that names a collection', 'firestore.googleapis.com', 'DELETE', '/v1/projects/p/databases/(default)/documents/a/b/c', '', 'METHOD_UNKNOWN'],
  ['prototype names', STORAGE, 'GET', '/__proto__/constructor/toString', '', 'METHOD_UNKNOWN'],
]

const QUERIES: readonly Row[] = ([
  ['an unknown argument of a read', 'x=1', 'REQUEST_INVALID'],
  ['a standard argument given twice', 'alt=json&alt=json', 'REQUEST_AMBIGUOUS'],
  ['a standard argument in two spellings', 'alt=json&$alt=json', 'REQUEST_AMBIGUOUS'],
  ['a standard argument in two spellings, one encoded', 'alt=json&%24alt=media', 'REQUEST_AMBIGUOUS'],
  ['an argument given twice', 'projection=full&projection=noAcl', 'REQUEST_AMBIGUOUS'],
  ['an argument in two spellings', 'userProject=a&user_project=b', 'REQUEST_AMBIGUOUS'],
  ['an argument with its name encoded, twice', 'projection=full&%70rojection=noAcl', 'REQUEST_AMBIGUOUS'],
  ['a path parameter as an argument', 'bucket=other', 'REQUEST_INVALID'],
  ['a verb override', '$httpMethod=DELETE', 'REQUEST_AMBIGUOUS'],
  ['a header override', '$httpHeaders=x', 'REQUEST_AMBIGUOUS'],
  ['an encoded verb override', '%24httpMethod=DELETE', 'REQUEST_AMBIGUOUS'],
  ['an access token', 'access_token=x', 'REQUEST_AMBIGUOUS'],
  ['an OAuth token', 'oauth_token=x', 'REQUEST_AMBIGUOUS'],
  ['an API key', 'key=AIza', 'REQUEST_AMBIGUOUS'],
  ['a callback', 'callback=f', 'REQUEST_AMBIGUOUS'],
  ['an upload protocol', 'upload_protocol=raw', 'REQUEST_AMBIGUOUS'],
  ['an upload session at a read', 'upload_id=x', 'REQUEST_INVALID'],
  ['an unknown system argument', '$foo=1', 'REQUEST_AMBIGUOUS'],
  ['alt=proto', 'alt=proto', 'REQUEST_INVALID'],
  ['alt=sse', '$alt=sse', 'REQUEST_INVALID'],
  ['alt in capitals', 'alt=JSON', 'REQUEST_INVALID'],
  ['an empty alt', 'alt=', 'REQUEST_INVALID'],
  ['alt=media of a method without content', 'alt=media', 'REQUEST_INVALID'],
  ['uploadType at a read', 'uploadType=media', 'REQUEST_AMBIGUOUS'],
  ['an argument without a value', 'prettyPrint', 'REQUEST_INVALID'],
  ['an argument without a name', '=x', 'REQUEST_INVALID'],
  ['an empty pair', 'alt=json&&fields=id', 'REQUEST_INVALID'],
  ['an ampersand at the end', 'alt=json&', 'REQUEST_INVALID'],
  ['a semicolon between arguments', 'fields=id;alt=media', 'REQUEST_AMBIGUOUS'],
  ['a lone percent sign', 'fields=%', 'REQUEST_AMBIGUOUS'],
  ['invalid UTF-8', 'fields=%FF', 'REQUEST_AMBIGUOUS'],
  ['an encoded NUL', 'fields=a%00', 'REQUEST_AMBIGUOUS'],
  ['an encoded line feed', 'fields=a%0Ab', 'REQUEST_AMBIGUOUS'],
  ['a plain letter beyond ASCII', 'fields=ü', 'REQUEST_INVALID'],
  ['a plain control character', 'fields=\t', 'REQUEST_INVALID'],
  ['a fragment', 'fields=id#x', 'REQUEST_INVALID'],
  ['a query over its length', `fields=${'x'.repeat(20_000)}`, 'REQUEST_INVALID'],
  ['too many arguments', 'alt=json&'.repeat(101).slice(0, -1), 'REQUEST_INVALID'],
  ['a prototype name', '__proto__=x', 'REQUEST_INVALID'],
  ['another prototype name', 'constructor=x', 'REQUEST_INVALID'],
] as const).map(([what, query, reason]) => [what, STORAGE, 'GET', B, query, reason])

const CHANGES: readonly Row[] = [
  ['an unknown argument of a change', STORAGE, 'DELETE', B, 'force=true', 'REQUEST_INVALID'],
  ['a precondition given twice', STORAGE, 'DELETE', `${B}/o/x`, 'ifGenerationMatch=1&ifGenerationMatch=2', 'REQUEST_AMBIGUOUS'],
  ['an upload without uploadType', STORAGE, 'POST', '/upload/storage/v1/b/bkt/o', 'name=x', 'REQUEST_INVALID'],
  ['an upload of an unknown type', STORAGE, 'POST', '/upload/storage/v1/b/bkt/o', 'uploadType=raw', 'REQUEST_INVALID'],
  ['a simple upload at the resumable path', STORAGE, 'POST', '/resumable/upload/storage/v1/b/bkt/o', 'uploadType=media', 'REQUEST_INVALID'],
  ['an upload off the upload path', STORAGE, 'POST', `${B}/o`, 'uploadType=media&name=x', 'REQUEST_AMBIGUOUS'],
  ['an upload that asks for content', STORAGE, 'POST', '/upload/storage/v1/b/bkt/o', 'uploadType=media&alt=media', 'REQUEST_INVALID'],
  ['an upload session without its id', STORAGE, 'PUT', '/upload/storage/v1/b/bkt/o', 'uploadType=resumable', 'REQUEST_INVALID'],
  ['an upload session with an empty id', STORAGE, 'PUT', '/upload/storage/v1/b/bkt/o', 'uploadType=resumable&upload_id=', 'REQUEST_INVALID'],
  ['an upload session with two ids', STORAGE, 'PUT', '/upload/storage/v1/b/bkt/o', 'upload_id=a&upload_id=b', 'REQUEST_AMBIGUOUS'],
  ['a new upload with a session id', STORAGE, 'POST', '/upload/storage/v1/b/bkt/o', 'uploadType=resumable&upload_id=a', 'REQUEST_INVALID'],
  ['an uploaded object named by dots', STORAGE, 'POST', '/upload/storage/v1/b/bkt/o', 'uploadType=media&name=a%2F..%2Fb', 'REQUEST_AMBIGUOUS'],
  ['a download path without alt=media', STORAGE, 'GET', '/download/storage/v1/b/bkt/o/x', '', 'REQUEST_AMBIGUOUS'],
  ['a change at a download path', STORAGE, 'DELETE', '/download/storage/v1/b/bkt/o/x', 'alt=media', 'METHOD_UNKNOWN'],
]

describe('invariant 2: what is not understood is refused', () => {
  before(() => catalog.load())

  for (const [what, host, verb, path, query, reason] of [...HOSTS, ...PATHS, ...QUERIES, ...CHANGES]) {
    it(`invariant 2: ${what}: ${reason}`, () => {
      const answer = catalog.match({ host, verb, path, query })
      if (!isRefusal(answer)) assert.fail(`it was taken for ${answer.method.id}`)
      assert.equal(answer.reason, reason, answer.message)
      assert.ok(answer.message.length < 400)
    })
  }

  it('a batch is told to come as single calls', () => {
    const answer = catalog.match({ host: 'compute.googleapis.com', verb: 'POST', path: '/batch/compute/v1', query: '' })
    assert.ok(isRefusal(answer) && /one by one/.test(answer.message))
  })

  it('a known host that was not loaded is our own mistake', () => {
    assert.throws(() => createCatalog().match({ host: STORAGE, verb: 'GET', path: B, query: '' }), TypeError)
  })

  it('what looks like a host is never a property of the table', async () => {
    await assert.rejects(createCatalog().load(['toString']), TypeError)
  })
})
