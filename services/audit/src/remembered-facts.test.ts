import assert from 'node:assert/strict'
import type { StoredRecord } from '@lockkeeper/transparency-log'
import { factName, RememberedFacts } from './remembered-facts.ts'

const record = (event: string, at: number): StoredRecord => ({
  id: 'rec_x', kind: 'event', at, mode: 'sandbox', isolation: 'none', origin: 'operator', name: 'lock.changed', text: '', facts: { event, source: '/approval' },
})
const name = (event: string): string => factName('/approval', event)

describe('remembered facts', () => {
  it('are told from facts that are new, and from facts of another source', () => {
    const facts = new RememberedFacts(10)
    facts.note(record('e1', 5))
    assert.deepEqual([facts.has(name('e1'), 5), facts.has(name('e2'), 5), facts.has(factName('/policy', 'e1'), 5)], [true, false, false])
    assert.notEqual(factName('a', 'b c'), factName('a b', 'c'))
  })

  it('are the newest; of older ones nothing is claimed, in whatever order they came', () => {
    const facts = new RememberedFacts(8)
    const times = [7, 3, 9, 1, 10, 2, 8, 4, 4, 6, 5]
    for (const [index, at] of times.entries()) facts.note(record(`e${index}`, at))
    const said = times.map((at, index) => facts.has(name(`e${index}`), at))
    assert.deepEqual(said, times.map((at) => at > 3 ? true : undefined))
    assert.deepEqual([facts.has(name('new'), 4), facts.has(name('old'), 3)], [false, undefined])
    facts.note(record('late', 2))
    assert.equal(facts.has(name('late'), 2), undefined)
  })

  it('of one moment are forgotten together', () => {
    const facts = new RememberedFacts(4)
    for (let index = 0; index < 6; index++) facts.note(record(`e${index}`, 1))
    assert.deepEqual([facts.has(name('e5'), 1), facts.has(name('e5'), 2)], [undefined, false])
    assert.deepEqual(facts.saved(), { from: 2, seen: [] })
  })

  it('are the same after they were saved', () => {
    const facts = new RememberedFacts(2)
    for (let index = 0; index < 4; index++) facts.note(record(`e${index}`, index))
    const again = new RememberedFacts(2, facts.saved())
    assert.deepEqual([again.has(name('e0'), 0), again.has(name('e3'), 3), again.has(name('e9'), 9)], [undefined, true, false])
  })
})
