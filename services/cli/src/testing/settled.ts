/** Tests only: what must hold after every fault, asked of upstream, approval service and log together (invariants 5 and 8). */
import assert from 'node:assert/strict'
import { setTimeout as sleep } from 'node:timers/promises'
import type { RecordPage } from '@lockkeeper/audit'
import type { LogReport, StoredRecord } from '@lockkeeper/transparency-log'
import type { CloudEdition } from './cloud-edition.ts'
import type { OutcomeRecord } from './test-gateway.ts'

/** What a killed audit process had taken from Pub/Sub comes again after 10 s, and its lease on the log ends after 15 s; tests share their machine. */
const RECORDED_WITHIN_MS = 75_000
/** Reads, however they are sent. */
const READS = /^(?:GET|HEAD)$|:getIamPolicy$/

/** Every record of the cloud edition's log, newest first. */
export async function cloudRecords(edition: Pick<CloudEdition, 'ask'>): Promise<readonly StoredRecord[]> {
  const records: StoredRecord[] = []
  for (let cursor: string | undefined; ;) {
    const page: RecordPage = await edition.ask('audit', `/v1/audit/records?limit=1000${cursor === undefined ? '' : `&cursor=${encodeURIComponent(cursor)}`}`)
    records.push(...page.records)
    cursor = page.cursor
    if (cursor === undefined) return records
  }
}

/**
 * The log verifies and has an outcome for each of `answered` calls, every request that reached the upstream stands in it as an
 * intent of its own, and no approval was dialled twice. Waits for what is still on its way.
 */
export async function assertSettled(edition: CloudEdition, answered: number): Promise<readonly StoredRecord[]> {
  const records = await recordsOnce(edition, (all) => all.filter((record) => record.kind === 'outcome' && record.origin === 'agent').length >= answered)
  const report = await edition.ask<LogReport>('audit', '/v1/audit/verify')
  assert.deepEqual([report.ok, report.problems], [true, []])
  assertDials(edition, records)
  return records
}

/** Waits until the log can be read to its end and is as wanted. */
export async function recordsOnce(edition: Pick<CloudEdition, 'ask'>, wanted: (records: readonly StoredRecord[]) => boolean): Promise<readonly StoredRecord[]> {
  let last: unknown
  for (const until = performance.now() + RECORDED_WITHIN_MS; performance.now() < until; await sleep(250)) {
    try {
      const records = await cloudRecords(edition)
      if (wanted(records)) return records
      last = new Error(`${records.length} records are not as wanted`)
    } catch (error) {
      // AUDIT_UNAVAILABLE: it has not caught up.
      last = error
    }
  }
  throw new Error('invariant 8: the log does not hold what it should', { cause: last })
}

function assertDials({ upstream }: CloudEdition, records: readonly StoredRecord[]): void {
  const intents = new Map(records.flatMap((record) => record.kind === 'intent' ? [[record.id as string, record]] : []))
  const dialled = new Set<string>()
  const approvals = new Set<string>()
  for (const { method, path, headers } of upstream.requests.list()) {
    const id = headers['x-goog-request-reason']?.replace('lockkeeper/', '') ?? ''
    const intent = intents.get(id)
    // A read may be on its way before its record is durable; only its answer waits.
    if (intent === undefined && READS.test(method === 'POST' ? path : method)) continue
    assert.ok(intent !== undefined, `invariant 8: ${method} ${path} reached the upstream without a record`)
    assert.ok(!dialled.has(id), `invariant 5: ${id} was dialled twice`)
    dialled.add(id)
    if (intent.approval === undefined) continue
    assert.ok(!approvals.has(intent.approval), `invariant 5: approval ${intent.approval} was dialled twice`)
    approvals.add(intent.approval)
  }
}

export function outcomesOf(records: readonly StoredRecord[], agent: string): readonly OutcomeRecord[] {
  return records.filter((record): record is OutcomeRecord => record.kind === 'outcome' && record.agent === agent)
}
