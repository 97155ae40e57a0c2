import assert from 'node:assert/strict'
import { createCatalog, type Catalog } from '@lockkeeper/catalog'
import type { Call, Method } from '@lockkeeper/domain'
import { isRefusal } from '@lockkeeper/domain/errors'
import { parseStrict, type JsonObject } from '@lockkeeper/domain/json'
import type { Classified } from '../passage.ts'
import { bindCall } from './bind-call.ts'
import { readPlanOf } from './read-plan.ts'
import { stateHashOf } from './state-hash.ts'
import { stateRuleOf } from './state-rules.ts'

describe('the table of states', () => {
  let catalog: Catalog
  before(async () => {
    catalog = createCatalog()
    await catalog.load()
  })
  const method = (id: string): Method => {
    const found = catalog.method(id)
    assert.ok(found, id)
    return found
  }
  /** A request of the method with plain values for all that its path names. */
  const callOf = (one: Method): Call | undefined => {
    const path = one.template.replaceAll(/\{(?:[^=}]*=)?([^}]*)\}/g, (_, span: string) => span.includes('*') ? span.replaceAll('**2', 'c/d').replaceAll(/\*+/g, 'x1') : 'x1')
    const match = catalog.match({ host: one.host, verb: one.verb, path, query: '' })
    if (isRefusal(match) || match.method !== one) return undefined
    return { target: 'google', method: one, host: one.host, path: match.path, query: match.query, resources: match.resources, arguments: match.arguments, body: { kind: 'none' }, media: 'none' }
  }
  const json = (text: string): JsonObject => parseStrict(text) as JsonObject
  const read = (value: JsonObject | undefined) => ({ reader: method('storage.buckets.get'), value, record: 'rec_1', at: 0 })

  it('every read that is planned is a GET of the getter itself, for every method that has one', () => {
    let planned = 0
    for (const one of catalog.methods()) {
      const call = one.change ? callOf(one) : undefined
      const plan = call === undefined ? undefined : readPlanOf(call, catalog)
      if (plan === undefined) continue
      planned++
      assert.deepEqual([plan.reader.change, plan.reader.verb, plan.reader.returnsSecret, plan.reader.mintsCredential, plan.reader.version], [false, 'GET', false, false, one.version], one.id)
      assert.ok(call?.path.startsWith(plan.path) || one.id.startsWith('storage.objects.'), one.id)
    }
    assert.ok(planned > 500, String(planned))
  })

  it('every argument that the table names is one that its methods take', () => {
    const value = json('{"generation":"1","metageneration":"2","etag":"e","updateTime":"t","fingerprint":"f","labelFingerprint":"l"}')
    for (const one of catalog.methods()) {
      const bound = stateRuleOf(one).bind.filter(({ put }) => put === 'argument')
      const call = one.change && bound.length > 0 ? callOf(one) : undefined
      if (call === undefined) continue
      const known = bound.filter(({ from }) => from in value).map(({ name }) => name)
      const result = bindCall({ call, headers: { forward: [], meaningful: {} } } as unknown as Classified, read(value), catalog)
      assert.ok(!isRefusal(result))
      // One rule stands for several methods of a resource, and creations have nothing to be bound to.
      if (!/\.(?:insert|create|restore|relocate|rename|copy)\w*$/.test(one.id)) assert.deepEqual(result.classified.call.bound, known, one.id)
    }
  })

  for (const [id, place] of [
    ['run.projects.locations.services.patch', 'body.etag'], ['iam.projects.roles.patch', 'body.etag'], ['compute.backendServices.patch', 'body.fingerprint'], ['compute.instances.setTags', 'body.fingerprint'],
    ['secretmanager.projects.secrets.patch', 'body.etag'], ['cloudresourcemanager.tagKeys.patch', 'body.etag'],
  ] as const) {
    it(`${id} takes the state as ${place}`, () => {
      const call = { ...callOf(method(id)) as Call, body: { kind: 'json', value: {}, bytes: new Uint8Array() } as const }
      const result = bindCall({ call, headers: { forward: [], meaningful: {} } } as unknown as Classified, read(json('{"etag":"e","fingerprint":"f","tags":{"fingerprint":"t"}}')), catalog)
      assert.deepEqual(isRefusal(result) ? result.reason : result.classified.call.bound, [place])
    })
  }

  for (const id of ['compute.disks.createSnapshot', 'compute.routers.updateRoutePolicy', 'storage.bucketAccessControls.patch', 'iam.projects.serviceAccounts.update']) {
    it(`${id} gets no precondition that belongs to another thing or is not compared`, () => assert.deepEqual(stateRuleOf(method(id)).bind, []))
  }

  for (const id of ['pubsub.projects.topics.publish', 'cloudresourcemanager.projects.setOrgPolicy']) {
    it(`${id} reads no state`, () => assert.equal(readPlanOf(callOf(method(id)) as Call, catalog), undefined))
  }

  it('a state is the same while its versions are, or all that lasts where it has none', () => {
    const hash = (id: string, text: string | undefined): string => stateHashOf(method(id), read(text === undefined ? undefined : json(text)))
    const [object, machine, table] = ['storage.objects.delete', 'compute.instances.delete', 'bigquery.tables.delete']
    assert.equal(hash(object, '{"generation":"1","metageneration":"2","updated":"a"}'), hash(object, '{"generation":"1","metageneration":"2","updated":"b"}'))
    assert.equal(hash(machine, '{"name":"m","lastStartTimestamp":"a"}'), hash(machine, '{"lastStartTimestamp":"b","name":"m"}'))
    const different = [hash(object, undefined), hash(object, '{"generation":"1","metageneration":"2"}'), hash(object, '{"generation":"2","metageneration":"2"}'), hash(object, '{"generation":"1","metageneration":"2","timeCreated":"x"}'), hash(machine, '{"name":"m"}'), hash(machine, '{"name":"n"}'), hash(table, '{"etag":"a"}'), hash(table, '{"etag":"b"}')]
    assert.equal(new Set(different).size, different.length)
  })
})
