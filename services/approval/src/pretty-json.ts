/** JSON for people: indented, every digit kept, nothing hidden, bounded. */
import { isRefusal } from '@lockkeeper/domain/errors'
import { JsonNumber, parseStrict, type Json, type JsonObject } from '@lockkeeper/domain/json'
import { visible } from './shown-text.ts'

export interface Pretty {
  readonly lines: readonly string[]
  /** What is left out, in words; undefined when everything is shown. */
  readonly cut?: string
}

/** A longer text is not parsed for display: that would hold up everything else in the process. */
const MAX_PARSED = 256 * 1024
const RAW_SHOWN = 50_000
const RAW_WIDTH = 1000
const MAX_LINE = 2000

/** At most `maxLines`, each at most 2,000 characters and a count. Text that is long, or no JSON, is shown as it is. */
export function prettyJson(text: string, maxLines: number): Pretty {
  if (text.length > MAX_PARSED) return rawText(text)
  const value = parseStrict(text)
  if (isRefusal(value)) return rawText(text)
  const page: PageOfLines = { lines: [], count: 0, max: maxLines, clipped: false }
  write(page, value, '', '', '')
  const left = page.count - page.lines.length
  const cut = left > 0 ? `${left} lines` : page.clipped ? 'the ends of long lines' : undefined
  return { lines: page.lines, ...cut === undefined ? {} : { cut } }
}

function rawText(text: string): Pretty {
  const shown = text.slice(0, RAW_SHOWN)
  const lines = Array.from({ length: Math.max(1, Math.ceil(shown.length / RAW_WIDTH)) }, (_, index) => visible(shown.slice(index * RAW_WIDTH, (index + 1) * RAW_WIDTH)))
  return { lines, ...text.length > RAW_SHOWN ? { cut: `${text.length - RAW_SHOWN} characters` } : {} }
}

interface PageOfLines { readonly lines: string[], count: number, readonly max: number, clipped: boolean }

function emit(page: PageOfLines, line: () => string): void {
  page.count += 1
  if (page.lines.length >= page.max) return
  const whole = line()
  page.clipped ||= whole.length > MAX_LINE
  page.lines.push(whole.length <= MAX_LINE ? whole : `${whole.slice(0, MAX_LINE)}… (${whole.length - MAX_LINE} more characters)`)
}

function write(page: PageOfLines, value: Json, indent: string, label: string, end: string): void {
  if (Array.isArray(value)) return nest(page, value.map((item): readonly [string, Json] => ['', item]), '[]', indent, label, end)
  if (value instanceof JsonNumber || value === null || typeof value !== 'object') return emit(page, () => `${indent}${label}${scalar(value as Scalar)}${end}`)
  nest(page, Object.entries(value as JsonObject), '{}', indent, label, end)
}

function nest(page: PageOfLines, items: readonly (readonly [string, Json])[], marks: '[]' | '{}', indent: string, label: string, end: string): void {
  if (items.length === 0) return emit(page, () => `${indent}${label}${marks}${end}`)
  emit(page, () => `${indent}${label}${marks[0]}`)
  for (const [index, [key, item]] of items.entries()) {
    write(page, item, `${indent}  `, marks === '[]' ? '' : `${visible(JSON.stringify(key))}: `, index < items.length - 1 ? ',' : '')
  }
  emit(page, () => `${indent}${marks[1]}${end}`)
}

type Scalar = null | boolean | string | JsonNumber
function scalar(value: Scalar): string {
  if (value instanceof JsonNumber) return value.text
  return typeof value === 'string' ? visible(JSON.stringify(value)) : String(value)
}
