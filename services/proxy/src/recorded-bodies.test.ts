import assert from 'node:assert/strict'
import type { Call, MaskPlan } from '@lockkeeper/domain'
import { parseStrict, serialise, type JsonObject } from '@lockkeeper/domain/json'
import { aCall, aChangeMethod, aMethod } from '@lockkeeper/testkit'
import { createMaskers } from './maskers.ts'
import { recordedAnswer, recordedRequest } from './recorded-bodies.ts'

const KEY = `AIza${'SyA1b2C3d4E5f6G7h8I9j0K1l2M3n4O5p6Q'.slice(0, 35)}`
const parts = { maskers: createMaskers(), limit: 4096 }
const plans: readonly (readonly [string, MaskPlan])[] = [
  ['no plan', { detectors: [], fields: [] }], ['a plan of personal data', { detectors: ['personal-data'], fields: [] }], ['a plan that names secrets', { detectors: ['personal-data', 'secrets'], fields: [] }],
]

function change(body: unknown, api = 'storage'): Call {
  const value = parseStrict(JSON.stringify(body)) as JsonObject
  return aCall({ method: aChangeMethod({ api }), body: { kind: 'json', value, bytes: Buffer.from(serialise(value)) } })
}

describe('bodies beside their records', () => {
  for (const [title, plan] of plans) {
    it(`invariant 3: a secret that an agent sends is not kept, with ${title}`, () => {
      const kept = recordedRequest(change({ note: `key ${KEY}` }), plan, parts)
      assert.ok(kept !== undefined)
      assert.ok(!Buffer.from(kept.bytes).includes(KEY))
    })
  }

  it('invariant 3: a secret in an answer that policy does not mask is not kept', () => {
    const kept = recordedAnswer(Buffer.from(JSON.stringify({ key: KEY })), 'application/json', aMethod(), { detectors: [], fields: [] }, parts)
    assert.ok(kept !== undefined && !Buffer.from(kept.bytes).includes(KEY))
  })

  it('the payload of a secret version is not kept, whatever it looks like', () => {
    const kept = recordedRequest(change({ payload: { data: 'cGxhaW4gd29yZHM=' } }, 'secretmanager'), { detectors: [], fields: [] }, parts)
    assert.ok(kept !== undefined && !Buffer.from(kept.bytes).includes('cGxhaW4'))
  })

  it('nothing is kept of a method that returns a secret, over the limit, or that cannot be read', () => {
    const none = { detectors: [], fields: [] }
    assert.equal(recordedAnswer(Buffer.from('{}'), 'application/json', aMethod({ returnsSecret: true }), none, parts), undefined)
    assert.equal(recordedAnswer(Buffer.alloc(5000, ' '), 'application/json', aMethod(), none, parts), undefined)
    assert.equal(recordedAnswer(Buffer.from([1, 2, 3]), 'application/octet-stream', aMethod(), none, parts), undefined)
    assert.equal(recordedAnswer(Buffer.from('{'), 'application/json', aMethod(), none, parts), undefined)
  })

  it('the same answer read again is the same body', () => {
    const bytes = Buffer.from(JSON.stringify({ a: 'b'.repeat(50) }))
    const read = () => recordedAnswer(Buffer.from(bytes), 'application/json', aMethod(), plans[0]?.[1] as MaskPlan, parts)
    assert.equal(read()?.hash, read()?.hash)
  })
})
