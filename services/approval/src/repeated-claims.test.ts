import assert from 'node:assert/strict'
import type { AccessRequest } from '@lockkeeper/domain/ports'
import { after, before, describe, it } from 'mocha'
import { granted, openWorld, refusedWith, type World } from '../test/harness.ts'

describe('claims whose answer was lost', () => {
  let world: World
  before(async () => { world = await openWorld() })
  after(() => world.close())

  let runs = 0
  const approved = async (): Promise<AccessRequest> => {
    const request = await world.raise({ agent: { run: `run-${++runs}` } })
    granted(await world.decide(request, 'bo'))
    return request
  }
  const claim = ({ id, attach, decision }: AccessRequest, claimId: string, holder = 'gw-1') =>
    world.service().api.claim({ approval: id, attach, decisionHash: decision.hash, holder, claimId })
  const notSent = (request: AccessRequest, fence: string) => world.service().api.complete({ approval: request.id, fence, outcome: { kind: 'not_sent', why: 'test' } })

  it('invariant 5: the same claim again gets the same fence, also after a restart', async () => {
    const request = await approved()
    const first = await claim(request, 'one-1')
    assert.deepEqual(first, { fence: `${request.id}.1`, dialWithinMs: 5000 })
    assert.deepEqual(await claim(request, 'one-1'), first)
    await world.reopen()
    assert.deepEqual(await claim(request, 'one-1'), first)
  })

  it('invariant 5: copies of one claim that arrive at once take one fence', async () => {
    const request = await approved()
    const answers = await Promise.all(Array.from({ length: 8 }, () => claim(request, 'one-2')))
    assert.deepEqual(new Set(answers.map((answer) => JSON.stringify(answer))).size, 1)
    assert.equal(await world.state(request), 'claimed')
  })

  it('invariant 5: another claim, or the same name from another holder, does not get the fence', async () => {
    const request = await approved()
    await claim(request, 'one-3')
    assert.equal(refusedWith(await claim(request, 'two-3')), 'APPROVAL_PENDING')
    assert.equal(refusedWith(await claim(request, 'one-3', 'gw-2')), 'APPROVAL_PENDING')
  })

  it('invariant 5: a late copy of a claim that was given back takes nothing', async () => {
    const request = await approved()
    await claim(request, 'one-4')
    assert.equal(await notSent(request, `${request.id}.1`), undefined)
    assert.equal(refusedWith(await claim(request, 'one-4')), 'STATE_CHANGED')
    assert.equal(await world.state(request), 'approved')
    assert.deepEqual(await claim(request, 'two-4'), { fence: `${request.id}.2`, dialWithinMs: 5000 })
    assert.equal(refusedWith(await claim(request, 'one-4')), 'STATE_CHANGED')
  })

  it('invariant 4: a claim\'s name opens no other approval and no other call', async () => {
    const [request, other] = [await approved(), await world.raise({ agent: { run: 'other-run' } })]
    granted(await world.decide(other, 'bo'))
    await claim(request, 'one-5')
    assert.equal(refusedWith(await claim(other, 'one-5')), 'NOT_FOUND')
    assert.equal(refusedWith(await claim({ ...request, attach: { ...request.attach, run: 'other' } }, 'one-5')), 'NOT_FOUND')
  })

  it('invariant 5: a claim that ended as unknown is not answered again', async () => {
    const request = await approved()
    await claim(request, 'one-6')
    world.clock.advance(700_000)
    assert.equal(refusedWith(await claim(request, 'one-6')), 'OUTCOME_UNKNOWN')
  })
})
