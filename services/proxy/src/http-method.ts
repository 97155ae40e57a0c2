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

const PLAIN_PATH = /^\/(?:[\w\-.~!$&'()*+,=:@%]+\/?)*$/
const AMBIGUOUS = /%(?:2f|5c|2e|00|25)|%(?![0-9a-f]{2})|\/\.{1,2}(?:\/|$)|\/\//i

/** The same encodings are refused that no two servers read alike; undefined: the path is plain. */
export function checkHttpPath(path: string): Refusal | undefined {
  if (PLAIN_PATH.test(path) && !AMBIGUOUS.test(path)) return undefined
  return refuse('REQUEST_AMBIGUOUS', 'The path can be read in more than one way (encoded separators, dot segments, empty segments or unusual characters). Nothing was sent; send the plain form.')
}

/** Decoded arguments of a query; undefined: one stands twice or does not decode. */
export function readQuery(query: string): Record<string, string> | undefined {
  const found: Record<string, string> = {}
  if (query === '') return found
  for (const pair of query.split('&')) {
    const [name = '', ...value] = pair.split('=')
    try {
      const key = decodeURIComponent(name.replaceAll('+', ' '))
      if (key === '' || Object.hasOwn(found, key)) return undefined
      found[key] = decodeURIComponent(value.join('=').replaceAll('+', ' '))
    } catch {
      // Not UTF-8 or not percent-encoding: the caller refuses.
      return undefined
    }
  }
  return found
}
