/** Whether what the API shows is what was sent. Pure and bounded. */
import type { CallBody } from '@lockkeeper/domain'
import { isJsonObject, JsonNumber, type Json } from '@lockkeeper/domain/json'

const MAX_DEPTH = 50

/** Everything that was sent stands there; what the API adds of its own does not matter. null takes a field away. */
export function holdsAll(sent: Json | undefined, shown: Json | undefined, depth = 0): boolean {
  if (depth > MAX_DEPTH) return false
  if (sent === undefined || sent === null) return shown === undefined || shown === null
  if (isJsonObject(sent)) return isJsonObject(shown) && Object.entries(sent).every(([name, value]) => holdsAll(value, Object.hasOwn(shown, name) ? shown[name] : undefined, depth + 1))
  if (Array.isArray(sent)) return Array.isArray(shown) && shown.length === sent.length && sent.every((value: Json, index) => holdsAll(value, shown[index] as Json, depth + 1))
  return scalar(sent) === scalar(shown)
}

/** Google writes 64-bit numbers as strings, whichever way they came (proto3 JSON). */
function scalar(value: Json | undefined): string | boolean | undefined {
  return value instanceof JsonNumber ? value.text : typeof value === 'string' || typeof value === 'boolean' ? value : undefined
}

/** The checksums of an upload, by the names that an object's metadata gives them. */
export function declaredSums({ checksum, metadata }: Extract<CallBody, { readonly kind: 'media' }>): readonly (readonly [name: 'crc32c' | 'md5Hash', sum: string])[] {
  const found: (readonly ['crc32c' | 'md5Hash', string])[] = []
  for (const name of ['crc32c', 'md5Hash'] as const) {
    const sum = metadata?.[name]
    if (typeof sum === 'string' && sum !== '') found.push([name, sum])
  }
  for (const part of checksum?.split(',') ?? []) {
    // `x-goog-hash: crc32c=…,md5=…`; Content-MD5 has no name.
    const [, name, sum = ''] = /^\s*(?:(crc32c|md5)=)?(\S+)\s*$/.exec(part) ?? []
    if (sum !== '') found.push([name === 'crc32c' ? 'crc32c' : 'md5Hash', sum])
  }
  return found
}
