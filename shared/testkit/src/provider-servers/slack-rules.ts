/** Block Kit's published limits: docs.slack.dev/reference/block-kit/blocks and …/composition-objects. */

type Fields = Readonly<Record<string, unknown>>

const MOST_BLOCKS = 50
const BLOCK_FIELDS: Readonly<Record<string, readonly string[]>> = {
  header: ['type', 'text', 'block_id'], section: ['type', 'text', 'fields', 'accessory', 'block_id', 'expand'], context: ['type', 'elements', 'block_id'],
  actions: ['type', 'elements', 'block_id'], input: ['type', 'label', 'element', 'block_id', 'optional', 'hint', 'dispatch_action'], divider: ['type', 'block_id'],
}

/** Every rule that the blocks break; empty: Slack would take them. */
export function blockProblems(blocks: unknown): readonly string[] {
  if (!Array.isArray(blocks)) return ['blocks are no list']
  const list = blocks as readonly Fields[]
  const ids = list.flatMap((block) => typeof block['block_id'] === 'string' ? [block['block_id']] : [])
  const actions = list.flatMap((block) => Array.isArray(block['elements']) ? block['elements'] as readonly Fields[] : []).flatMap((element) => typeof element['action_id'] === 'string' ? [element['action_id']] : [])
  return [
    ...list.length > MOST_BLOCKS ? [`over ${MOST_BLOCKS} blocks`] : [],
    ...new Set(ids).size < ids.length || ids.some((id) => id.length > 255) ? ['block ids must differ and have 255 characters at most'] : [],
    ...new Set(actions).size < actions.length || actions.some((id) => id.length > 255) ? ['action ids must differ and have 255 characters at most'] : [],
    ...list.flatMap((block, index) => problemsOf(block).map((problem) => `blocks[${index}]: ${problem}`)),
  ]
}

function problemsOf(block: Fields): readonly string[] {
  const known = BLOCK_FIELDS[String(block['type'])]
  if (known === undefined) return [`unknown type ${String(block['type'])}`]
  const strange = Object.keys(block).filter((name) => !known.includes(name)).map((name) => `unknown field ${name}`)
  switch (block['type']) {
    case 'header': return [...strange, ...plainText(block['text'], 150, 'header')]
    case 'section': return [...strange, ...section(block)]
    case 'context': return [...strange, ...list(block['elements'], 10, 'context').flatMap((element) => textObject(element, 3000, 'context'))]
    case 'actions': return [...strange, ...list(block['elements'], 25, 'actions').flatMap(button)]
    case 'input': return [...strange, ...plainText(block['label'], 2000, 'label'), ...textInput(block['element'] as Fields)]
    default: return strange
  }
}

function section({ text, fields }: Fields): readonly string[] {
  if (text === undefined && fields === undefined) return ['a section has text or fields']
  return [...text === undefined ? [] : textObject(text, 3000, 'section'), ...fields === undefined ? [] : list(fields, 10, 'fields').flatMap((field) => textObject(field, 2000, 'field'))]
}

function button(element: unknown): readonly string[] {
  const { type, text, action_id: id, value, url, style, confirm } = element as Fields
  return [
    ...type === 'button' ? [] : ['no button'], ...plainText(text, 75, 'button'), ...typeof id === 'string' ? [] : ['a button has an action id'],
    ...value === undefined || (typeof value === 'string' && value.length <= 2000) ? [] : ['value over 2,000 characters'],
    ...url === undefined || (typeof url === 'string' && url.length <= 3000 && URL.canParse(url)) ? [] : ['url over 3,000 characters'],
    ...style === undefined || style === 'primary' || style === 'danger' ? [] : ['unknown style'], ...confirm === undefined ? [] : dialog(confirm as Fields),
  ]
}

function dialog({ title, text, confirm, deny }: Fields): readonly string[] {
  return [...plainText(title, 100, 'title'), ...plainText(text, 300, 'text'), ...plainText(confirm, 30, 'confirm'), ...plainText(deny, 30, 'deny')]
}

function textInput(element: Fields | undefined): readonly string[] {
  const { type, action_id: id, max_length: most } = element ?? {}
  return type === 'plain_text_input' && typeof id === 'string' && (most === undefined || (typeof most === 'number' && most >= 1 && most <= 3000)) ? [] : ['no text input with a length of 1 to 3,000']
}

function plainText(value: unknown, most: number, what: string): readonly string[] {
  return (value as Fields | undefined)?.['type'] === 'plain_text' ? textObject(value, most, what) : [`${what} must be plain_text`]
}

function textObject(value: unknown, most: number, what: string): readonly string[] {
  const { type, text, emoji, verbatim, ...more } = (value ?? {}) as Fields
  if (type !== 'plain_text' && type !== 'mrkdwn') return [`${what} is no text`]
  if (typeof text !== 'string' || text.length < 1 || text.length > most) return [`${what} must have 1 to ${most} characters`]
  return Object.keys(more).length > 0 || (type === 'mrkdwn' && emoji !== undefined) || (type === 'plain_text' && verbatim !== undefined) ? [`${what} has a field too many`] : []
}

function list(value: unknown, most: number, what: string): readonly unknown[] {
  return Array.isArray(value) && value.length >= 1 && value.length <= most ? value : [`${what} must have 1 to ${most} members`]
}
