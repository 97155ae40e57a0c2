import assert from 'node:assert/strict'
import { availableParallelism, loadavg } from 'node:os'
import type { AccessRequest } from '@lockkeeper/domain/ports'
import { granted, openWorld, type World } from '../test/harness.ts'

const DECISIONS = 1_000
const AT_ONCE = 20
const PER_AGENT = 10
const GOAL_PER_SECOND = 200

describe('many decisions', function () {
  this.timeout(60_000)
  let world: World
  const requests: AccessRequest[] = []
  before(async () => {
    world = await openWorld()
    for (let index = 0; index < DECISIONS; index++) requests.push(await world.raise({ agent: { id: `crowd-${Math.floor(index / PER_AGENT)}` } }))
  })
  after(() => world.close())

  it('are taken at over 200 a second, each durable before it is answered', async () => {
    const began = performance.now()
    const waiting = [...requests]
    const work = async (): Promise<void> => {
      for (let request = waiting.pop(); request !== undefined; request = waiting.pop()) granted(await world.decide(request, 'bo'))
    }
    await Promise.all(Array.from({ length: AT_ONCE }, work))
    const perSecond = DECISIONS / (performance.now() - began) * 1000
    process.stdout.write(`      ${perSecond.toFixed(0)} decisions/s\n`)
    for (const request of [requests[0], requests.at(-1)]) assert.equal(await world.state(request as AccessRequest), 'approved')
    // Where others keep the machine busy, the rate tells about them.
    assert.ok(perSecond > ((loadavg()[0] ?? 0) > availableParallelism() ? GOAL_PER_SECOND / 5 : GOAL_PER_SECOND), `${perSecond} decisions/s`)
  })
})
