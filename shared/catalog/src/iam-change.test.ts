import assert from 'node:assert/strict'
import { fromPlain, type JsonObject } from '@lockkeeper/domain/json'
import { iamChange } from './index.ts'

const json = (value: unknown) => fromPlain(value) as JsonObject
const VIEWERS = { role: 'roles/viewer', members: ['user:a@x', 'group:g@x'] }
const OWNER = { role: 'roles/owner', members: ['user:o@x'] }
const AUDIT = { service: 'allServices', auditLogConfigs: [{ logType: 'DATA_READ' }, { logType: 'DATA_WRITE' }] }

describe('what an IAM change adds and removes', () => {
  it('nothing, where the policy is the one in force, in any order', () => {
    const before = json({ bindings: [VIEWERS, OWNER], auditConfigs: [AUDIT], etag: 'a' })
    const sent = json({ policy: { bindings: [OWNER, { role: 'roles/viewer', members: ['group:g@x', 'user:a@x'] }], auditConfigs: [{ ...AUDIT, auditLogConfigs: AUDIT.auditLogConfigs.toReversed() }], etag: 'b' } })
    assert.deepEqual(iamChange(sent, before), { known: true, added: [], removed: [], auditConfigsChanged: false })
  })

  it('pairs of role and member, whatever bindings they stand in', () => {
    const before = json({ bindings: [VIEWERS, OWNER] })
    const sent = json({ policy: { bindings: [{ role: 'roles/viewer', members: ['user:a@x'] }, { role: 'roles/viewer', members: ['user:new@x'] }, OWNER] } })
    const change = iamChange(sent, before)
    assert.deepEqual(change.added, [{ role: 'roles/viewer', member: 'user:new@x' }])
    assert.deepEqual(change.removed, [{ role: 'roles/viewer', member: 'group:g@x' }])
  })

  it('everything that is sent, while the policy in force is unknown', () => {
    const change = iamChange(json({ policy: { bindings: [VIEWERS] } }))
    assert.equal(change.known, false)
    assert.deepEqual(change.added, [{ role: 'roles/viewer', member: 'user:a@x' }, { role: 'roles/viewer', member: 'group:g@x' }])
    assert.deepEqual(change.removed, [])
  })

  it('Cloud Storage\'s bare policy as well', () => {
    const change = iamChange(json({ bindings: [{ role: 'roles/storage.objectViewer', members: ['allUsers'] }], etag: 'x' }), json({ bindings: [] }))
    assert.deepEqual(change.added, [{ role: 'roles/storage.objectViewer', member: 'allUsers' }])
  })

  it('the public members in any letters under their one name', () => {
    const change = iamChange(json({ policy: { bindings: [{ role: 'r', members: ['ALLUSERS', ' allauthenticatedusers'] }] } }))
    assert.deepEqual(change.added.map((binding) => binding.member), ['allUsers', 'allAuthenticatedUsers'])
  })

  it('a grant that loses its condition is a new grant', () => {
    const condition = { title: 't', expression: 'request.time < timestamp("2027-01-01T00:00:00Z")' }
    const change = iamChange(json({ policy: { bindings: [OWNER] } }), json({ bindings: [{ ...OWNER, condition }] }))
    assert.deepEqual(change.added, [{ role: 'roles/owner', member: 'user:o@x' }])
    assert.deepEqual(change.removed, [{ role: 'roles/owner', member: 'user:o@x', condition: condition.expression }])
  })

  it('another title of the same condition is no change', () => {
    const change = iamChange(json({ policy: { bindings: [{ ...OWNER, condition: { title: 'a', expression: 'true' } }] } }), json({ bindings: [{ ...OWNER, condition: { title: 'b', expression: 'true' } }] }))
    assert.deepEqual([change.added, change.removed], [[], []])
  })

  const AUDITS: readonly (readonly [string, object, object | undefined, boolean])[] = [
    ['dropped', { policy: { bindings: [] } }, { auditConfigs: [AUDIT] }, true],
    ['kept', { policy: { auditConfigs: [AUDIT] } }, { auditConfigs: [AUDIT] }, false],
    ['an exempted member added', { policy: { auditConfigs: [{ ...AUDIT, auditLogConfigs: [{ logType: 'DATA_READ', exemptedMembers: ['user:a@x'] }] }] } }, { auditConfigs: [AUDIT] }, true],
    ['left out by the mask', { policy: { bindings: [] }, updateMask: 'bindings,etag' }, { auditConfigs: [AUDIT] }, false],
    ['emptied by the mask', { policy: { bindings: [] }, updateMask: 'auditConfigs' }, { auditConfigs: [AUDIT] }, true],
    ['under a mask that is not understood', { policy: { bindings: [] }, updateMask: 'policy' }, { auditConfigs: [AUDIT] }, true],
    ['none on either side', { policy: { bindings: [] } }, { bindings: [] }, false],
    ['named, policy unknown', { policy: { auditConfigs: [] } }, undefined, true],
    ['not named, policy unknown', { policy: { bindings: [] } }, undefined, false],
  ]
  for (const [what, sent, before, changed] of AUDITS) {
    it(`audit settings ${what}: ${changed ? 'changed' : 'unchanged'}`, () => {
      assert.equal(iamChange(json(sent), before === undefined ? undefined : json(before)).auditConfigsChanged, changed)
    })
  }

  it('a mask without bindings leaves all grants', () => {
    const change = iamChange(json({ policy: {}, updateMask: 'audit_configs,etag' }), json({ bindings: [OWNER] }))
    assert.deepEqual([change.added, change.removed], [[], []])
  })

  it('a grant that is sent counts as added, though a mask leaves it out: not every API heeds its mask', () => {
    for (const updateMask of ['etag', 'auditConfigs', 'version,audit_configs']) {
      const change = iamChange(json({ policy: { bindings: [OWNER, VIEWERS] }, updateMask }), json({ bindings: [VIEWERS] }))
      assert.deepEqual(change.added, [{ role: 'roles/owner', member: 'user:o@x' }], updateMask)
      assert.equal(iamChange(json({ policy: { bindings: [OWNER] }, updateMask })).added.length, 1, updateMask)
    }
  })

  it('malformed policies name nothing and throw nothing', () => {
    for (const sent of [{}, { policy: null }, { policy: { bindings: 'x' } }, { policy: { bindings: [null, 1, { role: 1 }] } }, { bindings: [{ role: 'r', members: 'm' }] }]) {
      assert.deepEqual(iamChange(json(sent)).added, [])
    }
  })
})
