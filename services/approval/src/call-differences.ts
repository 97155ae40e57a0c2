/** How one call differs from another, in lines for a card. Pure and bounded. */
import { isRefusal } from '@lockkeeper/domain/errors'
import { fromPlain, isJsonObject, parseStrict, serialise, type Json, type JsonObject } from '@lockkeeper/domain/json'
import type { CanonicalCall } from '@lockkeeper/domain/ports'
import { clip, visible } from './shown-text.ts'

const MAX_LINES = 20
/** Places compared at most; what is beyond is said to be unknown. */
const MAX_PLACES = 5_000
/** Characters of both bodies; parsing more would hold up everything else in the process. */
const MAX_COMPARED = 512 * 1024

/** Empty when both mean the same. At most 20 lines and one that counts the rest. */
export function callDifferences(before: CanonicalCall, after: CanonicalCall): readonly string[] {
  const lines: string[] = []
  const budget = { left: MAX_PLACES }
  for (const name of ['target', 'verb', 'host', 'path'] as const) {
    if (before[name] !== after[name]) lines.push(line(name, before[name], after[name]))
  }
  compare('argument ', before.arguments, after.arguments, lines, budget)
  compare('header ', before.headers, after.headers, lines, budget)
  if (sizeOf(before) + sizeOf(after) <= MAX_COMPARED) compare('body', bodyOf(before), bodyOf(after), lines, budget)
  else if (textOf(before) !== textOf(after)) lines.push('body: changed; it is too long to be compared member by member')
  const shown = lines.slice(0, MAX_LINES)
  if (lines.length > MAX_LINES) shown.push(`… and ${lines.length - MAX_LINES} more differences`)
  if (budget.left <= 0) shown.push('… and what lies beyond was not compared')
  return shown
}

function textOf({ body }: CanonicalCall): string {
  return body.kind === 'json' ? body.text : serialise(fromPlain(body))
}

function sizeOf(call: CanonicalCall): number {
  return textOf(call).length
}

function bodyOf({ body }: CanonicalCall): Json {
  if (body.kind === 'none') return null
  if (body.kind === 'media') return { contentType: body.contentType, size: String(body.size ?? ''), checksum: body.checksum ?? '', metadata: body.metadata === undefined ? null : parsed(body.metadata) }
  return parsed(body.text)
}

function parsed(text: string): Json {
  const value = parseStrict(text)
  return isRefusal(value) ? text : value
}

function compare(place: string, before: Json | undefined, after: Json | undefined, lines: string[], budget: { left: number }): void {
  budget.left -= 1
  if (budget.left <= 0) return
  if (isJsonObject(before) && isJsonObject(after)) return compareMembers(place, before, after, lines, budget)
  if (Array.isArray(before) && Array.isArray(after)) {
    for (let index = 0; index < Math.max(before.length, after.length); index += 1) compare(`${place}[${index}]`, before[index], after[index], lines, budget)
    return
  }
  const [left, right] = [told(before), told(after)]
  if (left !== right) lines.push(line(place, left, right))
}

function compareMembers(place: string, before: JsonObject, after: JsonObject, lines: string[], budget: { left: number }): void {
  const names = [...new Set([...Object.keys(before), ...Object.keys(after)])].sort()
  for (const name of names) compare(place.endsWith(' ') ? `${place}${name}` : `${place}.${name}`, member(before, name), member(after, name), lines, budget)
}

function member(object: JsonObject, name: string): Json | undefined {
  return Object.hasOwn(object, name) ? object[name] : undefined
}

function told(value: Json | undefined): string {
  return value === undefined ? 'nothing' : serialise(value)
}

function line(place: string, before: string, after: string): string {
  return `${clip(visible(place), 200)}: ${clip(visible(before), 150)} → ${clip(visible(after), 150)}`
}
