import assert from 'node:assert/strict'
import { isRefusal } from '@lockkeeper/domain/errors'
import type { AccessRequest, Outcome, StoredAnswer } from '@lockkeeper/domain/ports'
import { after, before, describe, it } from 'mocha'
import { granted, openWorld, refusedWith, type Ask, type World } from '../test/harness.ts'
import { renderDetailText } from './detail-text.ts'
import { MAX_RECEIPT_BYTES } from './receipt-box.ts'

const MINUTE = 60_000
const CANARY = 'canary-8f21c7'
const answer: StoredAnswer = { status: 200, headers: ['x-a', 'b'], body: Buffer.from(CANARY) }

describe('claims and receipts', () => {
  let world: World
  before(async () => { world = await openWorld() })
  after(() => world.close())

  const answeredWith = (changes: Partial<Extract<Outcome, { kind: 'answered' }>> = {}): Outcome => ({ kind: 'answered', status: 200, delivered: false, answer, ...changes })
  const ran = async (changes?: Partial<Extract<Outcome, { kind: 'answered' }>>, ask?: Ask): Promise<AccessRequest> => {
    const { request, fence } = await world.claimed(ask)
    assert.equal(await world.service().api.complete({ approval: request.id, fence, outcome: answeredWith(changes) }), undefined)
    return request
  }
  const read = ({ id, attach }: AccessRequest) => world.service().api.receipt({ approval: id, attach })
  const stored = async (): Promise<number> => (await world.blobs.list('receipts/', { limit: 1000 })).length

  it('a claim names a fence and says how soon to dial', async () => {
    const request = await world.raise()
    granted(await world.decide(request, 'bo'))
    assert.deepEqual(await world.claim(request), { fence: `${request.id}.1`, dialWithinMs: 5000 })
  })

  const FOREIGN: readonly (readonly [string, Partial<AccessRequest['attach']>])[] = [
    ['agent', { agent: 'other' }], ['run', { run: 'other' }], ['issuer', { issuer: 'other' }], ['digest', { digest: 'full:other' }], ['idempotency key', { idempotencyKey: 'other' }],
  ]
  for (const [what, change] of FOREIGN) {
    it(`invariant 4: another ${what} can neither claim nor read the answer, and learns nothing`, async () => {
      const request = await world.raise()
      granted(await world.decide(request, 'bo'))
      const foreign = { ...request, attach: { ...request.attach, ...change } }
      const none = await world.claim({ ...foreign, id: 'apr_none' })
      assert.equal(refusedWith(await world.claim(foreign)), 'NOT_FOUND')
      assert.equal(refusedWith(none), 'NOT_FOUND')
      const done = await ran()
      assert.equal(refusedWith(await read({ ...done, attach: { ...done.attach, ...change } })), 'NOT_FOUND')
    })
  }

  it('invariant 5: only the current fence completes, and completing twice is one completion', async () => {
    const { request, fence } = await world.claimed()
    const complete = (given: string, outcome: Outcome) => world.service().api.complete({ approval: request.id, fence: given, outcome })
    for (const wrong of ['', `${request.id}.0`, `${request.id}.2`, 'apr_x.1']) assert.equal(refusedWith(await complete(wrong, answeredWith())), 'STATE_CHANGED')
    const before = await stored()
    assert.equal(await complete(fence, answeredWith()), undefined)
    assert.equal(await complete(fence, answeredWith()), undefined)
    assert.equal(await stored(), before + 1)
    assert.equal(refusedWith(await complete(fence, { kind: 'not_sent', why: 'changed my mind' })), 'RECEIPT_GONE')
  })

  it('invariant 5: a late answer under the current fence turns unknown into answered', async () => {
    const { request, fence } = await world.claimed()
    world.clock.advance(11 * MINUTE)
    await world.service().sweep()
    assert.equal(await world.service().api.complete({ approval: request.id, fence, outcome: answeredWith() }), undefined)
    assert.equal(await world.state(request), 'answered')
    assert.equal(refusedWith(await world.claim(request)), 'RECEIPT_GONE')
  })

  it('invariant 5: an answer that was lost and found is one, and what was found is told', async () => {
    const request = await ran({ evidence: 'Its answer was lost (reset); bigquery.jobs.get at T: there is a job J' })
    const shown = await world.service().admin.show(request.id)
    assert.ok(!isRefusal(shown))
    assert.deepEqual([shown.approval.state, shown.approval.reason], ['answered', 'Its answer was lost (reset); bigquery.jobs.get at T: there is a job J'])
    assert.match(renderDetailText(shown), /outcome {4}Its answer was lost \(reset\)/)
    const receipt = await read(request)
    assert.ok(!isRefusal(receipt))
    assert.equal(Buffer.from(receipt.body).toString(), CANARY)
  })

  it('invariant 5: under the fence of an unknown one a proxy may still say that it ran, and nothing else', async () => {
    const { request, fence } = await world.claimed()
    const complete = (outcome: Outcome) => world.service().api.complete({ approval: request.id, fence, outcome })
    await complete({ kind: 'unknown', why: 'silent' })
    const unknown = await world.service().admin.show(request.id)
    assert.ok(!isRefusal(unknown) && unknown.approval.fence === fence)
    assert.equal(refusedWith(await complete({ kind: 'not_sent', why: 'x' })), 'OUTCOME_UNKNOWN')
    assert.equal(await complete({ kind: 'answered', status: 200, delivered: false, evidence: 'found' }), undefined)
    const found = await world.service().admin.show(request.id)
    assert.ok(!isRefusal(found))
    assert.deepEqual([found.approval.state, found.approval.fence, found.approval.reason], ['answered', undefined, 'found'])
  })

  it('an unknown outcome says why and is final', async () => {
    const { request, fence } = await world.claimed()
    await world.service().api.complete({ approval: request.id, fence, outcome: { kind: 'unknown', why: 'the upstream closed the connection' } })
    const refused = await world.claim(request)
    assert.match(isRefusal(refused) ? refused.message : '', /closed the connection.*look at the resource first/)
  })

  for (const [status, wanted] of [[200, 'answered'], [404, 'answered'], [499, 'answered'], [500, 'unknown'], [503, 'unknown'], [100, 'unknown'], [0, 'unknown']] as const) {
    it(`invariant 5: an upstream status of ${status} leaves the call ${wanted}`, async () => {
      const before = await stored()
      const request = await ran({ status, answer: { ...answer, status } })
      assert.equal(await world.state(request), wanted)
      assert.equal(await stored(), before + (wanted === 'answered' ? 1 : 0))
    })
  }

  const WINDOWS: readonly (readonly [string, boolean, number, string])[] = [
    ['undelivered, just before ten minutes', false, 10 * MINUTE - 1, 'not refused'], ['undelivered, at ten minutes', false, 10 * MINUTE, 'RECEIPT_GONE'],
    ['delivered, just before a minute', true, MINUTE - 1, 'not refused'], ['delivered, at a minute', true, MINUTE, 'RECEIPT_GONE'],
  ]
  for (const [what, delivered, later, wanted] of WINDOWS) {
    it(`invariant 11: a receipt ${what}: ${wanted}`, async () => {
      const request = await ran({ delivered })
      world.clock.advance(later)
      assert.equal(refusedWith(await read(request)), wanted)
    })
  }

  it('a reported delivery leaves one more minute, and never lengthens', async () => {
    const request = await ran()
    world.clock.advance(9 * MINUTE + 30_000)
    await world.service().api.delivered({ approval: request.id, attach: request.attach })
    world.clock.advance(29_999)
    granted(await read(request))
    world.clock.advance(1)
    const refused = await read(request)
    assert.match(isRefusal(refused) ? refused.message : '', /ran at 2026-.* with status 200; its answer is not kept/)
  })

  it('a receipt past its window is removed from the store', async () => {
    const before = await stored()
    await ran()
    world.clock.advance(10 * MINUTE)
    while (await world.service().sweep() > 0);
    assert.ok(await stored() <= before)
  })

  it('invariant 3: a receipt lies sealed in the store, and a method that returns a secret leaves none', async () => {
    const request = await ran()
    for (const key of await world.blobs.list('receipts/', { limit: 1000 })) {
      assert.equal(Buffer.from(await world.blobs.read(key) ?? '').includes(CANARY), false)
    }
    granted(await read(request))
    const before = await stored()
    const secret = await ran({}, { call: { returnsSecret: true } })
    assert.equal(refusedWith(await read(secret)), 'RECEIPT_GONE')
    assert.equal(await stored(), before)
  })

  it('an answer over four MiB leaves its status and no receipt', async () => {
    const request = await ran({ answer: { ...answer, body: new Uint8Array(MAX_RECEIPT_BYTES + 1) } })
    assert.equal(refusedWith(await read(request)), 'RECEIPT_GONE')
    granted(await read(await ran({ answer: { ...answer, body: new Uint8Array(MAX_RECEIPT_BYTES) } })))
  })

  it('a stored answer that was changed is not given out', async () => {
    const request = await ran()
    const prefix = `receipts/${Buffer.from(request.id).toString('hex')}/`
    const [key = ''] = await world.blobs.list(prefix, { limit: 1 })
    const bytes = Buffer.from(await world.blobs.read(key) ?? '')
    bytes[40] = (bytes[40] ?? 0) ^ 1
    await world.blobs.remove(key)
    await world.blobs.create(key, bytes)
    assert.equal(refusedWith(await read(request)), 'RECEIPT_GONE')
    assert.ok(world.logged.some((line) => line.includes('was changed')))
  })

  it('invariant 11: no receipt from before a lock is read again, not even once the lock is lifted', async () => {
    const request = await ran({}, { agent: { id: 'locked-later' } })
    const lock = granted(await world.service().admin.setLock({ scope: { kind: 'agent', agent: 'locked-later' }, reason: 'odd', by: 'op' }))
    assert.equal(refusedWith(await read(request)), 'AGENT_LOCKED')
    granted(await world.service().admin.liftLock({ id: lock.id, reason: 'fine', by: 'op' }))
    assert.equal(refusedWith(await read(request)), 'RECEIPT_GONE')
    world.clock.advance(1)
    granted(await read(await ran({}, { agent: { id: 'locked-later' } })))
  })

  it('invariant 11: a lock that fell while the call ran takes its answer along', async () => {
    const { request, fence } = await world.claimed({ agent: { id: 'locked-while' } })
    world.clock.advance(1)
    const lock = granted(await world.service().admin.setLock({ scope: { kind: 'agent', agent: 'locked-while' }, reason: 'odd', by: 'op' }))
    world.clock.advance(1)
    assert.equal(await world.service().api.complete({ approval: request.id, fence, outcome: answeredWith() }), undefined)
    granted(await world.service().admin.liftLock({ id: lock.id, reason: 'fine', by: 'op' }))
    assert.equal(refusedWith(await read(request)), 'RECEIPT_GONE')
  })

  it('after a lock that was lifted the same call is asked for anew at once', async () => {
    const request = await ran({}, { agent: { id: 'locked-again' } })
    const lock = granted(await world.service().admin.setLock({ scope: { kind: 'agent', agent: 'locked-again' }, reason: 'odd', by: 'op' }))
    granted(await world.service().admin.liftLock({ id: lock.id, reason: 'fine', by: 'op' }))
    assert.equal(await world.state(await world.raise({ agent: request.agent })), 'pending')
  })

  it('while the answer can be read the same call is not asked for again', async () => {
    const request = await ran()
    world.clock.advance(MINUTE)
    const again = await world.raise({ agent: request.agent })
    assert.equal(granted(await world.service().admin.show(again.id)).approval.id, request.id)
  })

  it('a revoked run\'s receipt is gone from the store at once', async () => {
    const before = await stored()
    const request = await ran()
    granted(await world.service().admin.revoke({ id: request.id, by: 'op', reason: 'leak' }))
    assert.equal(refusedWith(await read(request)), 'RECEIPT_GONE')
    assert.equal(await stored(), before)
  })

  it('reading before the answer is there says what to do', async () => {
    const { request } = await world.claimed()
    const refused = await read(request)
    assert.equal(refusedWith(refused), 'APPROVAL_PENDING')
    assert.match(isRefusal(refused) ? refused.message : '', /is not run twice. Send the same call again/)
  })
})
