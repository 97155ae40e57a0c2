/** A card as lines of plain text for a terminal: no colours, no escapes, nothing wider than asked for. */
import type { Card } from './card.ts'

const LABEL = 11
const MIN_WIDTH = 40

/** `width` in columns, default 100, at least 40. `maxBodyLines` default 60. */
export function renderCardText(card: Card, { width = 100, maxBodyLines = 60 }: { readonly width?: number, readonly maxBodyLines?: number } = {}): string {
  const columns = Math.max(MIN_WIDTH, width)
  const body = card.body.length <= maxBodyLines ? card.body : [...card.body.slice(0, maxBodyLines), `… ${card.body.length - maxBodyLines} more lines; see approvals show ${card.id} --json`]
  const rows: readonly (readonly [string, readonly string[]])[] = [
    ['', [`${card.mode === 'sandbox' ? 'SANDBOX  ' : ''}${card.id}  ${card.state}`]],
    ['', [card.title]],
    ['method', [card.method]],
    ['risk', [`${card.risk}: it ${card.riskWhy}`]],
    ['call', [card.call]],
    ['on', card.resources],
    ['arguments', card.arguments],
    ['headers', card.headers],
    ['access', card.iam],
    ['body', body],
    ['changes', card.edits],
    ['bound', card.boundTo],
    ['effect', card.effect === undefined ? [] : [card.effect]],
    ['undo', card.undo === undefined ? [] : [card.undo]],
    ['agent', [card.agent]],
    ['run', [card.run]],
    ['so far', card.soFar.length === 0 ? [] : ['in this run came before persons:', ...card.soFar]],
    ['works for', [card.chain.length === 0 ? card.sponsor : `${card.sponsor}, through ${card.chain.join(' → ')}`]],
    ['rule', [card.rule]],
    ['because', card.reasons],
    ['it says', card.statedReason === undefined ? [] : [`“${card.statedReason}” (the agent's own words, not checked)`]],
    ['before', card.earlier === undefined ? [] : [card.earlier]],
    ['changed', card.changed],
    ['note', card.warnings],
    ['decide', [`${card.quorum} of ${card.reviewers.join(', ')} until ${card.expires}${card.approvedBy.length === 0 ? '' : `; approved by ${card.approvedBy.join(', ')}`}`]],
  ]
  return `${rows.flatMap(([label, texts]) => rowLines(label, texts, columns)).join('\n')}\n`
}

function rowLines(label: string, texts: readonly string[], columns: number): readonly string[] {
  const margin = label === '' ? 0 : LABEL
  return texts.flatMap((text) => wrap(text, columns - margin)).map((line, index) => `${(index === 0 ? label : '').padEnd(margin)}${line}`)
}

/** Breaks at spaces where it can, anywhere where it must; leading space is kept. */
function wrap(text: string, columns: number): readonly string[] {
  const lines: string[] = []
  let rest = text
  while (rest.length > columns) {
    const space = rest.lastIndexOf(' ', columns)
    const indent = rest.length - rest.trimStart().length
    const end = space > indent ? space : columns
    lines.push(rest.slice(0, end))
    rest = rest.slice(space > indent ? end + 1 : end)
  }
  return [...lines, rest]
}
