/** An answer that was lost and found again, to the agent whose connection still waits for it. */
import type { Outcome } from '@lockkeeper/domain/ports'
import type { Refusal } from '@lockkeeper/domain/errors'
import { strike } from '@lockkeeper/service-kit'
import { FOUND_TYPE } from '../outcome/find-outcome.ts'
import type { Ending, Passage, Witnesses } from '../passage.ts'
import type { Parts } from '../parts.ts'
import { recordedAnswer } from '../recorded-bodies.ts'
import { replay } from './replay.ts'

/** Undefined: nothing was found, it may not be given out, or a part of another answer has left. */
export function handOver(outcome: Outcome | undefined, passage: Passage & Witnesses, parts: Parts): Promise<Ending | Refusal> | undefined {
  const { claimed, response } = passage
  if (outcome?.kind !== 'answered' || outcome.answer === undefined || outcome.evidence === undefined || claimed.kind !== 'claim' || response.headersSent) return undefined
  return give(outcome.answer, outcome.evidence, claimed.approval, passage, parts)
}

async function give(answer: NonNullable<Extract<Outcome, { readonly kind: 'answered' }>['answer']>, evidence: string, approval: string, passage: Passage & Witnesses, parts: Parts): Promise<Ending | Refusal> {
  const { classified: { call }, decided: { decision } } = passage
  const ending = await replay(passage, answer, approval, parts)
  if (!('result' in ending)) return ending
  const kept = recordedAnswer(answer.body, FOUND_TYPE, call.method, decision.obligations.mask, { maskers: parts.maskers, limit: parts.settings.limits.recordBody })
  if (kept !== undefined) passage.bodies.push(kept)
  const { responseBody: _stored, ...rest } = ending
  return { ...rest, result: 'answered', detail: strike(evidence).slice(0, 1000), ...kept === undefined ? {} : { responseBody: kept.hash } }
}
