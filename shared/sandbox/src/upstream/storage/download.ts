/** alt=media and /download: whole or by one range, with the checksum headers that clients verify. */
import { GoogleError } from '../google-error.ts'
import type { Answer, Exchange } from '../routes.ts'
import { etagOf } from './resources.ts'
import type { StoredObject } from './state.ts'

export function download(object: StoredObject, { headers }: Exchange): Answer {
  const size = object.content.length
  const common: Record<string, string> = {
    'content-type': typeof object.chosen.contentType === 'string' ? object.chosen.contentType : 'application/octet-stream',
    ...(typeof object.chosen.contentEncoding === 'string' ? { 'content-encoding': object.chosen.contentEncoding } : {}),
    'content-disposition': 'attachment',
    etag: etagOf(object.generation, object.metageneration),
    'accept-ranges': 'bytes',
    'x-goog-generation': String(object.generation),
    'x-goog-metageneration': String(object.metageneration),
    'x-goog-storage-class': 'STANDARD',
    'x-goog-stored-content-encoding': 'identity',
    'x-goog-stored-content-length': String(size),
    'x-goog-hash': `crc32c=${object.crc32c}${object.md5Hash === undefined ? '' : `,md5=${object.md5Hash}`}`,
    'last-modified': new Date(object.updated).toUTCString(),
  }
  const range = rangeOf(headers.range, size)
  if (range === undefined) return { headers: common, bytes: object.content }
  if (range === 'unsatisfiable') throw new GoogleError(416, 'requestedRangeNotSatisfiable', 'Request range not satisfiable', { headers: { 'content-range': `bytes */${size}` } })
  return { status: 206, headers: { ...common, 'content-range': `bytes ${range.start}-${range.end}/${size}` }, bytes: object.content.subarray(range.start, range.end + 1) }
}

/** RFC 9110 section 14: one byte range; anything else is ignored and the whole is sent. */
function rangeOf(header: string | undefined, size: number): { readonly start: number, readonly end: number } | 'unsatisfiable' | undefined {
  const found = /^bytes=(\d*)-(\d*)$/.exec(header?.trim() ?? '')
  if (found === null || (found[1] === '' && found[2] === '')) return undefined
  const [first, last] = [found[1] ?? '', found[2] ?? '']
  const start = first === '' ? Math.max(0, size - Number(last)) : Number(first)
  const end = first === '' || last === '' ? size - 1 : Math.min(Number(last), size - 1)
  if (first !== '' && last !== '' && Number(last) < Number(first)) return undefined
  return start > end || start >= size ? 'unsatisfiable' : { start, end }
}
