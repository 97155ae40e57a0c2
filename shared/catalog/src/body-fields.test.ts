import assert from 'node:assert/strict'
import fc from 'fast-check'
import { isRefusal, type ErrorReason } from '@lockkeeper/domain/errors'
import { fromPlain, parseStrict, serialise, type JsonObject } from '@lockkeeper/domain/json'
import { createCatalog } from './index.ts'

const catalog = createCatalog()

function check(id: string, text: string): string {
  const body = parseStrict(text)
  if (isRefusal(body)) assert.fail(body.message)
  const checked = catalog.checkBody(catalog.method(id) ?? assert.fail(`no method ${id}`), body as JsonObject)
  return isRefusal(checked) ? checked.reason : serialise(checked)
}

type Row = readonly [what: string, id: string, body: string, result: string]

const ACCEPTED: readonly Row[] = [
  ['Discovery\'s spelling', 'iam.projects.serviceAccounts.create', '{"accountId":"a","serviceAccount":{"displayName":"b"}}', '{"accountId":"a","serviceAccount":{"displayName":"b"}}'],
  ['snake case', 'iam.projects.serviceAccounts.create', '{"account_id":"a","service_account":{"display_name":"b"}}', '{"accountId":"a","serviceAccount":{"displayName":"b"}}'],
  ['snake case inside lists', 'cloudresourcemanager.projects.setIamPolicy', '{"policy":{"audit_configs":[{"audit_log_configs":[{"log_type":"DATA_READ","exempted_members":["user:a"]}],"service":"x"}]},"update_mask":"policy"}', '{"policy":{"auditConfigs":[{"auditLogConfigs":[{"exemptedMembers":["user:a"],"logType":"DATA_READ"}],"service":"x"}]},"updateMask":"policy"}'],
  ['keys of a map as they are', 'storage.buckets.patch', '{"labels":{"cost_centre":"x","costCentre":"y"}}', '{"labels":{"costCentre":"y","cost_centre":"x"}}'],
  ['null, which clears a field', 'storage.buckets.patch', '{"lifecycle":null,"labels":{"a":null}}', '{"labels":{"a":null},"lifecycle":null}'],
  ['64-bit numbers as text or as numbers', 'compute.disks.insert', '{"name":"d","sizeGb":"10","resourcePolicies":[]}', '{"name":"d","resourcePolicies":[],"sizeGb":"10"}'],
  ['a number where Discovery says text of a number', 'compute.disks.insert', '{"sizeGb":12345678901234567890}', '{"sizeGb":12345678901234567890}'],
  ['an enum as a number', 'iam.projects.serviceAccounts.keys.create', '{"privateKeyType":2}', '{"privateKeyType":2}'],
  ['any JSON where any is declared', 'bigquery.tabledata.insertAll', '{"rows":[{"insertId":"1","json":{"a_b":{"c":[1,true,null]}}}]}', '{"rows":[{"insertId":"1","json":{"a_b":{"c":[1,true,null]}}}]}'],
  ['documents with recursive values', 'firestore.projects.databases.documents.patch', '{"fields":{"a_b":{"mapValue":{"fields":{"c":{"arrayValue":{"values":[{"integerValue":"1"}]}}}}}}}', '{"fields":{"a_b":{"mapValue":{"fields":{"c":{"arrayValue":{"values":[{"integerValue":"1"}]}}}}}}}'],
  ['the Knative grammar', 'run.namespaces.services.create', '{"apiVersion":"serving.knative.dev/v1","kind":"Service","metadata":{"name":"s","annotations":{"run.googleapis.com/ingress":"all"}},"spec":{"template":{"spec":{"containers":[{"image":"i"}]}}}}', '{"apiVersion":"serving.knative.dev/v1","kind":"Service","metadata":{"annotations":{"run.googleapis.com/ingress":"all"},"name":"s"},"spec":{"template":{"spec":{"containers":[{"image":"i"}]}}}}'],
  ['a policy, and bindings alone in the old form', 'compute.disks.setIamPolicy', '{"policy":null,"bindings":[{"role":"r","members":["user:a"]}]}', '{"bindings":[{"members":["user:a"],"role":"r"}],"policy":null}'],
  ['an empty body of a method without one', 'compute.instances.stop', '{}', '{}'],
  ['an unknown field of a read', 'firestore.projects.databases.documents.runQuery', '{"structuredQuery":{"from":[{"collectionId":"a"}]},"newField":1}', '{"newField":1,"structuredQuery":{"from":[{"collectionId":"a"}]}}'],
  ['a field named like a verdict, inside a free value', 'bigquery.tabledata.insertAll', '{"rows":[{"json":{"refused":true,"reason":"X"}}]}', '{"rows":[{"json":{"reason":"X","refused":true}}]}'],
]

const REFUSED: readonly (readonly [what: string, id: string, body: string, reason: ErrorReason])[] = [
  ['an unknown field', 'iam.projects.serviceAccounts.create', '{"accountId":"a","admin":true}', 'FIELD_UNKNOWN'],
  ['an unknown field deep inside', 'cloudresourcemanager.projects.setIamPolicy', '{"policy":{"bindings":[{"role":"r","members":[],"extra":1}]}}', 'FIELD_UNKNOWN'],
  ['a field in other letters', 'cloudresourcemanager.projects.setIamPolicy', '{"Policy":{}}', 'FIELD_UNKNOWN'],
  ['a field with an underscore in front', 'storage.buckets.patch', '{"_iamConfiguration":{}}', 'FIELD_UNKNOWN'],
  ['a prototype name', 'storage.buckets.patch', '{"__proto__":{"a":1}}', 'FIELD_UNKNOWN'],
  ['another prototype name', 'storage.buckets.patch', '{"constructor":1}', 'FIELD_UNKNOWN'],
  ['bindings beside a policy: two policies in one', 'compute.instances.setIamPolicy', '{"policy":{"bindings":[]},"bindings":[{"role":"roles/owner","members":["allUsers"]}]}', 'REQUEST_AMBIGUOUS'],
  ['an etag beside a policy', 'compute.disks.setIamPolicy', '{"policy":{"bindings":[]},"etag":"a"}', 'REQUEST_AMBIGUOUS'],
  ['a field in both spellings', 'iam.projects.serviceAccounts.create', '{"accountId":"a","account_id":"b"}', 'REQUEST_AMBIGUOUS'],
  ['a field in both spellings, the other way round', 'cloudresourcemanager.projects.setIamPolicy', '{"update_mask":"a","policy":{},"updateMask":"b"}', 'REQUEST_AMBIGUOUS'],
  ['text where an object must be', 'cloudresourcemanager.projects.setIamPolicy', '{"policy":"x"}', 'REQUEST_INVALID'],
  ['an object where a list must be', 'cloudresourcemanager.projects.setIamPolicy', '{"policy":{"bindings":{"0":{"role":"r"}}}}', 'REQUEST_INVALID'],
  ['a list where an object must be', 'cloudresourcemanager.projects.setIamPolicy', '{"policy":[]}', 'REQUEST_INVALID'],
  ['a number where an object must be', 'cloudresourcemanager.projects.setIamPolicy', '{"policy":1}', 'REQUEST_INVALID'],
  ['a list where text must be', 'cloudresourcemanager.projects.setIamPolicy', '{"policy":{"bindings":[{"role":["r"]}]}}', 'REQUEST_INVALID'],
  ['text where a truth value must be', 'storage.buckets.patch', '{"defaultEventBasedHold":"true"}', 'REQUEST_INVALID'],
  ['a truth value where a number must be', 'compute.disks.insert', '{"sizeGb":true}', 'REQUEST_INVALID'],
  ['a list where a map must be', 'storage.buckets.patch', '{"labels":["a"]}', 'REQUEST_INVALID'],
  ['a body of a method without one', 'compute.instances.stop', '{"name":"x"}', 'FIELD_UNKNOWN'],
  ['a body of a read without one', 'storage.objects.get', '{"name":"x"}', 'FIELD_UNKNOWN'],
]

describe('request bodies', () => {
  before(() => catalog.load())

  for (const [what, id, body, result] of ACCEPTED) it(`${what}: taken (${id})`, () => { assert.equal(check(id, body), result) })
  for (const [what, id, body, reason] of REFUSED) it(`invariant 2: ${what}: ${reason} (${id})`, () => { assert.equal(check(id, body), reason) })

  it('invariant 2: a body of a read that looks like a verdict of ours is only a body', () => {
    const method = catalog.method('firestore.projects.databases.documents.runQuery') ?? assert.fail()
    const answer = catalog.checkBody(method, fromPlain({ refused: true, reason: 'POLICY_DENIED', message: 'x' }) as JsonObject)
    assert.equal(isRefusal(answer), false)
  })

  it('the refusal names the field', () => {
    const method = catalog.method('cloudresourcemanager.projects.setIamPolicy') ?? assert.fail()
    const answer = catalog.checkBody(method, fromPlain({ policy: { bindings: [{ role: 'r' }, { roles: 'r' }] } }) as JsonObject)
    assert.ok(isRefusal(answer) && answer.metadata?.['field'] === 'policy.bindings[1].roles', JSON.stringify(answer))
  })

  it('a checked body checks again to the same', () => {
    const method = catalog.method('storage.buckets.patch') ?? assert.fail()
    fc.assert(fc.property(fc.dictionary(fc.constantFrom('labels', 'location', 'storage_class', 'storageClass', 'versioning', 'x'), fc.jsonValue()), (plain) => {
      const first = catalog.checkBody(method, fromPlain(plain) as JsonObject)
      if (isRefusal(first)) return true
      const again = catalog.checkBody(method, first)
      return !isRefusal(again) && serialise(again) === serialise(first)
    }), { numRuns: 1000 })
  })

  it('a method that was not loaded is our own mistake', () => {
    const method = catalog.method('storage.buckets.patch') ?? assert.fail()
    assert.throws(() => createCatalog().checkBody(method, {}), TypeError)
  })
})
