/** multipart/related as uploadType=multipart sends it: one JSON part with metadata, one part with content. */
import { invalid } from '../google-error.ts'
import { parseFields } from '../json-body.ts'
import type { Fields } from '../json-body.ts'

interface RelatedParts {
  readonly metadata: Fields
  readonly contentType: string | undefined
  readonly content: Buffer
}

/** gcloud quotes its boundary with single quotes, which are part of nobody's boundary. */
const BOUNDARY = /boundary=(?:"([^"]+)"|'([^']+)'|([^\s;]+))/i

export function parseRelated(contentType: string | undefined, body: Buffer): RelatedParts {
  const found = BOUNDARY.exec(contentType ?? '')
  const boundary = found?.[1] ?? found?.[2] ?? found?.[3]
  if (boundary === undefined || !/^multipart\/related/i.test(contentType ?? '')) throw invalid('Multipart uploads need a content type of multipart/related with a boundary.')
  const parts = splitParts(body, boundary)
  const [first, second] = parts
  if (first === undefined || second === undefined || parts.length !== 2) throw invalid(`Multipart must contain exactly 2 non-empty parts, found ${parts.length}.`)
  return { metadata: parseFields(first.content), contentType: second.headers.get('content-type'), content: second.content }
}

interface Part { readonly headers: ReadonlyMap<string, string>, readonly content: Buffer }

function splitParts(body: Buffer, boundary: string): readonly Part[] {
  const opening = Buffer.from(`--${boundary}`)
  const separator = Buffer.from(`\r\n--${boundary}`)
  const parts: Part[] = []
  let at = body.indexOf(opening)
  if (at < 0) throw invalid('Missing end boundary in multipart body.')
  at += opening.length
  while (body.subarray(at, at + 2).toString('latin1') !== '--') {
    const end = body.indexOf(separator, at)
    if (end < 0) throw invalid('Missing end boundary in multipart body.')
    parts.push(readPart(body.subarray(body.indexOf('\r\n', at) + 2, end)))
    at = end + separator.length
  }
  return parts
}

function readPart(part: Buffer): Part {
  const bare = part.subarray(0, 2).toString('latin1') === '\r\n'
  const blank = bare ? 0 : part.indexOf('\r\n\r\n')
  if (blank < 0) throw invalid('A part of the multipart body has no end of headers.')
  const lines = bare ? [] : part.subarray(0, blank).toString('latin1').split('\r\n')
  const headers = new Map(lines.map((line) => [line.slice(0, line.indexOf(':')).trim().toLowerCase(), line.slice(line.indexOf(':') + 1).trim()] as const))
  return { headers, content: part.subarray(blank + (bare ? 2 : 4)) }
}
