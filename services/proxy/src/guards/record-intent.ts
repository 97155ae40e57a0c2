/** What is about to be done, in the log before it is done: a change waits for it before the dial. A plain read owes its record until its answer is there (invariants 1 and 8). */
import { LockkeeperError, refuse, type Refusal } from '@lockkeeper/domain/errors'
import { appendIntent, CallRecord } from '../call-record.ts'
import type { Parts } from '../parts.ts'
import { recordedRequest } from '../recorded-bodies.ts'
import type { Intent, Passage, Witnesses } from '../passage.ts'

type Needs = Passage & Pick<Witnesses, 'verified' | 'classified' | 'unlocked' | 'decided' | 'granted' | 'credential' | 'claimed'>

/** Everything else has a durable record before its first byte is sent. */
export function isPlainRead({ classified: { call }, granted }: Pick<Needs, 'classified' | 'granted'>): boolean {
  return !call.method.change && granted.kind === 'not-needed' && call.method.risk !== 'sensitive-read'
}

export function recordIntent(passage: Needs, parts: Parts): Intent | Refusal {
  const { records, maskers, settings, owed } = parts
  const request = recordedRequest(passage.classified.call, passage.decided.decision.obligations.mask, { maskers, limit: settings.limits.recordBody })
  if (request !== undefined) {
    passage.facts.requestBody = request.hash
    passage.bodies.push(request)
  }
  if (!isPlainRead(passage)) return written(passage, parts)
  if (!records.healthy) return refuse('AUDIT_UNAVAILABLE', 'The audit log takes no records, so the call is refused. Nothing was sent.')
  const record = new CallRecord(records.reference())
  owed.add(passage, record)
  return record as Intent
}

function written(passage: Needs, parts: Parts): Intent | Refusal {
  try {
    const record = appendIntent(passage, parts)
    return new CallRecord(record.id, record) as Intent
  } catch (error) {
    if (error instanceof LockkeeperError) return error.refusal
    throw error
  }
}
