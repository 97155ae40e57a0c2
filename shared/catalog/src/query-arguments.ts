/**
 * Query arguments, each understood or refused. What is sent is rewritten from what was understood: Discovery's spelling of each
 * name, one way of encoding, the order received.
 */
import { refuse, isRefusal, type Refusal } from '@lockkeeper/domain/errors'
import { camelCase } from './field-names.ts'
import { decodeUtf8 } from './path-encoding.ts'

const MAX_QUERY = 16_384
const MAX_ARGUMENTS = 100

const PLAIN_QUERY = /^[\w.~!*'(),:@$&=/-]*$/
const VALID_QUERY = /^[\w.~!*'(),:@$&=/?+;%-]*$/
const CONTROL = /[\u0000-\u001f\u007f-\u009f]/

/** System arguments that every method takes, by each spelling of theirs; the value is the name in `arguments`. */
const STANDARD: ReadonlyMap<string, string> = new Map([
  ['alt', 'alt'], ['$alt', 'alt'], ['fields', 'fields'], ['$fields', 'fields'], ['prettyPrint', 'prettyPrint'], ['$prettyPrint', 'prettyPrint'],
  ['quotaUser', 'quotaUser'], ['userIp', 'userIp'], ['uploadType', 'uploadType'], ['$.xgafv', '$.xgafv'],
])
const VALUES: Readonly<Record<string, RegExp>> = {
  alt: /^(?:json|media|json;enum-encoding=int)$/,
  prettyPrint: /^(?:true|false)$/i,
  uploadType: /^(?:media|multipart|resumable)$/,
  '$.xgafv': /^[12]$/,
}
/** Arguments that would replace who asks, what is asked or how the answer is packed. */
const OVERRIDES: ReadonlySet<string> = new Set([
  '$httpMethod', '$httpHeaders', '$req', '$callback', '$key', '$apiKey', 'access_token', 'oauth_token', 'bearer_token', 'key', 'callback', 'upload_protocol',
])

export interface QueryRules {
  readonly declared: ReadonlyMap<string, boolean>
  /** `upload_id` names an upload session; taken at its PUTs only. */
  readonly session: boolean
}

/** Fills `arguments_` and answers with the query to send. A repeated argument's values are joined with a line feed, which no value can hold. */
export function readQuery(query: string, rules: QueryRules, arguments_: Record<string, string>): string | Refusal {
  if (query === '') return ''
  if (query.length > MAX_QUERY) return refuse('REQUEST_INVALID', `The query is longer than ${MAX_QUERY} characters.`)
  const plain = PLAIN_QUERY.test(query)
  if (!plain && !VALID_QUERY.test(query)) return refuse('REQUEST_INVALID', 'The query holds a character that must be percent-encoded.')
  const pairs = query.split('&')
  if (pairs.length > MAX_ARGUMENTS) return refuse('REQUEST_INVALID', `The query has more than ${MAX_ARGUMENTS} arguments.`)
  let canonical = ''
  for (const pair of pairs) {
    const sent = readPair(pair, plain, rules, arguments_)
    if (isRefusal(sent)) return sent
    canonical += canonical === '' ? sent : `&${sent}`
  }
  return canonical
}

function readPair(pair: string, plain: boolean, rules: QueryRules, arguments_: Record<string, string>): string | Refusal {
  const equals = pair.indexOf('=')
  if (equals < 1) return refuse('REQUEST_INVALID', 'The query has an argument without a name or without a value.')
  const name = plain ? pair.slice(0, equals) : decode(pair.slice(0, equals))
  const value = plain ? pair.slice(equals + 1) : decode(pair.slice(equals + 1))
  if (name === undefined || value === undefined) return refuse('REQUEST_AMBIGUOUS', 'The query is not valid UTF-8 once decoded, or holds a control character.')
  if (pair.includes(';') && STANDARD.get(name) !== 'alt') return refuse('REQUEST_AMBIGUOUS', 'The query holds a semicolon, which some readers take for a separator. Send it as %3B.')
  const known = nameOf(name, rules)
  if (isRefusal(known)) return known
  const before = arguments_[known]
  if (before !== undefined && rules.declared.get(known) !== true) return refuse('REQUEST_AMBIGUOUS', `The argument ${known} is given twice.`)
  if (VALUES[known]?.test(value) === false && !rules.declared.has(known)) return refuse('REQUEST_INVALID', `The argument ${known} has a value that is not understood.`)
  arguments_[known] = before === undefined ? value : `${before}\n${value}`
  const sentName = STANDARD.get(name) === known ? name : known
  return plain && sentName === name ? pair : `${encode(sentName)}=${encode(value)}`
}

function nameOf(name: string, rules: QueryRules): string | Refusal {
  if (rules.declared.has(name)) return name
  const standard = STANDARD.get(name)
  if (standard !== undefined) return standard
  if (rules.session && name === 'upload_id') return name
  if (OVERRIDES.has(name) || name.startsWith('$')) return refuse('REQUEST_AMBIGUOUS', `The argument ${shown(name)} is not taken: it would override the request or its credential.`)
  const camel = camelCase(name)
  if (rules.declared.has(camel)) return camel
  return refuse('REQUEST_INVALID', `The method has no argument ${shown(name)}.`)
}

function shown(name: string): string {
  return JSON.stringify(name.slice(0, 80))
}

/** `+` is a space in a query; that is how Google reads it, and `%20` is what is sent. */
function decode(raw: string): string | undefined {
  const value = decodeUtf8(raw.replaceAll('+', ' '))
  return value === undefined || CONTROL.test(value) ? undefined : value
}

function encode(value: string): string {
  return encodeURIComponent(value).replace(/%(?:2F|3A|2C|40|24)/g, (escape) => decodeURIComponent(escape))
}
