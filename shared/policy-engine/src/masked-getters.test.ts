import assert from 'node:assert/strict'
import { maskedGetters, type RuleDocument } from './index.ts'
import { document, METHODS } from './testing/samples.ts'

const found = (...rules: readonly RuleDocument[]) => maskedGetters([document('p', rules)], METHODS).map(({ getter, setter, rule }) => `${rule}: ${getter} → ${setter}`)
const set: RuleDocument = { name: 'set', methods: ['storage.*.setIamPolicy'], effect: 'approve' }

describe('policy engine: masked getters', () => {
  it('a getter that is masked for agents who may set is found', () => {
    assert.deepEqual(found(set, { name: 'get', methods: ['read'], effect: 'allow', mask: ['personal-data'] }), ['get: storage.buckets.getIamPolicy → storage.buckets.setIamPolicy'])
    assert.deepEqual(found(set, { name: 'get', methods: ['*'], effect: 'allow', fields: ['bindings[].members'] }), ['get: storage.buckets.getIamPolicy → storage.buckets.setIamPolicy', 'get: cloudresourcemanager.projects.getIamPolicy → cloudresourcemanager.projects.setIamPolicy'])
  })

  it('nothing is found where the setter is denied, nothing is masked, or the condition excludes the getter', () => {
    const get: RuleDocument = { name: 'get', methods: ['read'], effect: 'allow', mask: ['secrets'] }
    assert.deepEqual(found({ ...set, effect: 'deny' }, get), [])
    assert.deepEqual(found(set, { ...get, mask: [] }), [])
    assert.deepEqual(found(set, { ...get, when: '!call.method.endsWith(".getIamPolicy")' }), [])
    assert.equal(found(set, { ...get, when: 'call.body.x == 1' }).length, 1)
  })
})
