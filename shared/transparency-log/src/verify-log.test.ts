import assert from 'node:assert/strict'
import fc from 'fast-check'
import { signCheckpoint } from './checkpoint.ts'
import { hashRanges, inclusionRanges } from './merkle.ts'
import { hashLine } from './batch.ts'
import { verifyRecordProof, type RecordProof } from './record-proof.ts'
import { batchLeaf } from './segment.ts'
import { anIntent, foldLog, smallLog, testSigner, testWriter, type SmallLog } from './small-log.fixture.ts'
import { verifyLog, type LogSource } from './verify-log.ts'
import type { LogProblemKind, LogReport } from './log-report.ts'
import type { RecordBatch } from './batch.ts'

const changed = (log: SmallLog, bytes: readonly Uint8Array[], notes: readonly string[] = log.notes): LogSource => ({ trustedKeys: log.trustedKeys, segments: () => bytes, checkpoints: () => notes })
const kinds = (report: LogReport): LogProblemKind[] => report.problems.map((problem) => problem.kind)
const linesOf = (segment: Buffer): string[] => segment.toString().slice(0, -1).split('\n')
const textOf = (lines: readonly string[]): Buffer => Buffer.from(`${lines.join('\n')}\n`)

describe('offline verifier', () => {
  let log: SmallLog
  before(async () => { log = await smallLog() })

  it('invariant 8: an untouched log is found whole', async () => {
    const report = await verifyLog(log)
    assert.deepEqual(report.problems, [])
    assert.equal(report.ok, true)
    assert.equal(report.segments, log.bytes.length)
    assert.equal(report.batches, log.batches.length)
    assert.equal(report.uncovered, 0)
    assert.deepEqual(report.writers.map((writer) => writer.status), ['closed', 'closed'])
    assert.equal(report.records, report.writers.reduce((sum, writer) => sum + writer.records, 0))
  })

  it('invariant 8: any one byte changed anywhere is noticed', async function () {
    this.timeout(20_000)
    const total = log.bytes.reduce((sum, segment) => sum + segment.length, 0)
    await fc.assert(fc.asyncProperty(fc.nat(total - 1), fc.integer({ min: 1, max: 255 }), async (place, flip) => {
      let at = place
      const bytes = log.bytes.map((segment) => {
        const copy = Buffer.from(segment)
        if (at >= 0 && at < copy.length) copy[at] = (copy[at] as number) ^ flip
        at -= segment.length
        return copy
      })
      const report = await verifyLog(changed(log, bytes))
      assert.equal(report.ok, false)
      let [inside, segment] = [place, 1]
      for (const one of log.bytes) { if (inside < one.length) break; inside -= one.length; segment++ }
      assert.ok(report.problems.some((problem) => problem.segment === segment), 'the report names the segment')
    }), { numRuns: 400 })
  })

  it('invariant 8: any line dropped, repeated or swapped with the next is noticed, without the checkpoints too', async function () {
    this.timeout(20_000)
    for (const [place, segment] of log.bytes.entries()) {
      const lines = linesOf(segment)
      for (let at = 0; at < lines.length; at++) {
        const variants = [lines.toSpliced(at, 1), lines.toSpliced(at, 0, lines[at] as string), at + 1 < lines.length ? lines.toSpliced(at, 2, lines[at + 1] as string, lines[at] as string) : undefined]
        for (const variant of variants) {
          if (variant === undefined) continue
          const report = await verifyLog(changed(log, log.bytes.with(place, textOf(variant)), []))
          assert.equal(report.ok, false, `segment ${place + 1}, line ${at + 1}`)
        }
      }
    }
  })

  it('invariant 8: any segment dropped, repeated or swapped is noticed', async () => {
    for (let at = 0; at < log.bytes.length; at++) {
      const one = log.bytes[at] as Buffer
      const variants = [log.bytes.toSpliced(at, 1), log.bytes.toSpliced(at, 0, one), at > 0 ? log.bytes.toSpliced(at - 1, 2, one, log.bytes[at - 1] as Buffer) : undefined]
      for (const variant of variants) if (variant !== undefined) assert.equal((await verifyLog(changed(log, variant))).ok, false)
    }
  })

  it('invariant 8: a log cut off anywhere is noticed', async () => {
    const last = log.bytes.at(-1) as Buffer
    for (let cut = 0; cut < last.length; cut += 7) {
      assert.equal((await verifyLog(changed(log, log.bytes.with(-1, last.subarray(0, cut))))).ok, false)
    }
  })

  it('invariant 8: a log cut off together with its checkpoints is noticed by who kept a checkpoint', async () => {
    const [bytes, notes] = [log.bytes.slice(0, 2), log.notes.slice(0, 2)]
    assert.equal((await verifyLog(changed(log, bytes, notes))).ok, true)
    const report = await verifyLog({ ...changed(log, bytes, notes), remembered: [log.notes.at(-1) as string] })
    assert.deepEqual(kinds(report), ['log-truncated'])
  })

  it('the report names the very record that was changed', async () => {
    const lines = linesOf(log.bytes[0] as Buffer)
    const at = lines.findIndex((line) => line.startsWith('{"id"')) + 1
    const line = lines[at] as string
    const report = await verifyLog(changed(log, log.bytes.with(0, textOf(lines.with(at, line.replace('204', '404'))))))
    const [problem] = report.problems
    assert.equal(problem?.kind, 'record-changed')
    assert.equal(problem?.line, at + 1)
    assert.ok(line.includes(problem?.message.match(/rec_\w+/)?.[0] ?? 'no id'))
  })

  it('invariant 8: a writer that no trusted key attests is refused', async () => {
    const report = await verifyLog({ ...log, trustedKeys: { ...log.trustedKeys, writers: [testSigner('file:writers').trusted] } })
    assert.deepEqual(kinds(report), ['writer-forged', 'writer-forged'])
  })

  it('invariant 8: batches put in by another key under a known name are refused', async () => {
    const forged: RecordBatch[] = []
    const writer = await testWriter(async (batch) => { forged.push(batch) }, { signer: log.writerSigner })
    await writer.append(anIntent()).durable()
    const stolen = (forged[0] as RecordBatch)
    const header = stolen.header.replaceAll(writer.writer, log.batches[0]?.writer as string)
    const report = await verifyLog({ ...log, ...await foldLog([...log.batches, { ...stolen, header }], log.logSigner) })
    assert.deepEqual(kinds(report), ['batch-forged'])
    await writer.close()
  })

  it('invariant 8: a batch that is folded twice, or left out, is named', async () => {
    const twice = await verifyLog({ ...log, ...await foldLog([...log.batches, log.batches[2] as RecordBatch], log.logSigner) })
    assert.deepEqual(kinds(twice), ['batch-repeated'])
    const without = await verifyLog({ ...log, ...await foldLog(log.batches.toSpliced(2, 1), log.logSigner) })
    assert.deepEqual(kinds(without), ['batches-missing'])
    const unopened = await verifyLog({ ...log, ...await foldLog(log.batches.slice(1), log.logSigner) })
    assert.deepEqual(kinds(unopened), ['writer-unknown'])
  })

  it('invariant 8: two histories under one key are noticed by who kept the other one\'s checkpoint', async () => {
    const fork = await foldLog(log.batches.toReversed(), log.logSigner)
    const report = await verifyLog({ ...log, remembered: fork.notes.slice(0, 1) })
    assert.deepEqual(kinds(report), ['root-differs'])
  })

  it('checkpoints that were moved, forged or belong to another log are named', async () => {
    assert.deepEqual(kinds(await verifyLog(changed(log, log.bytes, log.notes.toReversed()))).at(0), 'checkpoint-misplaced')
    const other = await signCheckpoint({ origin: 'other', size: 1, root: Buffer.alloc(32), at: 0 }, log.logSigner)
    assert.deepEqual(kinds(await verifyLog(changed(log, log.bytes, [...log.notes, other]))), ['checkpoint-forged'])
    const forged = await signCheckpoint({ origin: 'lockkeeper.test/log', size: 1, root: Buffer.alloc(32), at: 0 }, testSigner('file:log'))
    assert.deepEqual(kinds(await verifyLog(changed(log, log.bytes, [forged, ...log.notes]))), ['checkpoint-forged'])
  })

  it('batches that no checkpoint covers are counted', async () => {
    const report = await verifyLog(changed(log, log.bytes, log.notes.slice(0, 1)))
    assert.equal(report.uncovered, log.batches.length - 2)
  })

  it('a writer that did not close is open, and lost when the audit service says so', async () => {
    const open = await smallLog(1, false)
    assert.deepEqual((await verifyLog(open)).writers.map((writer) => writer.status), ['open', 'open'])
    const notices: RecordBatch[] = []
    const audit = await testWriter(async (batch) => { notices.push(batch) }, { signer: open.writerSigner, service: 'audit' })
    const lost = (writer: string, lastSeq: number): Promise<void> => audit.append({
      kind: 'event', name: 'writer.lost', at: 1, mode: 'sandbox', isolation: 'none', origin: 'gateway', text: 'lost', facts: { writer, lastSeq: String(lastSeq) },
    }).durable()
    const [first, second] = open.writers.map((writer) => writer.writer) as [string, string]
    await lost(first, 3)
    await lost(second, 5)
    const report = await verifyLog({ ...open, ...await foldLog([...open.batches, ...notices], open.logSigner) })
    assert.deepEqual(report.writers.map((writer) => writer.status), ['lost', 'open', 'open'])
    assert.deepEqual(kinds(report), ['lost-differs'])
  })

  it('a proof shows that one record stands in the log and shows no other record', async () => {
    const leaves = log.batches.map((batch) => batchLeaf(batch.header))
    for (const [place, batch] of log.batches.entries()) {
      const path = (await hashRanges(inclusionRanges(place, leaves.length), leaves)).map((one) => one.toString('base64'))
      for (const line of batch.lines) {
        const id = (JSON.parse(line) as { id: string }).id
        const proof: RecordProof = { record: line, lineHashes: batch.lines.map(hashLine), header: batch.header, batch: place, path, checkpoint: log.notes.at(-1) as string }
        assert.ok(verifyRecordProof(id, proof, log.trustedKeys.log))
        const hostile: Partial<RecordProof>[] = [
          { record: line.replace('"at":1', '"at":2') }, { batch: place + 1 }, { lineHashes: batch.lines.map(() => hashLine(line)).concat('x') },
          { path: path.slice(1) }, { checkpoint: log.notes[0] as string, batch: log.batches.length }, { header: batch.header.replace('"at":1', '"at":2') },
        ]
        for (const change of hostile) assert.ok(!verifyRecordProof(id, { ...proof, ...change }, log.trustedKeys.log), JSON.stringify(change))
        assert.ok(!verifyRecordProof(id.replace(/.$/, 'z'), proof, log.trustedKeys.log))
        assert.ok(!verifyRecordProof(id, proof, []))
      }
    }
  })
})
