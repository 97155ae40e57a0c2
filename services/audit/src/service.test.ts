import assert from 'node:assert/strict'
import { cp, readFile, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { systemClock } from '@lockkeeper/domain'
import { cloudEvent } from '@lockkeeper/domain/events'
import { tempDir } from '@lockkeeper/testkit'
import { createRecordWriter, verifyLog, verifyRecordProof, type RecordBatch } from '@lockkeeper/transparency-log'
import { auditRoom, body, closeRooms, collect, intent, outcome } from './audit-room.fixture.ts'
import { exportedKeys, openLogDirectory } from './service.ts'

describe('audit service', () => {
  afterEach(closeRooms)

  it('invariant 8: what was durable for its writer stands in the log, in order, and verifies', async () => {
    const { audit, writer } = await auditRoom()
    const [one, two] = [await writer(), await writer()]
    const ids: string[] = []
    for (let index = 0; index < 60; index++) ids.push((index % 2 === 0 ? one : two).append(intent({ run: `run-${index % 3}` })).id)
    await Promise.all([one.close(), two.close()])
    const records = await collect(audit.queries.tail({ limit: 1_000 }))
    assert.deepEqual(new Set(records.map(({ id }) => id)).size, 62)
    assert.ok(ids.every((id) => records.some((record) => record.id === id)))
    const report = await audit.queries.verify()
    assert.deepEqual(report.problems, [])
    assert.deepEqual([report.records, report.uncovered], [62, 0])
    assert.deepEqual(report.writers.map(({ status }) => status), ['closed', 'closed'])
  })

  it('invariant 8: batches that come twice, late or out of order make the same log', async () => {
    const { audit, writer, publish } = await auditRoom()
    const held: RecordBatch[] = []
    const one = await writer({ publish: async (batch) => { held.push(batch) } })
    for (let index = 0; index < 12; index++) await one.append(intent()).durable()
    await one.close()
    const order = [11, 3, 3, 0, 12, 7, 2, 1, 5, 4, 6, 9, 8, 10, 0, 12]
    await Promise.all(order.map((at) => publish(held[at] as RecordBatch)))
    await audit.flush()
    const report = await audit.queries.verify()
    assert.deepEqual(report.problems, [])
    assert.deepEqual(report.writers.map(({ records, status }) => [records, status]), [[13, 'closed']])
  })

  it('invariant 8: a batch after a gap waits for the missing one and is then taken', async () => {
    const { audit, writer, publish } = await auditRoom({ settings: { gapWaitMs: 20 } })
    const held: RecordBatch[] = []
    const one = await writer({ publish: async (batch) => { held.push(batch) } })
    for (let index = 0; index < 2; index++) await one.append(intent()).durable()
    await publish(held[1] as RecordBatch)
    await audit.flush()
    assert.equal((await audit.queries.verify()).records, 0)
    await publish(held[0] as RecordBatch)
    const seen = await firstRecords(audit.queries.tail({ follow: true, limit: 10, signal: AbortSignal.timeout(5_000) }), 2)
    assert.equal(seen.length, 2)
    await one.close()
  })

  it('invariant 8: a batch that is forged, changed or by a stranger is refused and ends in the dead letters', async () => {
    const { audit, writer, publish, events, directory } = await auditRoom({ settings: { maxDeliveries: 5 } })
    const stranger = await auditRoom()
    assert.notEqual(stranger.directory, directory)
    const held: RecordBatch[] = []
    const keep = async (batch: RecordBatch): Promise<void> => { held.push(batch) }
    await (await writer({ publish: keep })).append(intent()).durable()
    await (await stranger.writer({ publish: keep })).append(intent()).durable()
    const [good, strange] = held as [RecordBatch, RecordBatch]
    await publish(strange)
    await publish({ ...good, lines: [good.lines[0]?.replace('storage.objects.delete', 'storage.objects.get') as string] })
    await publish({ ...good, header: good.header.replace(/"at":\d+/, '"at":1') })
    await events.publish('records', [cloudEvent('record.batch', '/proxy/x', 'nonsense', 1, { lines: 'x' })])
    while ((await events.deadLetters(10)).length < 4) await new Promise((resolve) => { setTimeout(resolve, 20) })
    assert.equal((await audit.queries.verify()).batches, 0)
    await publish(good)
    assert.equal((await audit.queries.verify()).records, 1)
  })

  it('invariant 8: the log goes on after a restart, with and without a saved state', async () => {
    const directory = tempDir()
    for (let start = 0; start < 4; start++) {
      const room = await auditRoom({ directory, settings: { bootId: `boot-${start}`, stateEverySegments: 2 } })
      const writer = await room.writer({ bootId: `boot-${start}` })
      for (let index = 0; index < 5; index++) {
        await writer.append(intent()).durable()
        await room.audit.flush()
      }
      await writer.close()
      if (start === 1) await room.blobs.remove((await room.blobs.list('log/state/', { limit: 10 })).at(-1) as string)
      await room.close()
    }
    const room = await auditRoom({ directory })
    const report = await room.audit.queries.verify()
    assert.deepEqual(report.problems, [])
    assert.equal(report.records, 24)
    assert.ok(report.writers.every(({ status }) => status === 'closed'))
  })

  it('saved states stay where the account may not delete', async () => {
    const room = await auditRoom({ settings: { stateEverySegments: 1, removesOldStates: false } })
    const removed: string[] = []
    room.blobs.remove = async (key) => { removed.push(key) }
    const writer = await room.writer()
    for (let index = 0; index < 4; index++) {
      await writer.append(intent()).durable()
      await room.audit.flush()
    }
    assert.ok((await room.blobs.list('log/state/', { limit: 10 })).length > 2)
    assert.deepEqual(removed, [])
    await writer.close()
    await room.close()
  })

  it('invariant 8: a batch that was folded but not acknowledged before a crash is not folded again', async () => {
    const directory = tempDir()
    const first = await auditRoom({ directory })
    const held: RecordBatch[] = []
    const writer = await first.writer({ publish: async (batch) => { held.push(batch); await first.publish(batch) } })
    await writer.append(intent()).durable()
    await first.audit.flush()
    await first.crash()
    const second = await auditRoom({ directory })
    await second.publish(held[0] as RecordBatch)
    await second.audit.flush()
    const report = await second.audit.queries.verify()
    assert.deepEqual([report.problems, report.batches], [[], 1])
  })

  it('invariant 5: open changes of a vanished writer become unknown, and the log says how far it had come', async () => {
    const directory = tempDir()
    const first = await auditRoom({ directory, settings: { bootId: 'boot-before' } })
    const writer = await first.writer({ bootId: 'boot-before' })
    const open = writer.append(intent({ run: 'run-lost' }))
    const ended = writer.append(intent({ run: 'run-lost' }))
    writer.append(outcome(ended.id, { run: 'run-lost' }))
    writer.append(intent({ change: false, method: 'storage.objects.get', run: 'run-lost' }))
    await writer.append(intent({ change: false, run: 'run-lost' })).durable()
    await first.crash()
    const second = await auditRoom({ directory })
    const found = await firstRecords(second.audit.queries.tail({ follow: true, limit: 0, filter: { kind: 'event' }, signal: AbortSignal.timeout(5_000) }), 1)
    assert.ok(found[0]?.kind === 'event' && found[0].name === 'writer.lost' && found[0].facts?.['lastSeq'] === '5')
    const view = await second.audit.queries.show(open.id)
    assert.equal(view?.partners.length, 1)
    assert.ok(view?.partners[0]?.kind === 'outcome' && view.partners[0].result === 'unknown' && view.partners[0].method === 'storage.objects.delete')
    const unknown = await second.audit.queries.search({ result: 'unknown' })
    assert.equal(unknown?.records.length, 1)
    const report = await second.audit.queries.verify()
    assert.deepEqual(report.problems, [])
    assert.equal(report.writers.find((one) => one.writer === writer.writer)?.status, 'lost')
  })

  it('invariant 5: where silence alone tells, a writer that says that it lives is not given up', async () => {
    const { audit, writer, publish, signer } = await auditRoom({ settings: { singleProcess: false, lostAfterMs: 250 } })
    const silent = await writer({ bootId: 'silent' })
    const living = await createRecordWriter({ service: 'proxy', bootId: 'living', signer, clock: systemClock, mode: 'sandbox', isolation: 'none', publish, heartbeatMs: 40 })
    await Promise.all([silent.append(intent()).durable(), living.append(intent()).durable()])
    const [lost] = await firstRecords(audit.queries.tail({ follow: true, limit: 0, filter: { kind: 'event' }, signal: AbortSignal.timeout(8_000) }), 1)
    assert.ok(lost?.kind === 'event' && lost.facts?.['writer'] === silent.writer)
    await silent.append(outcome('rec_x')).durable()
    const report = await audit.queries.verify()
    assert.deepEqual(report.problems, [])
    assert.deepEqual(report.writers.map(({ bootId, status }) => [bootId, status]).sort(), [['boot-now', 'open'], ['living', 'open'], ['silent', 'open']])
    await Promise.all([silent.close(), living.close()])
  })

  it('invariant 8: an exported log is checked offline with public keys alone, and so is a copy of the store', async () => {
    const room = await auditRoom()
    const writer = await room.writer()
    for (let index = 0; index < 3; index++) {
      await writer.append(intent(), [body(`{"n":${index}}`)]).durable()
      await room.audit.flush()
    }
    await writer.close()
    const directory = join(tempDir(), 'export')
    const counts = await room.audit.queries.exportLog(directory)
    assert.deepEqual([counts.bodies, counts.segments >= 3], [3, true])
    const keys = room.audit.trustedKeys
    assert.deepEqual(await exportedKeys(directory), keys)
    const report = await verifyLog(await openLogDirectory(directory, keys))
    assert.deepEqual([report.ok, report.uncovered, report.records], [true, 0, 4])
    await assert.rejects(room.audit.queries.exportLog(directory), { reason: 'REQUEST_INVALID' })
    await room.close()
    const copy = join(tempDir(), 'copy')
    await cp(room.directory, copy, { recursive: true })
    assert.equal((await verifyLog(await openLogDirectory(copy, keys))).ok, true)
    const victim = join(directory, 'segments', '0000000002')
    await writeFile(victim, (await readFile(victim, 'utf8')).replace('"DELETE"', '"GET"'))
    const broken = await verifyLog(await openLogDirectory(directory, keys))
    assert.deepEqual([broken.ok, broken.problems[0]?.kind, broken.problems[0]?.segment], [false, 'record-changed', 2])
    const stranger = await auditRoom()
    assert.equal((await verifyLog(await openLogDirectory(copy, stranger.audit.trustedKeys))).ok, false)
  })

  it('a batch that stands in the log is waited for no longer', async () => {
    const gauges = new Map<string, () => unknown>()
    const telemetry = { gauge: ({ name }: { readonly name: string }, read: () => unknown) => { gauges.set(name, read) } }
    const { audit, writer } = await auditRoom({ telemetry })
    const lag = (): unknown => gauges.get('lockkeeper.audit.lag')?.()
    const proxy = await writer()
    await proxy.append(intent()).durable()
    await audit.flush()
    const before = lag()
    await new Promise((resolve) => setTimeout(resolve, 5))
    assert.equal(lag(), before)
    await proxy.close()
  })

  it('a proof of one record holds for a third party that has the public key', async () => {
    const { audit, writer } = await auditRoom()
    const one = await writer()
    const ids = Array.from({ length: 5 }, () => one.append(intent()).id)
    await one.close()
    for (const id of ids) {
      const proof = await audit.queries.prove(id)
      assert.ok(proof !== undefined && verifyRecordProof(id, JSON.parse(JSON.stringify(proof)), audit.trustedKeys.log))
    }
    assert.equal(await audit.queries.prove('rec_aaaaaaaaaaaa1'), undefined)
    assert.equal(await audit.queries.prove('../x'), undefined)
  })

  it('invariant 10: while the store takes nothing nobody is told that it did, and afterwards nothing is missing or double', async () => {
    let failing = 0
    const room = await auditRoom({ blobs: (files) => ({
      list: (prefix, options) => files.list(prefix, options), read: (key) => files.read(key), remove: (key) => files.remove(key),
      create: async (key, bytes) => {
        if (failing === 0 || !key.startsWith('log/segments/')) return files.create(key, bytes)
        failing--
        // Half of the failures come after the write: the outcome is not known.
        if (failing % 2 === 0) await files.create(key, bytes)
        throw new Error('disk')
      },
    }) })
    const writer = await room.writer()
    await writer.append(intent()).durable()
    await room.audit.flush()
    failing = 4
    for (let index = 0; index < 5; index++) await writer.append(intent()).durable()
    const seen = await firstRecords(room.audit.queries.tail({ follow: true, limit: 100, signal: AbortSignal.timeout(5_000) }), 6)
    assert.equal(seen.length, 6)
    await writer.close()
    const report = await room.audit.queries.verify()
    assert.deepEqual([report.problems, report.records], [[], 7])
    assert.ok(room.complaints.some((text) => text.includes('could not be written')))
  })

  it('invariant 10: a damaged log is not added to, and the service says where it is damaged', async () => {
    const directory = tempDir()
    const first = await auditRoom({ directory })
    const writer = await first.writer()
    await writer.append(intent()).durable()
    await writer.close()
    await first.close()
    for (const key of await first.blobs.list('log/state/', { limit: 10 })) await first.blobs.remove(key)
    const file = join(directory, 'blobs', 'log', 'segments', '0000000001=')
    await writeFile(file, (await readFile(file, 'utf8')).replace('"DELETE"', '"GET"'))
    const second = await auditRoom({ directory, start: false })
    await assert.rejects(second.audit.start(), /cannot be opened/)
    assert.ok(second.complaints.some((text) => text.includes('segment 1, line')))
    await second.crash()
  })

  it('settings that are wrong or unknown stop the start, all at once', async () => {
    await assert.rejects(auditRoom({ settings: { foldEveryMs: 0, origin: 'two words', surprise: 1 } as object }), (error: Error) => ['foldEveryMs', 'origin', 'surprise'].every((name) => error.message.includes(name)))
  })
})

async function firstRecords<T>(items: AsyncIterable<T>, count: number): Promise<T[]> {
  const taken: T[] = []
  for await (const item of items) if (taken.push(item) === count) break
  return taken
}
