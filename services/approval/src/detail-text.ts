/** A request as lines of plain text: its card, and what has become of it since. Every text in it is safe to print. */
import type { ArgumentBound, GrantPattern } from '@lockkeeper/domain/events'
import type { ApprovalDetail } from './admin.ts'
import { renderCardText } from './card-text.ts'
import { instant } from './outcome-texts.ts'
import { clip, visible } from './shown-text.ts'

const LABEL = 11
const MAX_LINE = 2_000

export function renderDetailText(detail: ApprovalDetail): string {
  const { approval, card, summary, votes, grant, escalatedAt, lock } = detail
  const rows: readonly (readonly [string, string])[] = [
    ...votes.flatMap(({ person, grant: pattern }) => pattern === undefined ? [] : [['pattern', `${person} approves calls like it: ${patternWords(pattern)}`] as const]),
    ...votes.flatMap(({ person, breakGlass, reason }) => breakGlass === true ? [['glass', `broken by ${person}: ${reason ?? ''}`] as const] : []),
    ...grant === undefined ? [] : [['grant', `approved as use ${grant.use} of ${grant.id}; nobody was asked`] as const],
    ...escalatedAt === undefined ? [] : [['escalated', `at ${instant(escalatedAt)}: nobody had decided, so more persons may`] as const],
    ...approval.reason === undefined || (approval.state !== 'unknown' && approval.state !== 'answered') ? [] : [['outcome', approval.reason] as const],
    ...lock === undefined ? [] : [['frozen', `by ${lock.id}: ${lock.reason}`] as const],
  ]
  const head = card === undefined ? `${approval.id}  ${approval.state}\n${summary}\n` : renderCardText(card)
  return `${head}${rows.map(([label, text]) => `${label.padEnd(LABEL)}${clip(visible(text), MAX_LINE)}\n`).join('')}`
}

/** `up to 5 times within 60 minutes on //…, object: anything, the rest as shown`. */
function patternWords({ resources, arguments: bounds, run, uses, forMs }: GrantPattern): string {
  const on = resources.length === 0 ? '' : ` on ${resources.join(' or ')}`
  const args = Object.entries(bounds).map(([name, bound]) => `, ${name}: ${boundWords(bound)}`).join('')
  return `up to ${uses} times within ${Math.round(forMs / 60_000)} minutes${on}${run ? ', in this run' : ''}${args}, the rest as shown`
}

function boundWords(bound: ArgumentBound): string {
  if ('equals' in bound) return JSON.stringify(bound.equals)
  if ('oneOf' in bound) return bound.oneOf.map((each) => JSON.stringify(each)).join(' or ')
  return 'max' in bound ? `at most ${bound.max}` : 'anything'
}
