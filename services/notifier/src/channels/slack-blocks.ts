/**
 * A message in Slack's Block Kit. Every text of others stands in `plain_text`, which has no markup. Limits as published at
 * docs.slack.dev/reference/block-kit: 50 blocks, section text 3,000, fields 10 of 2,000, header 150, button value 2,000.
 */
import { SLACK_PARTS, slackButtonValue } from '@lockkeeper/domain/slack-click'
import type { Words } from '../words.ts'

export type Block = Readonly<Record<string, unknown>>

/** What the buttons of a message are about. */
export interface ButtonsFor { readonly approval: string, readonly digest: string, readonly ref: string, readonly reasonRequired: boolean }

export interface BlockOptions {
  /** Undefined: this message decides nothing. */
  readonly buttons?: ButtonsFor
  /** The page of the request. */
  readonly link?: string
  /** What to do where there are no buttons. */
  readonly hint?: string
}

const MOST_SECTION = 2_900
const MOST_FIELD = 1_900
const MOST_HEADER = 150

const text = (value: string, most = MOST_SECTION) => ({ type: 'plain_text', text: cut(value, most), emoji: false })
const section = (value: string): Block => ({ type: 'section', text: text(value) })

export function slackBlocks(words: Words, { buttons, link, hint }: BlockOptions): readonly Block[] {
  return [
    { type: 'header', text: text(words.headline, MOST_HEADER) },
    section(words.title),
    ...words.facts.length === 0 ? [] : [{ type: 'section', fields: words.facts.slice(0, 10).map(([label, value]) => text(`${label}: ${value}`, MOST_FIELD)) }],
    ...words.changes.length === 0 ? [] : pages(['What changes:', ...words.changes]).map(section),
    ...pages(words.details).map(section),
    ...words.notes.length === 0 ? [] : [{ type: 'context', elements: words.notes.slice(0, 10).map((note) => text(note, MOST_FIELD)) }],
    section(words.standing),
    ...hint === undefined ? [] : [{ type: 'context', elements: [text(hint, MOST_FIELD)] }],
    ...buttons === undefined ? [] : [reasonField(buttons.reasonRequired)],
    ...buttons === undefined && link === undefined ? [] : [{ type: 'actions', elements: [...buttons === undefined ? [] : decisionButtons(buttons, words.title), ...link === undefined ? [] : [linkButton(link)]] }],
  ]
}

/** Lines in as few sections as they fit into. */
function pages(lines: readonly string[]): readonly string[] {
  const found: string[] = []
  for (const line of lines.map((each) => cut(each, MOST_SECTION))) {
    const last = found.at(-1)
    if (last === undefined || last.length + 1 + line.length > MOST_SECTION) found.push(line)
    else found[found.length - 1] = `${last}\n${line}`
  }
  return found
}

function reasonField(required: boolean): Block {
  return {
    type: 'input', block_id: SLACK_PARTS.reasonBlock, optional: !required, label: text(required ? 'Reason (this rule wants one)' : 'Reason'),
    element: { type: 'plain_text_input', action_id: SLACK_PARTS.reason, multiline: false, max_length: 1000 },
  }
}

function decisionButtons({ approval, digest, ref }: ButtonsFor, title: string): readonly Block[] {
  const button = (verdict: 'approve' | 'deny', label: string, style: string): Block => ({
    type: 'button', action_id: SLACK_PARTS[verdict], style, text: text(label), value: slackButtonValue({ approval, digest, verdict, ref }),
    confirm: { title: text(`${label}?`, 100), text: text(title, 300), confirm: text(label, 30), deny: text('Back', 30), style },
  })
  return [button('approve', 'Approve', 'primary'), button('deny', 'Deny', 'danger')]
}

function linkButton(url: string): Block {
  return { type: 'button', action_id: 'lockkeeper.open', text: text('Open the card'), url }
}

function cut(value: string, most: number): string {
  // Slack refuses empty texts.
  if (value === '') return ' '
  return value.length <= most ? value : `${value.slice(0, most - 1).toWellFormed().replace(/\ufffd$/, '')}…`
}
