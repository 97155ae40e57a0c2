import assert from 'node:assert/strict'
import { BoundedMap } from './bounded-map.ts'

describe('a bounded map', () => {
  it('forgets the oldest entry, and setting one again makes it the newest', () => {
    const map = new BoundedMap<number>(2)
    map.set('a', 1)
    map.set('b', 2)
    map.set('a', 3)
    map.set('c', 4)
    assert.deepEqual([...map.entries()], [['a', 3], ['c', 4]])
    assert.deepEqual([map.size, map.has('b'), map.get('a'), map.delete('a'), map.delete('a')], [2, false, 3, true, false])
  })
})
