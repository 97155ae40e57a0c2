import assert from 'node:assert/strict'
import { mergeRuns, runsOf } from './runs.ts'

describe('runs of agents', () => {
  const outcome = (at: number, result: string) => ({ id: `r${at}`, kind: 'outcome' as const, at, origin: 'agent', agent: 'a', run: 'one', result })

  it('a run whose records lie on two pages is one run, with the sum of both', () => {
    const pages = [[outcome(9, 'answered'), { ...outcome(8, 'refused'), run: 'two' }], [outcome(7, 'pending'), outcome(6, 'refused')]]
    assert.deepEqual(mergeRuns(pages.flatMap(runsOf)), [
      { agent: 'a', run: 'one', calls: 3, refused: 1, waiting: 1, first: 6, last: 9 },
      { agent: 'a', run: 'two', calls: 1, refused: 1, waiting: 0, first: 8, last: 8 },
    ])
  })

  it('two agents with a run of one name have a run each', () => {
    assert.equal(mergeRuns(runsOf([outcome(1, 'answered'), { ...outcome(2, 'answered'), agent: 'b' }])).length, 2)
  })
})
