import assert from 'node:assert/strict'
import { collector } from '@lockkeeper/testkit'
import { repeat } from './repeated-work.ts'

const never = (cause: unknown): void => assert.fail(String(cause))

describe('repeated work', () => {
  it('goes on after a failure, never runs twice at once, and stops once the run in flight has ended', async () => {
    const runs = collector<number>()
    const failures: unknown[] = []
    let inside = 0
    const work = repeat({
      everyMs: 1, first: 'now', failed: (cause) => failures.push(cause),
      async work() {
        inside += 1
        assert.equal(inside, 1)
        await new Promise(setImmediate)
        inside -= 1
        runs.add(runs.items.length)
        if (runs.items.length === 2) throw new Error('once')
      },
    })
    await runs.count(4)
    await work.stop()
    const { length } = runs.items
    assert.equal(inside, 0)
    assert.equal(failures.length, 1)
    await new Promise(setImmediate)
    assert.equal(runs.items.length, length)
  })

  it('stopped while a run is in flight, no further run begins', async () => {
    let runs = 0
    const work = repeat({ everyMs: 0, first: 'now', work: async () => { runs += 1 }, failed: never })
    await work.stop()
    assert.equal(runs, 1)
  })

  it('begun later and stopped before its time, it never runs', async () => {
    let runs = 0
    const work = repeat({ everyMs: 1, first: 'later', work: async () => { runs += 1 }, failed: never })
    assert.equal(runs, 0)
    await work.stop()
    await new Promise((resolve) => { setTimeout(resolve, 5) })
    assert.equal(runs, 0)
  })

  it('begun later, it runs after its time', async () => {
    const runs = collector<string>()
    const work = repeat({ everyMs: 1, first: 'later', work: async () => runs.add('run'), failed: never })
    await runs.count(2)
    await work.stop()
  })
})
