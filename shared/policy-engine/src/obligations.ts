/** What must be done with a call, united over all the rules that match it. */
import { DEFAULT_PATTERNS, type ApprovalTerms, type Effect, type Obligations } from '@lockkeeper/domain'
import { sha256 } from '@lockkeeper/domain/digest'
import { fromPlain, serialise } from '@lockkeeper/domain/json'
import type { RuleDocument } from './document.ts'
import { durationMs } from './duration.ts'

const DEFAULT_EXPIRY_MS = 30 * 60_000

/** What one rule asks for. */
export interface RuleObligations {
  readonly detectors: readonly string[]
  readonly fields: readonly string[]
  readonly notify: boolean
  readonly maxResponseBytes?: number
  /** Of approve rules only. */
  readonly approval?: ApprovalTerms
}

export const NO_OBLIGATIONS: Obligations = Object.freeze({ mask: Object.freeze({ detectors: [], fields: [] }), notify: false })

export function obligationsOf(rule: RuleDocument): RuleObligations {
  const bytes = rule.limits?.maxResponseBytes
  return {
    detectors: rule.mask ?? [], fields: rule.fields ?? [], notify: rule.notify ?? false,
    ...(bytes === undefined ? {} : { maxResponseBytes: bytes }),
    ...(rule.effect === 'approve' ? { approval: termsOf(rule.approval ?? {}) } : {}),
  }
}

type Asked = NonNullable<RuleDocument['approval']>

function termsOf(approval: Asked): ApprovalTerms {
  const hold = approval.hold === undefined ? undefined : durationMs(approval.hold)
  return {
    reviewers: approval.reviewers ?? [], quorum: approval.quorum ?? 1, reasonRequired: approval.reason === 'required',
    expiresMs: (approval.expires === undefined ? undefined : durationMs(approval.expires)) ?? DEFAULT_EXPIRY_MS,
    ...(hold === undefined ? {} : { holdMs: hold }),
    ...(approval.escalate === undefined ? {} : { escalate: { afterMs: durationMs(approval.escalate.after) ?? 0, reviewers: approval.escalate.to } }),
    ...(approval.patterns === undefined ? {} : { patterns: patternsOf(approval.patterns) }),
    ...(approval.breakGlass === undefined ? {} : { breakGlass: approval.breakGlass }),
    ...(approval.state === undefined ? {} : { state: approval.state }),
    ...(approval.validate === false ? { validate: false as const } : {}),
  }
}

/** A rule that gives bounds of its own means them, whatever the class of the call. */
function patternsOf(patterns: NonNullable<Asked['patterns']>): ApprovalTerms['patterns'] {
  return patterns === false ? false : { maxUses: patterns.maxUses, maxForMs: durationMs(patterns.maxFor) ?? 0, critical: true }
}

/**
 * Masks are united, any `notify` notifies, the smallest limit holds. Of several approvals the strictest terms hold: highest
 * quorum, shortest expiry and hold, a reason where one of them wants it, patterns within the bounds of all, break-glass by whom all
 * of them name, the state required where one of them wants it. The reviewers and their escalation are the winning rule's (the first in order).
 */
export function uniteObligations(parts: readonly RuleObligations[]): Obligations {
  const bytes = least(parts.map((part) => part.maxResponseBytes))
  const approval = strictest(parts.flatMap((part) => part.approval ?? []))
  return Object.freeze({
    mask: Object.freeze({ detectors: sortedUnion(parts.map((part) => part.detectors)), fields: sortedUnion(parts.map((part) => part.fields)) }),
    notify: parts.some((part) => part.notify),
    ...(bytes === undefined ? {} : { maxResponseBytes: bytes }),
    ...(approval === undefined ? {} : { approval }),
  })
}

function strictest(terms: readonly ApprovalTerms[]): ApprovalTerms | undefined {
  const winner = terms[0]
  if (winner === undefined) return undefined
  const holdMs = least(terms.map((term) => term.holdMs))
  const patterns = strictestPatterns(terms)
  const breakGlass = (winner.breakGlass ?? []).filter((named) => terms.every((term) => term.breakGlass?.includes(named) === true))
  return Object.freeze({
    reviewers: winner.reviewers,
    quorum: terms.reduce((most, term) => Math.max(most, term.quorum), 1),
    expiresMs: terms.reduce((shortest, term) => Math.min(shortest, term.expiresMs), winner.expiresMs),
    reasonRequired: terms.some((term) => term.reasonRequired),
    ...(holdMs === undefined ? {} : { holdMs }),
    ...(winner.escalate === undefined ? {} : { escalate: winner.escalate }),
    ...(patterns === undefined ? {} : { patterns }),
    ...(breakGlass.length === 0 ? {} : { breakGlass }),
    ...strictestState(terms),
    ...(terms.some(({ validate }) => validate === false) ? { validate: false as const } : {}),
  })
}

/** Required where one of them says so; best-effort only where all of them do: a rule that says nothing wants the default. */
function strictestState(terms: readonly ApprovalTerms[]): Pick<ApprovalTerms, 'state'> {
  if (terms.some(({ state }) => state === 'required')) return { state: 'required' }
  return terms.every(({ state }) => state === 'best-effort') ? { state: 'best-effort' } : {}
}

/** Undefined while no rule says anything of patterns: the default then holds. */
function strictestPatterns(terms: readonly ApprovalTerms[]): ApprovalTerms['patterns'] {
  if (terms.every((term) => term.patterns === undefined)) return undefined
  const all = terms.map((term) => term.patterns ?? DEFAULT_PATTERNS)
  const bounds = all.filter((patterns) => patterns !== false)
  if (bounds.length < all.length) return false
  return {
    maxUses: Math.min(...bounds.map(({ maxUses }) => maxUses)), maxForMs: Math.min(...bounds.map(({ maxForMs }) => maxForMs)),
    critical: bounds.every(({ critical }) => critical),
  }
}

function least(values: readonly (number | undefined)[]): number | undefined {
  const known = values.filter((value) => value !== undefined)
  return known.length === 0 ? undefined : known.reduce((left, right) => Math.min(left, right))
}

function sortedUnion(lists: readonly (readonly string[])[]): readonly string[] {
  return Object.freeze([...new Set(lists.flat())].sort())
}

/** An approval stands while this stays the same (invariant 4): the effect, the whole winning rule and all obligations. */
export function decisionHash(effect: Effect, winner: string, obligations: Obligations): string {
  return sha256(serialise(fromPlain({ effect, winner, obligations })))
}
