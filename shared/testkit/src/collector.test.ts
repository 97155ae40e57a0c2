import { strict as assert } from 'node:assert'
import { existsSync, statSync } from 'node:fs'
import { collector, manualClock, tempDir } from './index.ts'

describe('testkit', () => {
  it('a collector resolves when its condition holds, before or after the waiting began', async () => {
    const got = collector<number>()
    got.add(1)
    await got.count(1)
    const two = got.count(2)
    got.add(2)
    assert.deepEqual(await two, [1, 2])
  })

  it('a collector that waits in vain says what it has', async () => {
    const got = collector<string>()
    got.add('only this')
    await assert.rejects(got.count(2, 10), /waited 10 ms in vain; collected 1: \["only this"\]/)
  })

  it('a manual clock moves both times, and its wall can be set alone', () => {
    const clock = manualClock(1000)
    clock.advance(5)
    assert.deepEqual([clock.now(), clock.monotonic()], [1005, 5])
    clock.setWall(0)
    assert.deepEqual([clock.now(), clock.monotonic()], [0, 5])
    assert.throws(() => clock.advance(-1), TypeError)
  })

  it('a temporary directory is new and private', () => {
    const directory = tempDir()
    assert.ok(existsSync(directory))
    assert.equal(statSync(directory).mode & 0o777, 0o700)
    assert.notEqual(tempDir(), directory)
  })
})
