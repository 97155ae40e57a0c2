/** What travels with `approval.requested`, so that others can tell a person what waits. Pure; every text in it is safe to print. */
import type { ShownCall } from '@lockkeeper/domain/events'
import type { AccessRequest, CanonicalCall } from '@lockkeeper/domain/ports'
import type { Earlier } from './approval-case.ts'
import { bodyLines, iamLines, warningsOf } from './card.ts'
import { effectText, type Price } from './card-effect.ts'
import { editLines, otherLines } from './card-state.ts'
import { earlierText, riskWhy, titleOf } from './card-words.ts'
import { shownList, shownMembers, type Cuts } from './shown-list.ts'
import { clip, untrusted, visible } from './shown-text.ts'
import { undoWords } from './undo-words.ts'

const MOST_DETAILS = 40
const MOST_LINE = 300
const MOST_WARNINGS = 10
const MOST_EDITS = 20
const MOST_REASON = 500
/** Characters of a body that is laid out for a message; the card shows more. */
const MOST_BODY = 16_384

/** `whole` is false as soon as anything of the call is left out: such a call is decided before its card only (invariant 4). */
export function shownCall(request: AccessRequest, earlier: Earlier | undefined, price?: Price): ShownCall {
  const { call, agent, decision } = request
  const cuts: Cuts = []
  const lines = detailsOf(call, cuts)
  const details = lines.slice(0, MOST_DETAILS).map((line) => clip(line, MOST_LINE))
  const whole = cuts.length === 0 && lines.length <= MOST_DETAILS && details.every((line, index) => line === lines[index])
  return {
    title: titleOf(call.method, call.resources, call.host), risk: visible(call.risk), riskWhy: riskWhy(call.risk), rule: visible(decision.rule),
    sponsor: agent.sponsor === undefined ? 'nobody' : clip(visible(agent.sponsor), MOST_LINE),
    reasonRequired: decision.obligations.approval?.reasonRequired ?? false,
    ...request.statedReason === undefined ? {} : { statedReason: untrusted(request.statedReason, MOST_REASON) },
    details, whole, ...findingsOf(request, price), warnings: [...earlier === undefined ? [] : [earlierText(earlier)], ...warningsOf(request, whole ? [] : ['a part of the call'])].slice(0, MOST_WARNINGS).map((line) => clip(line, MOST_LINE)),
  }
}

/** What the gateway found out about the call: said beside it, no part of what is approved. */
function findingsOf(request: AccessRequest, price: Price | undefined): Pick<ShownCall, 'edits' | 'effect' | 'undo'> {
  const lines = [...otherLines(request.state), ...editLines(request, [])]
  const left = lines.length - MOST_EDITS
  const edits = [...lines.slice(0, MOST_EDITS).map((line) => clip(line, MOST_LINE)), ...left > 0 ? [`… and ${left} more; see the card`] : []]
  const undo = undoWords(request.call)
  return { ...edits.length === 0 ? {} : { edits }, ...request.effect === undefined ? {} : { effect: clip(effectText(request.effect, price), MOST_LINE) }, ...undo === undefined ? {} : { undo: clip(undo, MOST_LINE) } }
}

function detailsOf(call: CanonicalCall, cuts: Cuts): readonly string[] {
  return [
    visible(`${call.verb} https://${call.host}${call.path}`),
    ...call.resources.length > 1 ? shownList(call.resources, 'resources', MOST_DETAILS, cuts) : [],
    ...shownMembers(call.arguments, 'arguments', MOST_DETAILS, cuts), ...shownMembers(call.headers, 'headers', MOST_DETAILS, cuts),
    // A policy that was compared is shown as what it changes; the rest of it stays as it is.
    ...call.iam === undefined ? [] : iamLines(call.iam, cuts), ...call.iam?.known === true ? [] : contentLines(call, cuts),
  ]
}

function contentLines(call: CanonicalCall, cuts: Cuts): readonly string[] {
  const { body } = call
  const size = body.kind === 'json' ? body.text.length : body.kind === 'media' ? body.metadata?.length ?? 0 : 0
  if (size <= MOST_BODY) return bodyLines(call, cuts)
  cuts.push('the body')
  return [`a body of ${size} characters; see the card`]
}
