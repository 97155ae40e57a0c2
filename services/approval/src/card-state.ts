/** What the gateway read before it asked, in lines for a card: what the approval is bound to, and what the body changes there. Pure and bounded. */
import { isRefusal } from '@lockkeeper/domain/errors'
import { isJsonObject, parseStrict, serialise, type Json } from '@lockkeeper/domain/json'
import type { AccessRequest, CanonicalCall, OtherState, StateChange, StateFacts } from '@lockkeeper/domain/ports'
import { instant } from './outcome-texts.ts'
import { shownList, type Cuts } from './shown-list.ts'
import { clip, visible } from './shown-text.ts'

const MAX_VALUE = 300
/** Characters of a body that is looked into for what becomes of a field. */
const MAX_BODY = 512 * 1024
const MAX_EDITS = 50

/** Empty where the method changes nothing. */
export function stateLines({ state, call }: Pick<AccessRequest, 'state' | 'call'>): readonly string[] {
  if (state === undefined) return []
  const { bound = [] } = call
  const key = bound.find((place) => isKey(place, call))
  return [
    bindingText(state, bound.some((place) => place !== key)), ...state.exists === false ? ['There was no such resource when it was read.'] : [],
    ...otherLines(state),
    ...bound.length === 0 ? [] : [clip(visible(`put in by the gateway: ${bound.join(', ')}`), MAX_VALUE)],
    ...key === undefined ? [] : ['By the key that the gateway put in, an answer that is lost can be found again.'],
  ]
}

/** What else the call depends on or changes: sources of a copy, documents of a commit. */
export function otherLines(state: StateFacts | undefined): readonly string[] {
  const { others = [], moreOthers = 0 } = state ?? {}
  return [...others.map(otherLine), ...moreOthers === 0 ? [] : [`… and ${moreOthers} more, of which nothing is shown`]]
}

/** A precondition can be such a key, too; then it is spoken of as one. */
function isKey(place: string, { dedupeKey = '' }: CanonicalCall): boolean {
  if (dedupeKey === '' || dedupeKey === 'ifGenerationMatch') return false
  return place === dedupeKey || `body.${dedupeKey}.`.startsWith(`${place}.`)
}

function bindingText({ kind, at, reader, why }: StateFacts, partly: boolean): string {
  const read = visible(`${at === undefined ? 'before' : `at ${instant(at)}`}${reader === undefined ? '' : ` by ${reader}`}`)
  switch (kind) {
    case 'bound': return `Bound to the state that was read ${read}: beside another one the API itself refuses the call.`
    case 'checked': return `${partly ? 'The API has no precondition for all of this call.' : 'The API has no precondition for this call.'} The gateway reads again right before it sends, and compares with what was read ${read}; between that and the change a moment is left.`
    case 'none': return 'What this call changes cannot be read beforehand: the approval is bound to the call alone.'
    case 'unread': return visible(`What this call changes could not be read (${clip(why ?? 'no reason is known', 200)}): the approval is bound to the call alone.`)
  }
}

function otherLine({ role, name, exists, bound, facts }: OtherState): string {
  const known = facts.map(([fact, value]) => fact === 'does' ? value : `${fact} ${value}`).join(', ')
  const there = exists === undefined ? 'was not read' : exists ? known : `does not exist${known === '' ? '' : `, ${known}`}`
  return clip(visible(`${role} ${name}: ${there}${bound ? '' : ' (not bound to this state)'}`), MAX_VALUE)
}

/** `labels.team: "a" → "b"`. What a field was is masked; what it becomes stands in the call. */
export function editLines({ state, call }: Pick<AccessRequest, 'state' | 'call'>, cuts: Cuts): readonly string[] {
  const changes = state?.changes ?? []
  if (changes.length === 0) return []
  const body = bodyOf(call)
  const lines = shownList(changes.map((change) => editLine(change, body)), 'changed fields', MAX_EDITS, cuts)
  const { moreChanges = 0 } = state ?? {}
  if (moreChanges === 0) return lines
  cuts.push(`${moreChanges} more changed fields`)
  return [...lines, `… and ${moreChanges} more`]
}

function editLine({ path, before }: StateChange, body: Json | undefined): string {
  const after = body === undefined ? '(see the body)' : told(at(body, path))
  return `${clip(path.join('.'), MAX_VALUE)}: ${before === undefined ? 'nothing' : clip(before, MAX_VALUE)} → ${clip(after, MAX_VALUE)}`
}

function bodyOf({ body }: CanonicalCall): Json | undefined {
  if (body.kind !== 'json' || body.text.length > MAX_BODY) return undefined
  const value = parseStrict(body.text)
  return isRefusal(value) ? undefined : value
}

function at(value: Json | undefined, [name, ...rest]: readonly string[]): Json | undefined {
  if (name === undefined) return value
  if (Array.isArray(value)) return at((value as readonly Json[])[Number(name)], rest)
  return isJsonObject(value) && Object.hasOwn(value, name) ? at(value[name], rest) : undefined
}

/** null takes a field away. */
function told(value: Json | undefined): string {
  return value === undefined || value === null ? 'nothing' : serialise(value)
}
