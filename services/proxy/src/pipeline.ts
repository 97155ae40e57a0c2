/**
 * The order in which a call is guarded. This list is the architecture; nothing else decides the order (invariant 1).
 * Each guard needs what earlier ones left, so that a missing or misplaced guard does not compile.
 */
import { isRefusal, type Refusal } from '@lockkeeper/domain/errors'
import { exchange } from './exchange/exchange.ts'
import { checkLocks } from './guards/check-locks.ts'
import { claimApproval } from './guards/claim-approval.ts'
import { classifyCall } from './guards/classify-call.ts'
import { decideByPolicy } from './guards/decide-by-policy.ts'
import { findGrant } from './guards/find-grant.ts'
import { identifyAgent } from './guards/identify-agent.ts'
import { mintCredential } from './guards/mint-credential.ts'
import { recordIntent } from './guards/record-intent.ts'
import { AGAIN, type Ending, type Passage, type Verdict, type Witnesses } from './passage.ts'
import type { Parts } from './parts.ts'

export type Guard<Needs extends keyof Witnesses, Adds extends keyof Witnesses> =
  (passage: Passage & Pick<Witnesses, Needs>, parts: Parts) => Verdict<Witnesses[Adds]> | Promise<Verdict<Witnesses[Adds]>>

interface Step { readonly adds: keyof Witnesses, readonly run: Guard<never, keyof Witnesses> }

/** A list of guards that knows in its type what the passage carries after the last one. */
class Guards<Has extends keyof Witnesses = never> {
  readonly steps: readonly Step[]
  constructor(steps: readonly Step[] = []) { this.steps = steps }

  guardedBy<Needs extends Has, Adds extends keyof Witnesses>(adds: Adds, run: Guard<Needs, Adds>): Guards<Has | Adds> {
    return new Guards<Has | Adds>([...this.steps, { adds, run: run as unknown as Step['run'] }])
  }
}

const guards = new Guards()
  .guardedBy('verified', identifyAgent)
  .guardedBy('classified', classifyCall)
  .guardedBy('unlocked', checkLocks)
  .guardedBy('decided', decideByPolicy)
  .guardedBy('granted', findGrant)
  .guardedBy('credential', mintCredential)
  .guardedBy('claimed', claimApproval)
  .guardedBy('intent', recordIntent)

type Complete = typeof guards extends Guards<infer Has> ? Passage & Pick<Witnesses, Has> : never

/** A hold that was released begins again so often; more means that something releases without deciding. */
const MAX_ROUNDS = 4

/** Takes one request through all guards and the exchange. Resolves with how it ended; rejects only for our own mistakes. */
export function runPipeline(passage: Passage, parts: Parts): Ending | Refusal | Promise<Ending | Refusal> {
  return runFrom(0, passage, parts)
}

function runFrom(first: number, passage: Passage, parts: Parts): Ending | Refusal | Promise<Ending | Refusal> {
  for (let index = first; index < guards.steps.length; index++) {
    const step = guards.steps[index] as Step
    const verdict = step.run(passage as never, parts)
    if (verdict instanceof Promise) return verdict.then((late) => proceed(index, step, late, passage, parts))
    const stop = settle(step, verdict, passage)
    if (stop === AGAIN) return begin(passage, parts)
    if (stop !== undefined) return stop
  }
  return exchange(passage as Complete, parts)
}

function proceed(index: number, step: Step, verdict: Verdict<unknown>, passage: Passage, parts: Parts): Ending | Refusal | Promise<Ending | Refusal> {
  const stop = settle(step, verdict, passage)
  if (stop === AGAIN) return begin(passage, parts)
  return stop ?? runFrom(index + 1, passage, parts)
}

/** Writes the witness onto the passage, or says why it stops here. */
function settle(step: Step, verdict: Verdict<unknown>, passage: Passage): Refusal | typeof AGAIN | undefined {
  if (verdict === AGAIN) return AGAIN
  if (isRefusal(verdict)) return verdict
  ;(passage as unknown as Record<string, unknown>)[step.adds] = verdict
  passage.trace?.passed(step.adds)
  return undefined
}

/** After a released hold everything is checked again: token, call, locks, policy, state (invariant 11). */
function begin(passage: Passage, parts: Parts): Ending | Refusal | Promise<Ending | Refusal> {
  passage.rounds++
  if (passage.rounds > MAX_ROUNDS) throw new TypeError('a passage began again without an end')
  return runFrom(0, passage, parts)
}
