import assert from 'node:assert/strict'
import fc from 'fast-check'
import type { RecordEntry } from '@lockkeeper/domain/records'
import { parseRecordId, recordId, writerIdOf } from './record-id.ts'
import { decodeRecord, encodeRecord } from './record-line.ts'

const everyCallField = {
  at: 1, mode: 'real', isolation: 'user', origin: 'agent', issuer: 'i', agent: 'a', run: 'r', sponsor: 's', tokenHash: 'h', door: 'path', host: 'x', verb: 'GET',
  path: '/p', target: 't', method: 'm', risk: 'read', change: false, resources: ['//a', '//b'], digest: 'd', effect: 'allow', rule: 'r', notify: true, bundle: 'b', approval: 'apr_1',
  fence: 'f', principal: 'p', credential: 'bucket', requestBody: 'q', statedReason: 'w', trace: 'z',
} as const
const everyEntry: readonly RecordEntry[] = [
  { ...everyCallField, kind: 'intent' },
  { ...everyCallField, kind: 'outcome', intent: 'rec_x', reference: 'call_x', result: 'answered', status: 200, reason: 'r', detail: 'd', requestBytes: 1, responseBytes: 2, responseBody: 'b', masked: 3, durationMs: 1.25, heldMs: 4 },
  { at: 1, mode: 'sandbox', isolation: 'none', origin: 'operator', kind: 'event', name: 'lock.set', who: 'ann', run: 'r', approval: 'apr_1', text: 't', facts: { a: 'b' } },
]

describe('record line', () => {
  for (const entry of everyEntry) {
    it(`every field of an ${entry.kind} comes back`, () => assert.deepEqual(decodeRecord(encodeRecord('rec_a', entry)), { id: 'rec_a', ...entry }))
  }

  it('invariant 8: any text stays one line, is read back exactly and cannot add a field', () => {
    fc.assert(fc.property(fc.string({ unit: 'binary' }), fc.array(fc.string({ unit: 'binary' })), (text, resources) => {
      const entry = { ...everyCallField, kind: 'intent', path: text, agent: text, resources } as const
      const line = encodeRecord('rec_a', entry)
      assert.ok(!line.includes('\n') && !line.includes('\r') && line.isWellFormed())
      assert.deepEqual(decodeRecord(line), { id: 'rec_a', ...entry })
    }))
  })

  it('half a surrogate pair is escaped, so that the line has one UTF-8 form', () => {
    const line = encodeRecord('rec_a', { ...everyCallField, kind: 'intent', path: '/\ud800x' })
    assert.equal(Buffer.from(line).toString(), line)
    assert.equal((decodeRecord(line) as { path: string }).path, '/\ud800x')
  })

  for (const value of [Number.NaN, Number.POSITIVE_INFINITY]) {
    it(`a record that holds ${value} is our own mistake`, () => assert.throws(() => encodeRecord('rec_a', { ...everyEntry[1] as RecordEntry & { kind: 'outcome' }, durationMs: value }), TypeError))
  }
})

describe('record id', () => {
  it('an id names its writer and sequence', () => {
    fc.assert(fc.property(fc.uint8Array({ minLength: 32, maxLength: 32 }), fc.integer({ min: 1, max: Number.MAX_SAFE_INTEGER }), (key, seq) => {
      const writer = writerIdOf(key)
      fc.pre(seq < 36 ** 10)
      assert.deepEqual(parseRecordId(recordId(writer, seq)), { writer, seq })
    }))
  })

  for (const id of ['', 'rec_', 'rec_abcdefghijkl', 'rec_abcdefghijkl01', 'rec_ABCDEFGHIJKL1', 'rec_abcdefghijk11', 'rec_abcdefghijkl1 ', ' rec_abcdefghijkl1', 'rec_abcdefghijkl1/../x', 'apr_abcdefghijkl1', 'rec_abcdefghijklzzzzzzzzzzz']) {
    it(`'${id}' is no record id`, () => assert.equal(parseRecordId(id), undefined))
  }
})
