/** JSON for people: indented, every digit kept, nothing hidden, bounded. */
import { isRefusal } from '@lockkeeper/domain/errors'
import { JsonNumber, parseStrict, type Json, type JsonObject } from '@lockkeeper/domain/json'
import { visible } from './shown-text.ts'

export interface Pretty {
  readonly lines: readonly string[]
  /** Lines that are not shown. */
  readonly cut: number
}

/** At most `maxLines`, each at most 2,000 characters. Text that is no JSON is shown as it is. */
export function prettyJson(text: string, maxLines: number): Pretty {
  const value = parseStrict(text)
  const lines = isRefusal(value) ? visible(text).split('\n') : linesOf(value, '', '')
  const shown = lines.slice(0, maxLines).map((line) => line.length <= 2000 ? line : `${line.slice(0, 2000)}… (${line.length - 2000} more characters)`)
  return { lines: shown, cut: lines.length - shown.length }
}

function linesOf(value: Json, indent: string, label: string): string[] {
  if (Array.isArray(value)) return nest(value.map((item): readonly [string, Json] => ['', item]), '[', ']', indent, label)
  if (value instanceof JsonNumber || value === null || typeof value !== 'object') return [`${indent}${label}${scalar(value as Scalar)}`]
  const members = Object.entries(value as JsonObject).map(([key, item]): readonly [string, Json] => [`${visible(JSON.stringify(key))}: `, item])
  return nest(members, '{', '}', indent, label)
}

function nest(items: readonly (readonly [string, Json])[], open: string, close: string, indent: string, label: string): string[] {
  if (items.length === 0) return [`${indent}${label}${open}${close}`]
  const inner = items.flatMap(([name, item], index) => {
    const lines = linesOf(item, `${indent}  `, name)
    if (index < items.length - 1) lines.push(`${lines.pop() ?? ''},`)
    return lines
  })
  return [`${indent}${label}${open}`, ...inner, `${indent}${close}`]
}

type Scalar = null | boolean | string | JsonNumber
function scalar(value: Scalar): string {
  if (value instanceof JsonNumber) return value.text
  return typeof value === 'string' ? visible(JSON.stringify(value)) : String(value)
}
