/** Checksums that a client declares in a request header. */
import { invalid } from '../google-error.ts'
import type { Fields } from '../json-body.ts'

/** `x-goog-hash: crc32c=…,md5=…` of a request, as metadata to check against. */
export function declaredSums(header: string | readonly string[] | undefined): Fields {
  const sums: Record<string, string> = {}
  for (const part of String(header ?? '').split(',')) {
    const found = /^\s*(crc32c|md5)=([A-Za-z0-9+/=]+)\s*$/.exec(part)
    if (found === null && part.trim() !== '') throw invalid(`Invalid x-goog-hash: ${part.trim()}`)
    if (found !== null) sums[found[1] === 'md5' ? 'md5Hash' : 'crc32c'] = found[2]!
  }
  return sums
}
