/**
 * Paths that can be read in one way only. Outside object names an encoded character may not be one that separates, escapes or
 * could have stood there plainly: two readers of such a path need not agree on what it names.
 */
import { refuse, type Refusal } from '@lockkeeper/domain/errors'

/** Google takes no longer request line than 16 KiB; the longest object name is 3 KiB when encoded. */
const MAX_PATH = 8192
export const MAX_SEGMENTS = 64
/** Bytes of an object name (Cloud Storage's own limit). */
const MAX_OBJECT_NAME = 1024

/** Unreserved and harmless characters only, no empty and no dot segment: nothing more need be looked at. */
const PLAIN_PATH = /^(?:\/[\w~!*'(),:@$&=+-][\w~!*'(),:@$&=+.-]*)+$/
const VALID_PATH = /^(?:\/(?:[\w~!*'(),:@$&=+.-]|%[0-9A-Fa-f]{2})+)+$/
/** Letters, digits, `-`, `.` and `_` need no encoding. `~` is left out: older clients encode it. */
const NEEDLESS = /%(?:2[DE]|3\d|4[1-9A-F]|5[0-9A]|5F|6[1-9A-F]|7[0-9A])/i
const CONTROL = /[\u0000-\u001f\u007f-\u009f]/
const SEPARATOR = /[/\\?#%;]/

export function isPlainPath(path: string): boolean {
  return path.length <= MAX_PATH && PLAIN_PATH.test(path)
}

/** Undefined: the path is well formed, segment by segment still to be decoded. */
export function checkPath(path: string): Refusal | undefined {
  if (path.length > MAX_PATH) return refuse('REQUEST_INVALID', `The path is longer than ${MAX_PATH} characters.`)
  if (!path.startsWith('/')) return refuse('REQUEST_INVALID', 'The path does not begin with a slash.')
  if (CONTROL.test(path)) return refuse('REQUEST_INVALID', 'The path holds a control character.')
  if (path.includes('\\')) return refuse('REQUEST_AMBIGUOUS', 'The path holds a backslash.')
  if (path.includes(';')) return refuse('REQUEST_AMBIGUOUS', 'The path holds a semicolon. Send it as %3B in an object name; nothing else takes one.')
  if (path.includes('//') || path.endsWith('/')) return refuse('REQUEST_AMBIGUOUS', 'The path has an empty segment.')
  if (/\/\.{1,2}(?:\/|$)/.test(path)) return refuse('REQUEST_AMBIGUOUS', 'The path has a dot segment.')
  if (!VALID_PATH.test(path)) return refuse('REQUEST_INVALID', 'The path holds a character that must be percent-encoded, or a percent sign that encodes nothing.')
  return undefined
}

/** Decodes one segment that names something; `object` for object and folder names, which may hold everything but control characters. */
export function decodeSegment(raw: string, object: boolean): string | Refusal {
  const value = decodeUtf8(raw)
  if (value === undefined) return refuse('REQUEST_AMBIGUOUS', 'The path is not valid UTF-8 once decoded.')
  if (CONTROL.test(value)) return refuse('REQUEST_AMBIGUOUS', 'The path holds an encoded control character.')
  if (object) return checkObjectName(value)
  if (SEPARATOR.test(value)) return refuse('REQUEST_AMBIGUOUS', 'The path holds an encoded separator outside an object name, or is encoded twice.')
  if (NEEDLESS.test(raw)) return refuse('REQUEST_AMBIGUOUS', 'The path encodes a character that needs no encoding.')
  return value
}

/** Refuses what Cloud Storage does not take or what a cache between could normalise. */
export function checkObjectName(value: string): string | Refusal {
  if (Buffer.byteLength(value) > MAX_OBJECT_NAME) return refuse('REQUEST_INVALID', `The object name is longer than ${MAX_OBJECT_NAME} bytes.`)
  if (/(?:^|\/)\.{1,2}(?:\/|$)/.test(value)) return refuse('REQUEST_AMBIGUOUS', 'The object name has a dot segment.')
  return value
}

/** Undefined for invalid or overlong UTF-8. */
export function decodeUtf8(raw: string): string | undefined {
  if (!raw.includes('%')) return raw
  try {
    return decodeURIComponent(raw)
  } catch (error) {
    if (error instanceof URIError) return undefined
    throw error
  }
}
