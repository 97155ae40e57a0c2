/** A session as text for a terminal. What agents wrote is shown with every control character spelled out. */
import type { StoredRecord } from '@lockkeeper/transparency-log'
import type { ShownBody } from './record-view.ts'
import { stepsOf, type Session, type SessionStep } from './session.ts'

type CallRecord = StoredRecord & { readonly kind: 'intent' | 'outcome' }
type OutcomeRecord = StoredRecord & { readonly kind: 'outcome' }

const MOST_BODY_TEXT = 2_000
const MOST_FIELD = 300
const INDENT = ' '.repeat(14)

/** One line a call or event, in order; times in UTC. */
export function renderTimeline(records: readonly StoredRecord[]): string {
  return renderSteps(stepsOf(records))
}

/** A heading, the steps, and the bodies where they were read. */
export function renderSession(session: Session): string {
  const first = session.steps[0]
  const day = first === undefined ? '' : `, ${new Date(first.at).toISOString().slice(0, 10)} (UTC)`
  const heading = `Run ${shown(session.run)} of ${session.agents.map(shown).join(', ') || 'nobody'}: ${session.steps.length} steps${day}`
  const rest = session.truncated ? 'There is more: the session is longer than is shown.\n' : ''
  return `${heading}\n${renderSteps(session.steps)}${rest}`
}

function renderSteps(steps: readonly SessionStep[]): string {
  return steps.map((step) => `${new Date(step.at).toISOString().slice(11, 23)}  ${stepText(step)}\n${bodyText('sent', step.request)}${bodyText('got', step.response)}`).join('')
}

function stepText({ records }: SessionStep): string {
  const [first] = records as readonly [StoredRecord]
  if (first.kind === 'event') return `${'·'.padEnd(8)} ${shown(first.text)}${first.who === undefined ? '' : ` [${shown(first.who)}]`}`
  const outcomes = records.filter((record): record is OutcomeRecord => record.kind === 'outcome')
  return `${verdict(first, outcomes).padEnd(8)} ${callText(first)}  ${outcomes.map(outcomeText).join('; then ') || 'no outcome yet'}  ${first.id}`
}

function verdict(call: CallRecord, outcomes: readonly OutcomeRecord[]): string {
  if (outcomes.some(({ result }) => result === 'unknown')) return 'UNKNOWN'
  if (outcomes.some(({ result }) => result === 'pending')) return 'WAITS'
  if (outcomes.some(({ result }) => result === 'refused')) return 'REFUSED'
  return (call.effect ?? 'call').toUpperCase()
}

function callText(call: CallRecord): string {
  const what = call.method ?? `${call.verb} ${call.host}${call.path}`
  const where = call.resources?.[0]
  const more = (call.resources?.length ?? 0) > 1 ? ` and ${(call.resources?.length ?? 0) - 1} more` : ''
  const own = call.origin === 'gateway' ? ' (gateway\'s own read)' : ''
  const rule = call.rule === undefined ? '' : ` by ${call.rule}`
  return `${shown(what)}${where === undefined ? '' : ` ${shown(where)}${more}`}${own}${shown(rule)}`
}

function outcomeText(outcome: OutcomeRecord): string {
  const parts = [outcome.result, outcome.status === 0 ? '' : String(outcome.status), shown(outcome.reason ?? ''), `${Math.round(outcome.durationMs)} ms`]
  if (outcome.heldMs !== undefined) parts.push(`held ${Math.round(outcome.heldMs)} ms`)
  if (outcome.masked !== undefined && outcome.masked > 0) parts.push(`${outcome.masked} masked`)
  return parts.filter((part) => part !== '').join(' ')
}

function bodyText(name: string, body: ShownBody | undefined): string {
  if (body === undefined) return ''
  const text = body.text ?? body.base64
  if (text === undefined) return `${INDENT}${name.padEnd(5)} ${shown(body.hash)} (not kept)\n`
  const cut = text.length > MOST_BODY_TEXT ? `${text.slice(0, MOST_BODY_TEXT)}… (${text.length} characters)` : text
  return `${INDENT}${name.padEnd(5)} ${spellOut(cut)}\n`
}

function shown(text: string): string {
  return spellOut(text.length > MOST_FIELD ? `${text.slice(0, MOST_FIELD)}…` : text)
}

/** Escape sequences, line breaks and characters that turn the direction of text could make a terminal show what is not there. */
function spellOut(text: string): string {
  return text.replace(/[\p{Cc}\p{Cf}\p{Cs}\u2028\u2029]/gu, (char) => `\\u{${(char.codePointAt(0) as number).toString(16)}}`)
}
