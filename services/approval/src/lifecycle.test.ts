import assert from 'node:assert/strict'
import { after, before, describe, it } from 'mocha'
import { granted, openWorld, refusedWith, requestedEvent, type World } from '../test/harness.ts'

const answer = { status: 200, headers: ['content-type', 'application/json'], body: Buffer.from('{"ok":true}') }
const answered = { kind: 'answered', status: 200, delivered: false, answer } as const

describe('approval lifecycle', () => {
  let world: World
  before(async () => { world = await openWorld() })
  after(() => world.close())

  it('lifecycle: an approved call runs once and an identical re-send gets the stored answer', async () => {
    const { request, fence } = await world.claimed()
    assert.equal(await world.service().api.complete({ approval: request.id, fence, outcome: answered }), undefined)
    assert.equal(refusedWith(await world.claim(request)), 'RECEIPT_GONE')
    const receipt = granted(await world.service().api.receipt({ approval: request.id, attach: request.attach }))
    assert.deepEqual({ ...receipt, body: Buffer.from(receipt.body).toString() }, { ...answer, body: '{"ok":true}' })
  })

  it('lifecycle: two requests with the same attach key share one live request, under either id', async () => {
    const first = await world.raise()
    const second = { ...first, id: 'apr_second1' }
    await world.deliver(requestedEvent(second))
    assert.equal(granted(await world.service().admin.show(second.id)).approval.id, first.id)
    granted(await world.decide(first, 'bo'))
    granted(await world.claim(second))
    assert.equal(refusedWith(await world.claim(first)), 'APPROVAL_PENDING')
  })
})
