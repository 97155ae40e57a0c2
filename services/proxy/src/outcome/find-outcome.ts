/**
 * What became of an approved call whose answer was lost: the API is asked, by reads of the gateway's own, and the call itself is never
 * sent again (invariant 5). What the API cannot tell stays `unknown`, with what was seen, for a person.
 */
import { isRefusal } from '@lockkeeper/domain/errors'
import { serialise } from '@lockkeeper/domain/json'
import type { Outcome, StoredAnswer } from '@lockkeeper/domain/ports'
import { transformWhole } from '../exchange/body-transform.ts'
import { planAnswer } from '../exchange/plan-answer.ts'
import type { Passage, Witnesses } from '../passage.ts'
import type { Parts } from '../parts.ts'
import { ownRead } from '../state/own-read.ts'
import { outcomeRuleOf, type Verdict } from './outcome-rules.ts'

type Complete = Passage & Witnesses

/** Ms between the looks: an operation shows a moment after it was taken. */
const LOOK_AFTER_MS: readonly number[] = [0, 500, 2_000]
/** Ms after which no other look is begun. */
const LOOK_WITHIN_MS = 15_000
export const FOUND_TYPE = 'application/json; charset=UTF-8'

/** The outcome as it is known after looking; the same where it was known, or the API has no way to tell. */
export async function findOutcome(outcome: Outcome, passage: Complete, parts: Parts): Promise<Outcome> {
  const { call } = passage.classified
  const rule = outcome.kind === 'unknown' && passage.claimed.kind === 'claim' ? outcomeRuleOf(call, parts.catalog) : undefined
  if (outcome.kind !== 'unknown' || rule === undefined) return outcome
  const { clock, settings } = parts
  const began = clock.monotonic()
  const since = sentAfter(passage, parts)
  let seen = ''
  for (const wait of settings.lookAfterMs ?? LOOK_AFTER_MS) {
    if (clock.monotonic() - began > LOOK_WITHIN_MS) break
    if (wait > 0) await new Promise((resolve) => setTimeout(resolve, wait))
    const read = await ownRead('what became of the call', rule.plan, passage, parts)
    const verdict: Verdict = isRefusal(read) ? { why: `it could not be read (${read.detail ?? read.message})` } : rule.judge(read.value, since)
    seen = `${rule.plan.reader.id} at ${new Date(clock.now()).toISOString()}${isRefusal(read) ? '' : `, record ${read.record}`}: ${verdict.why}`
    if (verdict.ran !== undefined) return ranOutcome(verdict.ran, `Its answer was lost (${outcome.why}); ${seen}`, passage, parts)
  }
  return { kind: 'unknown', why: `${outcome.why}; ${seen}` }
}

/** Epoch ms before which not a byte of it was sent: when its claim was asked for. */
function sentAfter({ at, claimed }: Complete, { clock }: Parts): number {
  return claimed.kind === 'claim' ? clock.now() - Math.round(clock.monotonic() - (claimed.dialBy - claimed.claim.dialWithinMs)) : at
}

function ranOutcome({ status, body }: NonNullable<Verdict['ran']>, evidence: string, passage: Complete, parts: Parts): Outcome {
  const answer = storedAnswer(status, body === undefined ? new Uint8Array() : Buffer.from(serialise(body)), passage, parts)
  return { kind: 'answered', status, delivered: false, evidence, ...answer === undefined ? {} : { answer } }
}

/** Masked and linked as the lost answer would have been; undefined where it may not be given out. */
function storedAnswer(status: number, bytes: Uint8Array, passage: Complete, parts: Parts): StoredAnswer | undefined {
  if (bytes.length === 0) return { status, headers: [], body: bytes }
  const head = { status, headers: [], contentType: FOUND_TYPE, contentEncoding: undefined, contentLength: bytes.length }
  try {
    const { transform, max } = planAnswer(head, passage, parts, { record: () => '', release: () => Promise.resolve() })
    const { bytes: body } = transformWhole(bytes, transform)
    return body.length > max ? undefined : { status, headers: ['Content-Type', FOUND_TYPE, 'Content-Length', String(body.length)], body }
  } catch (error) {
    parts.log.warn({ method: passage.facts.method, error: (error as Error).message }, 'what was found of a lost answer could not be masked, so none is kept')
    return undefined
  }
}
