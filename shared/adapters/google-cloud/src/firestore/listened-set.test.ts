import { strict as assert } from 'node:assert'
import type { ListenMessage } from './firestore-client.ts'
import { ListenedSet, type Heard } from './listened-set.ts'

const ROOT = 'projects/p/databases/d/documents/things'
const token = Uint8Array.of(1, 2, 3)
const put = (id: string, version: string, seconds = 1): ListenMessage => ({
  documentChange: { targetIds: [1], document: { name: `${ROOT}/${id}`, updateTime: { seconds, nanos: 0 }, fields: { json: { stringValue: `{"is":"${version}"}` }, v: { stringValue: version } } } },
})
const removed = (id: string): ListenMessage => ({ documentDelete: { document: `${ROOT}/${id}` } })
const left = (id: string): ListenMessage => ({ documentChange: { removedTargetIds: [1], document: { name: `${ROOT}/${id}` } } })
const filter = (count: number): ListenMessage => ({ filter: { count } })
const target = (targetChangeType: string, more: object = {}): ListenMessage => ({ targetChange: { targetChangeType, targetIds: [], ...more } })
const current = target('CURRENT', { targetIds: [1] })
const complete = target('NO_CHANGE', { resumeToken: token })

/** What came of each message but `more`, in short. */
function hear(set: ListenedSet, ...messages: readonly ListenMessage[]): string[] {
  const shown = (heard: Heard): string[] => {
    if (heard.kind === 'more') return []
    return heard.kind === 'complete' ? [heard.changes.map(({ id, doc }) => `${id}=${doc?.version ?? 'gone'}`).join(' ')] : [heard.kind]
  }
  return messages.flatMap(message => shown(set.hear(message)))
}

function begun(...messages: readonly ListenMessage[]): ListenedSet {
  const set = new ListenedSet()
  hear(set, target('ADD', { targetIds: [1] }), ...messages, current, complete)
  return set
}

describe('what a Firestore listen stream tells', () => {
  it('nothing comes out before the set is said to be complete', () => {
    const set = new ListenedSet()
    assert.deepEqual(hear(set, target('ADD', { targetIds: [1] }), put('a', '1'), target('NO_CHANGE'), target('NO_CHANGE', { targetIds: [1] }), current), [])
    assert.deepEqual(hear(set, complete), ['a=1'])
    assert.equal(set.resumeToken, token)
  })

  it('an empty set is complete as well', () => {
    assert.deepEqual(hear(new ListenedSet(), current, complete), [''])
  })

  it('changes come in the order of their writes, what left the set last', () => {
    const set = begun(put('a', '1'), put('b', '1'))
    assert.deepEqual(hear(set, removed('a'), put('d', '1', 9), put('c', '1', 8), left('b'), complete), ['c=1 d=1 a=gone b=gone'])
  })

  it('a state that was overwritten before it was complete is left out, and none comes twice', () => {
    const set = begun(put('a', '1'))
    assert.deepEqual(hear(set, put('a', '2'), put('a', '3'), complete, put('a', '3'), complete, complete), ['a=3', '', ''])
  })

  it('what went before it was ever told of is not told of', () => {
    assert.deepEqual(hear(begun(), put('a', '1'), removed('a'), complete, removed('b'), complete), ['', ''])
  })

  it('after a reset the whole set comes, and what is not in it is gone', () => {
    const set = begun(put('a', '1'), put('b', '1'), put('c', '1'))
    assert.deepEqual(hear(set, put('x', '1'), target('RESET'), put('a', '1'), put('b', '2'), complete), [])
    assert.deepEqual(hear(set, current, complete), ['b=2 c=gone'])
  })

  it('a stream that goes on after the last complete moment tells changes only', () => {
    const set = begun(put('a', '1'), put('b', '1'))
    hear(set, put('b', '2'))
    set.restart()
    assert.deepEqual(hear(set, put('b', '3'), current, complete), ['b=3'])
  })

  it('a stream without a token tells the whole set', () => {
    const set = begun(put('a', '1'), put('b', '1'))
    set.restart({ forget: true })
    assert.equal(set.resumeToken, undefined)
    assert.deepEqual(hear(set, put('b', '1'), current, complete), ['a=gone'])
  })

  it('a number of documents that is not ours means that the set must be asked for anew', () => {
    const set = begun(put('a', '1'), put('b', '1'))
    assert.deepEqual(hear(set, filter(2), put('c', '1'), filter(3), removed('a'), filter(2), filter(3)), ['differs'])
    set.restart({ forget: true })
    assert.deepEqual(hear(set, filter(0), put('a', '1'), filter(1), filter(3)), ['differs'])
  })

  it('a target that the server gives up ends with its code', () => {
    assert.deepEqual(begun().hear(target('REMOVE', { targetIds: [1], cause: { code: 7, message: 'no' } })), { kind: 'ended', code: 7, message: 'no' })
  })

  it('what concerns another target, or is not known, changes nothing', () => {
    const set = begun(put('a', '1'))
    assert.deepEqual(hear(set, target('RESET', { targetIds: [2] }), { documentChange: { targetIds: [2], document: { name: `${ROOT}/x` } } }, target('LATER'), {}, complete), [''])
  })

  it('a document that this store did not write is a fault and no absence', () => {
    assert.throws(() => begun().hear({ documentChange: { targetIds: [1], document: { name: `${ROOT}/x`, fields: {} } } }), TypeError)
  })
})
