/** Methods of targets that are no Google API: the verb is the method, the path the resource. */
import type { Method } from '@lockkeeper/domain'
import { refuse, type Refusal } from '@lockkeeper/domain/errors'
import { HTTP_METHODS } from '@lockkeeper/policy-engine'

/** The method of a verb; undefined verbs are not understood. */
export function httpMethod(host: string, verb: string): Method | Refusal {
  const method = HTTP_METHODS.find((one) => one.verb === verb)
  if (method === undefined) return refuse('METHOD_UNKNOWN', { message: `The verb ${verb.slice(0, 16)} is not known. Nothing was sent.` })
  return { ...method, host }
}

/** One way through any text: nested repetition would take time that doubles with every character. */
const PLAIN_PATH = /^\/(?:[\w\-.~!$&'()*+,=:@%]+(?:\/[\w\-.~!$&'()*+,=:@%]+)*\/?)?$/
/** Separators, escapes and controls in disguise, and characters that could have stood there plainly: a rule for `/admin` must not miss `/%61dmin`. */
const AMBIGUOUS = /%(?:2[def]|5[cf]|25|3[0-9b]|4[1-9a-f]|5[0-9a]|6[1-9a-f]|7[0-9aef]|[01][0-9a-f])|%(?![0-9a-f]{2})|\/\.{1,2}(?:\/|$)/i
const PLAIN_QUERY = /^[\w\-.~!$&'()*+,=:@%/?]*$/
const CONTROL = /[\u0000-\u001f\u007f]/

/** The same encodings are refused that no two servers read alike; undefined: the path is plain. */
export function checkHttpPath(path: string): Refusal | undefined {
  if (PLAIN_PATH.test(path) && !AMBIGUOUS.test(path) && decoded(path) !== undefined) return undefined
  return refuse('REQUEST_AMBIGUOUS', 'The path can be read in more than one way (encoded separators, dot segments, empty segments or unusual characters). Nothing was sent; send the plain form.')
}

/** Names that the gateway gives to what it derives itself; policies must be able to trust them. */
const RESERVED = /^(?:sql|header|access)\./

/** Decoded arguments of a query; undefined: one stands twice, does not decode, has a reserved name, or holds what readers split differently. */
export function readQuery(query: string): Record<string, string> | undefined {
  const found = Object.create(null) as Record<string, string>
  if (query === '') return found
  if (!PLAIN_QUERY.test(query)) return undefined
  for (const pair of query.split('&')) {
    const equals = pair.indexOf('=')
    const key = decoded((equals === -1 ? pair : pair.slice(0, equals)).replaceAll('+', ' '))
    const value = decoded((equals === -1 ? '' : pair.slice(equals + 1)).replaceAll('+', ' '))
    if (key === undefined || value === undefined || key === '' || RESERVED.test(key) || CONTROL.test(key + value) || key in found) return undefined
    found[key] = value
  }
  return found
}

/** Undefined for percent signs that encode nothing and for invalid or overlong UTF-8. */
function decoded(text: string): string | undefined {
  try {
    return decodeURIComponent(text)
  } catch {
    // URIError is all that decoding throws: the caller refuses.
    return undefined
  }
}
