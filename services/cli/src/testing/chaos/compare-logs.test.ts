import assert from 'node:assert/strict'
import type { StoredRecord } from '@lockkeeper/transparency-log'
import { violations, type RunFacts } from './compare-logs.ts'
import { planCalls, seeded } from './planned-calls.ts'

const READ = '/storage/v1/b/chaos/o/chaos-read-1'
const CHANGE = '/v1/projects/p/topics/chaos-change-2'
const ASKED = '/v1/projects/p/topics/chaos-asked-3:publish'

const record = (id: string, kind: 'intent' | 'outcome', verb: string, path: string, rest: object = {}): StoredRecord =>
  ({ id, kind, verb, path, change: verb !== 'GET', ...rest }) as unknown as StoredRecord
const dial = (verb: string, path: string, id: string): RunFacts['dials'][number] => ({ verb, path, reason: `lockkeeper/${id}` })

const SOUND: RunFacts = {
  dials: [dial('GET', READ, 'r'), dial('PUT', CHANGE, 'c'), dial('POST', ASKED, 'a')],
  answers: [{ marker: 'chaos-read-1', kind: 'read', status: 200, reason: undefined, at: 5_000 }],
  decided: new Map([['apr_1', 'approve']]), killedAt: [],
  records: [
    record('o1', 'outcome', 'GET', READ), record('c', 'intent', 'PUT', CHANGE), record('o2', 'outcome', 'PUT', CHANGE, { intent: 'c' }),
    record('a', 'intent', 'POST', ASKED, { approval: 'apr_1' }), record('o3', 'outcome', 'POST', ASKED, { intent: 'a', result: 'unknown' }),
  ],
}
const without = (id: string): Partial<RunFacts> => ({ records: SOUND.records.filter((one) => one.id !== id) })
const PLANTED: readonly (readonly [string, Partial<RunFacts>, RegExp])[] = [
  ['a change without a record', without('c'), /without a record/],
  ['a change under the record of another call', { dials: [...SOUND.dials, dial('PUT', '/v1/projects/p/topics/chaos-change-9', 'c')] }, /without a record/],
  ['a change that was dialled twice', { dials: [...SOUND.dials, dial('PUT', CHANGE, 'c')] }, /dialled twice under one record/],
  ['an approval that was dialled twice', { dials: [...SOUND.dials, dial('POST', ASKED, 'b')], records: [...SOUND.records, record('b', 'intent', 'POST', ASKED, { approval: 'apr_1' }), record('o4', 'outcome', 'POST', ASKED, { intent: 'b' })] }, /dialled twice under approval/],
  ['an approval that was denied', { decided: new Map([['apr_1', 'deny']]) }, /without an approval/],
  ['a call that policy denies', { dials: [...SOUND.dials, dial('DELETE', '/storage/v1/b/chaos/o/chaos-denied-4', 'd')] }, /was refused and reached/],
  ['a delivered read without a record', without('o1'), /delivered and has no record/],
  ['an open change that nobody calls unknown', without('o3'), /has an intent and no outcome/],
  ['an answer whose outcome is missing although nothing was killed', { answers: [...SOUND.answers, { marker: 'chaos-read-1', kind: 'read', status: 503, reason: 'X', at: 9_000 }] }, /fewer outcomes/],
]

describe('the verdict on a chaos run', () => {
  it('is empty when all logs tell the same', () => assert.deepEqual(violations(SOUND), []))

  for (const [what, change, wanted] of PLANTED) it(`finds ${what}`, () => {
    const found = violations({ ...SOUND, ...change })
    assert.ok(found.some((text) => wanted.test(text)), found.join())
  })

  it('excuses an outcome that died with its process, and no other', () => {
    const answers = [...SOUND.answers, { marker: 'chaos-read-1', kind: 'read', status: 503, reason: 'X', at: 9_000 } as const]
    assert.deepEqual(violations({ ...SOUND, answers, killedAt: [9_500] }), [])
    assert.equal(violations({ ...SOUND, answers, killedAt: [12_000] }).length, 1)
  })

  it('the same seed plans the same calls, of every kind', () => {
    assert.deepEqual(planCalls(200, seeded(7)), planCalls(200, seeded(7)))
    assert.equal(new Set(planCalls(200, seeded(7)).map(({ kind }) => kind)).size, 5)
  })
})
