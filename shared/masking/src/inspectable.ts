import type { MaskPlan } from '@lockkeeper/domain'

const TOKEN = '[!#$%&\'*+.^_`|~0-9a-z-]+'
const CONTENT_TYPE = new RegExp(`^(${TOKEN}/${TOKEN})((?:[ \\t]{0,8};[ \\t]{0,8}${TOKEN}=(?:${TOKEN}|"[^"\\\\]{0,200}"))*)[ \\t]{0,8};?$`)

/** Text with no structure that a field path could mean. */
const FLAT_TEXT = new Set(['text/plain', 'text/csv', 'text/tab-separated-values'])
/** Text whose parts have names: inspected as text, but field paths would not be honoured everywhere. */
const NAMED_TEXT = new Set(['application/x-ndjson', 'application/ndjson', 'application/jsonl', 'application/json-seq', 'application/xml', 'application/yaml', 'application/x-yaml', 'application/javascript'])

/**
 * How an answer with these headers is inspected: as one JSON document, as text, or not at all (`no`: what must be masked is
 * refused). Only UTF-8 in identity encoding is read. With a plan that names fields, text in which they could occur under
 * another syntax (one JSON document a line, server-sent events, XML, HTML) is `no`.
 */
export function canInspect(contentType: string | undefined, contentEncoding: string | undefined, plan?: Pick<MaskPlan, 'fields'>): 'json' | 'text' | 'no' {
  if (contentEncoding !== undefined && !['', 'identity'].includes(contentEncoding.trim().toLowerCase())) return 'no'
  if (contentType === undefined || contentType.length > 512) return 'no'
  const named = plan === undefined || plan.fields.length === 0
  const known = named ? seen.get(contentType) : undefined
  if (known !== undefined) return known
  const found = inspectable(contentType, named)
  if (named && seen.size < MAX_SEEN) seen.set(contentType, found)
  return found
}

/** Answers name a handful of types over and over. */
const seen = new Map<string, 'json' | 'text' | 'no'>()
const MAX_SEEN = 256

function inspectable(contentType: string, allowed: boolean): 'json' | 'text' | 'no' {
  const match = CONTENT_TYPE.exec(contentType.trim().toLowerCase())
  if (match === null || !isUtf8Charset(match[2] ?? '')) return 'no'
  const type = match[1] ?? ''
  if (type === 'application/json' || type === 'text/json' || type.endsWith('+json')) return 'json'
  if (FLAT_TEXT.has(type)) return 'text'
  const isNamed = type.startsWith('text/') || NAMED_TEXT.has(type) || type.endsWith('+xml') || type.endsWith('+yaml')
  return isNamed && allowed ? 'text' : 'no'
}

function isUtf8Charset(parameters: string): boolean {
  const charsets = [...parameters.matchAll(/;[ \t]*charset=("?)([^";]*)\1/g)].map(match => (match[2] ?? '').trim())
  return charsets.length <= 1 && charsets.every(charset => ['utf-8', 'utf8', 'us-ascii'].includes(charset))
}
