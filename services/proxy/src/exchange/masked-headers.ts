/**
 * The headers of an answer that is masked. They tell of the content as its body does: an object's own metadata, a file's name, where
 * a redirect leads. So they are searched like text, and metadata, whose members have names that only a body shows, is left out
 * (invariant 9).
 */
import type { Masker } from '@lockkeeper/masking'

/** An object's custom metadata; in a JSON answer the same values stand under `metadata`, masked by name and by shape. */
const METADATA = 'x-goog-meta-'

/** Dates, counts and sums: nothing of a person's, and a number of many digits can look like a card's. */
const PLAIN = new Set(['date', 'last-modified', 'expires', 'age', 'content-length', 'etag', 'x-goog-generation', 'x-goog-metageneration', 'x-goog-hash', 'x-goog-stored-content-length'])

/** A link that was masked in the middle leads nowhere. */
const LINKS = new Set(['location', 'content-location', 'link'])

/** Raw pairs in, raw pairs out. `ownLocation`: the Location is of the gateway's own making (an upload session) and stays. */
export function maskedHeaders(pairs: readonly string[], masker: Masker, ownLocation: boolean): string[] {
  const kept: string[] = []
  for (let index = 0; index < pairs.length; index += 2) {
    const name = pairs[index] as string
    const value = pairs[index + 1] as string
    const lower = name.toLowerCase()
    if (lower.startsWith(METADATA)) continue
    if (PLAIN.has(lower) || (ownLocation && lower === 'location')) {
      kept.push(name, value)
      continue
    }
    const { text, masked } = masker.maskText(value)
    if (masked === 0 || !LINKS.has(lower)) kept.push(name, text)
  }
  return kept
}
