import assert from 'node:assert/strict'
import { manualClock } from '@lockkeeper/testkit'
import { FoldLag } from './fold-lag.ts'

describe('lag of the audit log', () => {
  it('is what the last batch took, or what the oldest that waits takes by now', () => {
    const clock = manualClock()
    const lag = new FoldLag(clock)
    const [first, second] = [{}, {}]
    lag.taken(first, clock.now() - 100)
    clock.advance(50)
    assert.equal(lag.lagMs, 150)
    lag.durable(first)
    clock.advance(10_000)
    assert.equal(lag.lagMs, 150, 'a log that nobody writes to is not late')
    lag.taken(second, clock.now())
    clock.advance(3_000)
    assert.equal(lag.lagMs, 3_000)
    lag.givenBack(second)
    assert.equal(lag.lagMs, 150)
  })

  it('is never under 0, whatever the writer\'s clock says', () => {
    const clock = manualClock()
    const lag = new FoldLag(clock)
    const ahead = {}
    lag.taken(ahead, clock.now() + 60_000)
    assert.equal(lag.lagMs, 0)
    lag.durable(ahead)
    assert.equal(lag.lagMs, 0)
  })

  it('silence is counted from the last that was heard of any writer', () => {
    const clock = manualClock()
    const lag = new FoldLag(clock)
    clock.advance(20_000)
    assert.equal(lag.silentMs, 20_000)
    lag.heard()
    clock.advance(7)
    assert.equal(lag.silentMs, 7)
  })
})
