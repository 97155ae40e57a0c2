/** A curl command line as data: what an agent would send, written as people write it in test cases. */

export interface CurlRequest {
  readonly verb: string
  readonly host: string
  /** As written, still encoded. */
  readonly path: string
  /** Without `?`. */
  readonly query: string
  readonly headers: Readonly<Record<string, string>>
  readonly body?: string
}

const IGNORED = new Set(['-s', '-S', '-sS', '-v', '-i', '-f', '-L', '-k', '--silent', '--show-error', '--verbose', '--include', '--fail', '--location', '--compressed', '--globoff', '-g'])
const DATA = new Set(['-d', '--data', '--data-raw', '--data-binary', '--data-ascii', '--json'])
const URL_PARTS = /^https?:\/\/([^/?#\s]+)(\/[^?#\s]*)?(?:\?([^#\s]*))?$/

export function parseCurl(line: string): CurlRequest | { readonly problem: string } {
  const words = shellWords(line)
  if (words === undefined) return { problem: 'a quote of the curl line does not end' }
  if (words[0] !== 'curl') return { problem: 'the line must begin with curl' }
  const given = { verb: undefined as string | undefined, url: undefined as string | undefined, data: [] as string[], headers: {} as Record<string, string> }
  for (let at = 1; at < words.length; at++) {
    const word = words[at] as string
    if (IGNORED.has(word)) continue
    const takesValue = word === '-X' || word === '--request' || word === '-H' || word === '--header' || word === '--url' || DATA.has(word)
    if (!takesValue && word.startsWith('-')) return { problem: `curl's option ${word} is not known here` }
    const value = takesValue ? words[++at] : word
    if (value === undefined) return { problem: `curl's option ${word} lacks its value` }
    const problem = takeWord(given, takesValue ? word : '--url', value)
    if (problem !== undefined) return { problem }
  }
  return requestOf(given)
}

interface Given { verb: string | undefined, url: string | undefined, readonly data: string[], readonly headers: Record<string, string> }

function takeWord(given: Given, option: string, value: string): string | undefined {
  if (option === '-X' || option === '--request') given.verb = value
  else if (option === '-H' || option === '--header') given.headers[value.slice(0, value.indexOf(':')).toLowerCase()] = value.slice(value.indexOf(':') + 1).trim()
  else if (DATA.has(option)) {
    if (value.startsWith('@')) return 'a body from a file is not read; write it out'
    given.data.push(value)
  } else if (given.url !== undefined) return 'the curl line names two addresses'
  else given.url = value
  return undefined
}

function requestOf({ verb, url, data, headers }: Given): CurlRequest | { readonly problem: string } {
  const [, host, path, query] = URL_PARTS.exec(url ?? '') ?? []
  if (host === undefined) return { problem: 'the curl line names no http(s) address' }
  return { verb: verb ?? (data.length > 0 ? 'POST' : 'GET'), host: host.toLowerCase(), path: path ?? '/', query: query ?? '', headers, ...(data.length > 0 ? { body: data.join('&') } : {}) }
}

/** Words as a POSIX shell splits them, without expansions. Undefined: a quote does not end. */
function shellWords(line: string): readonly string[] | undefined {
  const words: string[] = []
  let word: string | undefined
  let quote = ''
  for (let at = 0; at < line.length; at++) {
    const char = line[at] as string
    if (quote === "'") {
      if (char === "'") quote = ''
      else word += char
    } else if (char === '\\' && (quote === '' || /["\\$`\n]/.test(line[at + 1] ?? ''))) {
      at++
      if (line[at] !== '\n') word = (word ?? '') + (line[at] ?? '')
    } else if (quote === '"') {
      if (char === '"') quote = ''
      else word += char
    } else if (char === '"' || char === "'") {
      quote = char
      word ??= ''
    } else if (/\s/.test(char)) {
      if (word !== undefined) words.push(word)
      word = undefined
    } else word = (word ?? '') + char
  }
  if (quote !== '') return undefined
  return word === undefined ? words : [...words, word]
}
