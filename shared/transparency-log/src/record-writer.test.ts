import assert from 'node:assert/strict'
import { isRefusal, LockkeeperError } from '@lockkeeper/domain/errors'
import { PortUnavailable } from '@lockkeeper/domain/ports'
import { batchEvent, readBatchData } from './batch-event.ts'
import { parseHeader, type RecordBatch } from './batch.ts'
import { decodeRecord, type StoredRecord } from './record-line.ts'
import { anIntent, anOutcome, foldLog, testSigner, testWriter } from './small-log.fixture.ts'
import { verifyLog } from './verify-log.ts'

interface Held { readonly batch: RecordBatch, readonly ack: () => void, readonly fail: (error: Error) => void }

/** A log that acknowledges when it is told to. */
function heldLog() {
  const held: Held[] = []
  let wake: (() => void) | undefined
  const publish = (batch: RecordBatch): Promise<void> => {
    const { promise, resolve, reject } = Promise.withResolvers<void>()
    held.push({ batch, ack: resolve, fail: reject })
    wake?.()
    return promise
  }
  const next = async (count: number): Promise<Held> => {
    while (held.length < count) await new Promise<void>((resolve) => { wake = resolve })
    return held[count - 1] as Held
  }
  return { held, publish, next }
}

const records = (batches: readonly RecordBatch[]): StoredRecord[] => batches.flatMap((batch) => batch.lines.map(decodeRecord))
const isAuditUnavailable = (error: unknown): boolean => error instanceof LockkeeperError && error.reason === 'AUDIT_UNAVAILABLE' && isRefusal(error.refusal)
const tick = (): Promise<void> => new Promise((resolve) => { setImmediate(resolve) })

describe('record writer', () => {
  it('invariant 8: records arrive in the order of their appends, in a chain that verifies', async () => {
    const batches: RecordBatch[] = []
    const signer = testSigner('file:a')
    const writer = await testWriter(async (batch) => { batches.push(batch) }, { signer, maxBatch: 7 })
    const ids: string[] = []
    for (let index = 0; index < 100; index++) {
      const recorded = writer.append(anIntent({ run: `run-${index}` }))
      ids.push(recorded.id)
      if (index % 13 === 0) await recorded.durable()
    }
    await writer.close()
    assert.deepEqual(records(batches).map((record) => record.id).slice(0, 100), ids)
    assert.ok(batches.every((batch) => batch.lines.length <= 7))
    const log = testSigner('file:log')
    const report = await verifyLog({ ...await foldLog(batches, log), trustedKeys: { writers: [signer.trusted], log: [log.trusted] } })
    assert.deepEqual(report.problems, [])
    assert.deepEqual(report.writers.map(({ records: count, status }) => [count, status]), [[101, 'closed']])
  })

  it('invariant 1: durable resolves only once the batch is acknowledged', async () => {
    const log = heldLog()
    const writer = await testWriter(log.publish)
    let durable = false
    const recorded = writer.append(anIntent())
    const waiting = recorded.durable().then(() => { durable = true })
    const first = await log.next(1)
    await tick()
    assert.equal(durable, false)
    first.ack()
    await waiting
    await recorded.durable()
  })

  it('an entry that is waited for leaves within the turn when the writer is idle', async () => {
    const log = heldLog()
    const writer = await testWriter(log.publish, { maxDelayMs: 60_000 })
    const waiting = writer.append(anIntent()).durable()
    await tick()
    await tick()
    assert.equal(log.held.length, 1)
    log.held[0]?.ack()
    await waiting
  })

  it('an entry that nobody waits for leaves after the delay, together with others', async () => {
    const log = heldLog()
    const writer = await testWriter(log.publish)
    for (let index = 0; index < 5; index++) writer.append(anIntent())
    const { batch, ack } = await log.next(1)
    assert.equal(batch.lines.length, 5)
    ack()
  })

  it('one batch is on its way at a time, and what arrives meanwhile makes the next, whose waiters share one promise', async () => {
    const log = heldLog()
    const writer = await testWriter(log.publish, { maxBatch: 4 })
    const first = writer.append(anIntent()).durable()
    await log.next(1)
    const later = Array.from({ length: 6 }, () => writer.append(anIntent()))
    assert.equal(later[0]?.durable(), later[3]?.durable())
    assert.notEqual(later[0]?.durable(), later[4]?.durable())
    await tick()
    assert.equal(log.held.length, 1)
    log.held[0]?.ack()
    await first
    assert.equal((await log.next(2)).batch.lines.length, 4)
    log.held[1]?.ack()
    assert.equal((await log.next(3)).batch.lines.length, 2)
    log.held[2]?.ack()
    await Promise.all(later.map((one) => one.durable()))
    assert.equal(writer.queued, 0)
  })

  it('a rejected publish is repeated with the very same batch', async () => {
    const log = heldLog()
    const writer = await testWriter(log.publish)
    const waiting = writer.append(anIntent()).durable()
    ;(await log.next(1)).fail(new PortUnavailable('busy'))
    const again = await log.next(2)
    assert.equal(again.batch, log.held[0]?.batch)
    again.ack()
    await waiting
    assert.ok(writer.healthy)
  })

  for (const [title, refuse] of [['rejected', true], ['never answered', false]] as const) {
    it(`invariant 10: a batch that is ${title} too long stops the writer from taking calls`, async () => {
      const log = heldLog()
      const writer = await testWriter(log.publish, { maxUnackedMs: 60 })
      const intent = writer.append(anIntent())
      const waiting = intent.durable()
      if (refuse) (await log.next(1)).fail(new Error('down'))
      await assert.rejects(waiting, PortUnavailable)
      assert.equal(writer.healthy, false)
      assert.throws(() => writer.append(anIntent()), isAuditUnavailable)
      await assert.rejects(intent.durable(), PortUnavailable)
    })
  }

  it('invariant 8: outcomes of running and of refused calls are kept through an outage, and the writer recovers when the log does', async () => {
    const log = heldLog()
    const writer = await testWriter(log.publish, { maxUnackedMs: 40 })
    const intent = writer.append(anIntent())
    await assert.rejects(intent.durable(), PortUnavailable)
    const outcome = writer.append(anOutcome(intent.id))
    await assert.rejects(outcome.durable(), PortUnavailable)
    writer.append(anOutcome(undefined))
    ;(await log.next(1)).ack()
    ;(await log.next(2)).ack()
    await tick()
    assert.ok(writer.healthy)
    await outcome.durable()
    assert.deepEqual(records(log.held.map(({ batch }) => batch)).map(({ kind }) => kind), ['intent', 'outcome', 'outcome'])
    const fresh = writer.append(anIntent()).durable()
    ;(await log.next(3)).ack()
    await fresh
  })

  for (const [title, bounds] of [['entries', { maxQueued: 10 }], ['bytes', { maxQueuedBytes: 4_000 }]] as const) {
    it(`invariant 10: a queue of too many ${title} refuses calls, and at twice that outcomes too`, async () => {
      const log = heldLog()
      const writer = await testWriter(log.publish, bounds)
      let taken = 0
      assert.throws(() => { for (;; taken++) writer.append(anIntent()) }, isAuditUnavailable)
      assert.ok(taken >= 5 && taken <= 15)
      assert.throws(() => writer.append(anOutcome(undefined)), isAuditUnavailable)
      let closing = 0
      assert.throws(() => { for (;; closing++) writer.append(anOutcome('rec_x')) }, isAuditUnavailable)
      assert.ok(closing >= 5 && closing <= 15)
    })
  }

  it('a body travels once per writer while it is remembered', async () => {
    const log = heldLog()
    const writer = await testWriter(log.publish, { rememberedBodies: 2 })
    const body = (hash: string) => [{ hash, bytes: Buffer.from(hash), contentType: 'text/plain' }]
    for (const hash of ['a', 'b', 'a', 'c', 'b', 'a']) writer.append(anIntent(), body(hash))
    const { batch, ack } = await log.next(1)
    assert.deepEqual(batch.bodies.map(({ hash }) => hash), ['a', 'b', 'c', 'b', 'a'])
    ack()
  })

  it('a batch ends at its limit of bytes, and a larger entry travels alone', async () => {
    const log = heldLog()
    const writer = await testWriter(log.publish, { maxBatchBytes: 1_000 })
    const large = [{ hash: 'x', bytes: Buffer.alloc(5_000), contentType: 'text/plain' }]
    writer.append(anIntent(), large)
    for (let index = 0; index < 6; index++) writer.append(anIntent())
    for (let count = 1, lines = 0; lines < 7; count++) {
      const { batch, ack } = await log.next(count)
      assert.ok(batch.lines.length <= 4)
      if (count === 1) assert.equal(batch.lines.length, 1)
      lines += batch.lines.length
      ack()
    }
  })

  it('invariant 8: no batch outgrows an event, whatever characters agents choose', async () => {
    for (const character of ['€', '"', '\\', '\u0001']) {
      const batches: RecordBatch[] = []
      const writer = await testWriter(async (batch) => { batches.push(batch) })
      const name = character.repeat(Math.floor(250_000 / (JSON.stringify(character).length - 2)))
      for (let index = 0; index < 24; index++) writer.append(anIntent({ resources: [name] }))
      await writer.close()
      assert.ok(Math.max(...batches.map((batch) => Buffer.byteLength(JSON.stringify(batchEvent(batch, '/proxy/test', 0))))) < 8 * 1024 * 1024, character)
    }
  })

  it('a closed writer has said so last, and takes nothing more', async () => {
    const batches: RecordBatch[] = []
    const writer = await testWriter(async (batch) => { batches.push(batch) })
    writer.append(anIntent())
    await Promise.all([writer.close(), writer.close()])
    const last = records(batches).at(-1)
    assert.ok(last?.kind === 'event' && last.name === 'writer.closed' && last.facts?.['lastSeq'] === '2')
    assert.equal(writer.healthy, false)
    assert.throws(() => writer.append(anIntent()), isAuditUnavailable)
  })

  it('closing has an end when the log does not answer', async () => {
    const log = heldLog()
    const writer = await testWriter(log.publish, { maxUnackedMs: 30 })
    await assert.rejects(writer.close(), PortUnavailable)
  })

  it('a silent writer says that it lives, and its chain is as before', async () => {
    const log = heldLog()
    const signer = testSigner('file:a')
    const writer = await testWriter(log.publish, { heartbeatMs: 15, signer })
    const beat = await log.next(1)
    assert.deepEqual([beat.batch.firstSeq, beat.batch.lastSeq, beat.batch.lines.length], [1, 0, 0])
    const waiting = writer.append(anIntent()).durable()
    beat.ack()
    const real = await log.next(2)
    real.ack()
    await waiting
    const [first, second] = [parseHeader(beat.batch.header), parseHeader(real.batch.header)]
    assert.equal(first?.header.lastHash, second?.header.prevHash)
    const closing = writer.close()
    ;(await log.next(3)).ack()
    await closing
  })

  it('a line over the limit and a wrong bound are our own mistakes', async () => {
    const writer = await testWriter(async () => undefined)
    assert.throws(() => writer.append(anIntent({ path: 'x'.repeat(300_000) })), TypeError)
    await assert.rejects(testWriter(async () => undefined, { maxBatch: 0 }), TypeError)
  })

  it('a batch comes out of its event as it went in', async () => {
    const batches: RecordBatch[] = []
    const writer = await testWriter(async (batch) => { batches.push(batch) })
    await writer.append(anIntent({ path: '/ü"\n' }), [{ hash: 'h', bytes: Buffer.from([0, 255, 10]), contentType: 'application/json' }]).durable()
    const batch = batches[0] as RecordBatch
    const event = batchEvent(batch, '/proxy/a', 1)
    assert.equal(event.id, `${writer.writer}-1-1`)
    assert.deepEqual(readBatchData(JSON.parse(JSON.stringify(event.data)))?.batch, batch)
    const hostile: readonly unknown[] = [
      null, 'x', [], {}, { ...event.data, lines: 'x' }, { ...event.data, lines: [1] }, { ...event.data, lines: ['a\nb'] }, { ...event.data, lines: ['\ud800'] },
      { ...event.data, header: '{}' }, { ...event.data, header: ` ${event.data.header}` }, { ...event.data, header: event.data.header.replace('"at"', '"at" ') },
      { ...event.data, bodies: [['h', 'c']] }, { ...event.data, bodies: [['h', 'c', '%%']] }, { ...event.data, bodies: [null] }, { ...event.data, header: `${event.data.header}\n` },
    ]
    for (const data of hostile) assert.equal(readBatchData(data), undefined, JSON.stringify(data))
  })

  it('twenty thousand records are appended in well under two seconds', async () => {
    const writer = await testWriter(async () => undefined, { maxQueued: 100_000 })
    const started = performance.now()
    for (let index = 0; index < 20_000; index++) writer.append(anIntent())
    await writer.append(anIntent()).durable()
    assert.ok(performance.now() - started < 2_000)
  })
})
