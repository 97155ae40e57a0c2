import assert from 'node:assert/strict'
import { EventEmitter } from 'node:events'
import { createHolds } from './holds.ts'

const client = (closed = false) => Object.assign(new EventEmitter(), { closed })
const who = (agent = 'a') => ({ agent, run: 'r', target: 't' })

describe('holds', () => {
  it('end when their time is over', async () => {
    const hold = createHolds({ held: 5, heldPerAgent: 5 }).begin(who(), 5, client())
    await new Promise((resolve) => hold?.signal.addEventListener('abort', resolve))
    assert.equal(hold?.why(), 'time')
    hold?.release()
  })

  it('end when the client leaves, and at once when it has left already', () => {
    const holds = createHolds({ held: 5, heldPerAgent: 5 })
    const here = client()
    const held = [holds.begin(who(), 1000, here), holds.begin(who(), 1000, client(true))]
    here.emit('close')
    assert.deepEqual(held.map((hold) => hold?.why()), ['left', 'left'])
    for (const hold of held) hold?.release()
    assert.equal(here.listenerCount('close'), 0)
  })

  it('over the cap of the instance or of the agent there is none', () => {
    const holds = createHolds({ held: 3, heldPerAgent: 2 })
    const held = [who(), who(), who(), who('b'), who('c')].map((one) => holds.begin(one, 1000, client()))
    assert.deepEqual(held.map((hold) => hold !== undefined), [true, true, false, true, false])
    held[0]?.release()
    held[0]?.release()
    assert.equal(holds.size, 2)
    const next = holds.begin(who(), 1000, client())
    assert.notEqual(next, undefined)
    for (const hold of [...held, next]) hold?.release()
    assert.equal(holds.size, 0)
  })

  it('invariant 11: a lock ends those that it covers, and stopping ends all and lets no more begin', () => {
    const holds = createHolds({ held: 10, heldPerAgent: 10 })
    const [a, b] = [who('a'), who('b')].map((one) => holds.begin(one, 1000, client()))
    assert.equal(holds.endAll('locked', ({ agent }) => agent === 'a'), 1)
    assert.deepEqual([a?.why(), b?.why()], ['locked', undefined])
    holds.endAll('stopping')
    assert.deepEqual([a?.why(), b?.why()], ['locked', 'stopping'])
    assert.equal(holds.begin(who(), 1000, client()), undefined)
    a?.release()
    b?.release()
  })
})
