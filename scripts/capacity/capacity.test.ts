import assert from 'node:assert/strict'
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { NUMBERS, type Numbers } from './assumptions.ts'
import { callsPerProxy, capacityAt, limitsOf, MONTH_SECONDS } from './model.ts'
import { eurosFor, PRICES } from './prices.ts'
import { RATES, rounded, withTables } from './tables.ts'

const DOCS = join(import.meta.dirname, '../../docs')
const read = (file: string): string => readFileSync(join(DOCS, file), 'utf8')

/** Round numbers, so that the sums can be done in the head. */
const PLAIN: Numbers = {
  ...NUMBERS, peak: 1, cpuPerCall: 500, cloudFactor: 1, loopShare: 0.5, changes: 0, recordBytes: 1_000, bodyBytes: 0, batchHeaderBytes: 0, batchMs: 0,
  beats: 4, watchedBeats: 3, asked: 0, covered: 0, auditPerBatch: 0, auditPerRecord: 100, auditShare: 0.5,
}

describe('the model of capacity', () => {
  it('one proxy takes what its event loop has time for', () => {
    assert.equal(callsPerProxy(PLAIN), 1_000)
    assert.equal(capacityAt(10, PLAIN).proxies, 2)
    assert.equal(capacityAt(2_001, PLAIN).proxies, 3)
    assert.equal(capacityAt(2_000, { ...PLAIN, peak: 2 }).proxies, 4)
  })

  it('calls that nobody is asked about write no documents: heartbeats alone do', () => {
    assert.equal(capacityAt(50, PLAIN).firestoreWrites, 4)
    assert.equal(capacityAt(50_000, PLAIN).firestoreWrites, 4)
    assert.equal(capacityAt(50, PLAIN).firestoreReads, 4 + 3 * 2)
    assert.equal(capacityAt(1_000, { ...PLAIN, asked: 0.001, writesPerAsked: 30 }).firestoreWrites, 4 + 30)
  })

  it('every record is published once and delivered once, and a message counts for 1,000 bytes at least', () => {
    assert.equal(capacityAt(100, PLAIN).pubsubBytes, 2 * 100 * 1_000)
    assert.equal(capacityAt(100, { ...PLAIN, recordBytes: 10 }).pubsubBytes, 2 * 100 * 1_000)
    assert.equal(capacityAt(100, { ...PLAIN, changes: 0.5 }).recordsPerSecond, 150)
  })

  it('records share a batch for as long as it is open, and never more than it holds', () => {
    assert.equal(capacityAt(2_000, { ...PLAIN, batchMs: 5 }).batchesPerSecond, 2_000 / 6)
    assert.equal(capacityAt(2_000, { ...PLAIN, batchMs: 5, batchRecords: 4 }).batchesPerSecond, 500)
  })

  it('the log grows by records and bodies', () => {
    assert.equal(capacityAt(100, { ...PLAIN, bodyBytes: 500 }).logBytes, 100 * 1_500 * MONTH_SECONDS)
  })

  it('euros are amounts times prices', () => {
    const { euros, pubsubBytes } = capacityAt(100, PLAIN)
    assert.equal(euros['Pub/Sub'], pubsubBytes * MONTH_SECONDS * eurosFor('pubsub'))
    assert.equal(euros['Cloud Armor'], 100 * MONTH_SECONDS * eurosFor('armor'))
    assert.equal(euros['Cloud Run'], (2 * 2 + 7) * MONTH_SECONDS * eurosFor('cpu') + (2 * 2 + 6) * MONTH_SECONDS * eurosFor('memory'))
  })

  it('a limit is where the load reaches it', () => {
    const limits = new Map(limitsOf({ ...PLAIN, asked: 0.01, requestsOfPerson: 86.4 }).map(({ what, callsPerSecond }) => [what, Math.round(callsPerSecond)]))
    assert.equal(limits.get('10 approvers have no more time'), 1)
    assert.ok(Math.abs((limits.get('the one audit service is busy') ?? 0) - 5_000) <= 1)
    assert.equal(limits.get('20 proxies are busy'), 20_000)
    const rates = limitsOf(NUMBERS).map(({ callsPerSecond }) => callsPerSecond)
    assert.deepEqual(rates, rates.toSorted((a, b) => a - b))
  })

  it('nothing shrinks while the load grows', () => {
    const sizes = RATES.map((rate) => capacityAt(rate, NUMBERS))
    for (const name of ['proxies', 'recordsPerSecond', 'batchesPerSecond', 'auditCores', 'firestoreWrites', 'firestoreReads', 'pubsubBytes', 'logBytes', 'blobWrites', 'askedPerDay', 'approvers'] as const) {
      const values = sizes.map((one) => one[name])
      assert.deepEqual(values, values.toSorted((a, b) => a - b), name)
    }
  })

  it('two figures are shown', () => assert.deepEqual([0, 2, 0.0834, 3.7077, 41.2, 57_499, 311_135_725].map(rounded), ['0', '2', '0.083', '3.7', '41', '57,000', '310,000,000']))
})

describe('docs/capacity.md', () => {
  it('has the tables that the model makes; else run: node scripts/capacity.ts', () => assert.equal(read('capacity.md'), withTables(read('capacity.md'))))

  it('builds on the benchmark\'s numbers, and explains the rate that was measured', () => {
    const [, rate = '', cpu] = /\| Lockkeeper, masking \| ([\d,]+) \|(?: [\d.]+ \|){2} (\d+) \|/.exec(read('benchmark.md')) ?? []
    assert.equal(Number(cpu), NUMBERS.cpuPerCall)
    const explained = callsPerProxy({ ...NUMBERS, cloudFactor: 1, loopShare: 1 })
    assert.ok(Math.abs(explained / Number(rate.replace(',', '')) - 1) < 0.1, `${explained} calls/s against ${rate}`)
    assert.match(read('benchmark.md'), new RegExp(`its check ${NUMBERS.auditPerBatch} µs`))
  })

  it('counts what the sources say', () => {
    const source = (file: string): string => readFileSync(join(DOCS, '..', file), 'utf8')
    assert.match(source('terraform/modules/suite/services.tf'), new RegExp(`proxy += \\{ cpu = "2", memory = "2Gi", min_instances = 2, max_instances = ${NUMBERS.proxyMost}, concurrency = ${NUMBERS.concurrency},`))
    assert.match(source('terraform/modules/edge/variables.tf'), new RegExp(`variable "log_sample_rate" \\{[^}]*default += ${NUMBERS.logSample}\\n`))
    assert.match(source('services/audit/src/settings.ts'), /segmentBytes: .*\.default\(1024 \* 1024\)/)
    assert.match(source('services/audit/src/settings.ts'), new RegExp(`concurrency: .*\\.default\\(${NUMBERS.auditConcurrency}\\)`))
    assert.match(source('docs/architecture.md'), new RegExp(`at most ${NUMBERS.batchRecords}, at most ${NUMBERS.batchMs} ms`))
  })

  it('every price names its page', () => {
    for (const { dollars, each, page } of Object.values(PRICES)) assert.ok(dollars > 0 && each > 0 && page.startsWith('https://cloud.google.com/'), page)
  })
})
