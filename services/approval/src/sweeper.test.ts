import assert from 'node:assert/strict'
import type { BlobStore } from '@lockkeeper/domain/ports'
import { after, before, describe, it } from 'mocha'
import { granted, openWorld, type World } from '../test/harness.ts'

describe('sweeper', () => {
  let world: World
  let broken: string | undefined
  before(async () => {
    world = await openWorld({}, {})
    const { blobs } = world
    const wrapped: BlobStore = {
      create: (key, bytes) => blobs.create(key, bytes), read: (key) => blobs.read(key), list: (prefix, options) => blobs.list(prefix, options),
      remove: async (key) => {
        if (broken !== undefined && key.includes(broken)) throw new TypeError('this one cannot be removed')
        return blobs.remove(key)
      },
    }
    await world.close()
    world = await openWorld({}, { blobs: wrapped })
  })
  after(() => world.close())

  it('a case that cannot be moved on does not keep the others from it', async () => {
    const first = await world.claimed()
    const second = await world.claimed()
    const answer = { status: 200, headers: [], body: new Uint8Array(1) }
    for (const { request, fence } of [first, second]) await world.service().api.complete({ approval: request.id, fence, outcome: { kind: 'answered', status: 200, delivered: true, answer } })
    broken = Buffer.from(first.request.id).toString('hex')
    world.clock.advance(60_000)
    assert.equal(await world.service().sweep(), 1)
    assert.ok(world.logged.some((line) => line.includes('could not be moved on')))
    broken = undefined
    assert.equal(granted(await world.service().admin.show(first.request.id)).approval.state, 'answered')
  })

  it('one pass is bounded, and passes go on until nothing is due', async () => {
    const requests = await Promise.all(Array.from({ length: 210 }, (_, index) => world.raise({ agent: { id: `agent-${index}` } })))
    world.clock.advance(1_800_000)
    assert.equal(await world.service().sweep(), 200)
    while (await world.service().sweep() > 0);
    for (const request of requests.slice(-3)) assert.equal(await world.state(request), 'expired')
  })
})
