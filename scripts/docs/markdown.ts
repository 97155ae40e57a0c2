/** What the checks of the docs need of a page: links, anchors, fenced blocks, code in lines. GitHub's dialect, as far as these pages use it. */

export interface Link {
  readonly target: string
  readonly line: number
}

export interface Fence {
  /** `sh`, `console`, … */
  readonly language: string
  readonly text: string
  /** Of the first line inside. */
  readonly line: number
  /** Of a comment `<!-- runs -->` on the line above: a test runs what the block says. */
  readonly runs: Runs | undefined
  /** Of a comment `<!-- not run: WHY -->` on the line above, or `<!-- not run on this page: WHY -->` anywhere before: why no test runs it. */
  readonly notRun: string | undefined
}

export interface Runs {
  /** `<!-- runs in the sandbox -->`: while a sandbox is up. */
  readonly sandbox: boolean
  /** `<!-- runs, without: word word -->`: commands with one of these words are left out. */
  readonly without: readonly string[]
}

export interface Page {
  readonly links: readonly Link[]
  readonly anchors: ReadonlySet<string>
  readonly fences: readonly Fence[]
  readonly spans: readonly { readonly code: string, readonly line: number }[]
}

const CODE = /(`+)([^`](?:.*?[^`])?)\1(?!`)/g

export function readPage(text: string): Page {
  const links: Link[] = []
  const headings: string[] = []
  const fences: Fence[] = []
  const spans: { code: string, line: number }[] = []
  let open: { mark: string, indent: number, language: string, line: number, runs: Runs | undefined, notRun: string | undefined, text: string[] } | undefined
  let wholePage: string | undefined
  const lines = text.split('\n')
  lines.forEach((line, index) => {
    const fence = /^( *)(`{3,}|~{3,}) *(\w*)/.exec(line)
    if (open !== undefined) {
      if (fence?.[2]?.startsWith(open.mark) === true && fence[3] === '') {
        fences.push({ language: open.language, text: open.text.join('\n'), line: open.line, runs: open.runs, notRun: open.notRun })
        open = undefined
      } else open.text.push(line.slice(open.indent))
      return
    }
    if (fence !== null) {
      const above = lines[index - 1] ?? ''
      const runs = readRuns(above)
      const notRun = /^ *<!-- not run: (.+) -->$/.exec(above)?.[1] ?? (runs === undefined ? wholePage : undefined)
      open = { mark: fence[2] as string, indent: fence[1]?.length ?? 0, language: fence[3] ?? '', line: index + 2, runs, notRun, text: [] }
      return
    }
    wholePage ??= /^<!-- not run on this page: (.+) -->$/.exec(line)?.[1]
    for (const [, , code] of line.matchAll(CODE)) spans.push({ code: (code as string).trim(), line: index + 1 })
    const prose = line.replaceAll(CODE, (code) => 'x'.repeat(code.length))
    const heading = /^#{1,6} +(\S.*)/.exec(line)?.[1]
    if (heading !== undefined) headings.push(heading)
    for (const [, target] of prose.matchAll(/\]\(<?([^)>\s]+)>?(?: +"[^"]*")?\)/g)) links.push({ target: target as string, line: index + 1 })
    for (const [, target] of prose.matchAll(/^\[[^\]]+\]: *(\S+)/g)) links.push({ target: target as string, line: index + 1 })
  })
  return { links, anchors: anchorsOf(headings), fences, spans }
}

function readRuns(line: string): Runs | undefined {
  const found = /^ *<!-- runs( in the sandbox)?(?:, without: ([^>]+))? -->$/.exec(line)
  return found === null ? undefined : { sandbox: found[1] !== undefined, without: found[2]?.split(' ') ?? [] }
}

/** As GitHub makes them: small letters, no punctuation, dashes for spaces, a number behind the second of a name. */
function anchorsOf(headings: readonly string[]): ReadonlySet<string> {
  const counts = new Map<string, number>()
  return new Set(headings.map((heading) => {
    const plain = heading.replaceAll(/\[([^\]]*)\]\([^)]*\)/g, '$1').replaceAll(/[`*]/g, '')
    const name = plain.trim().toLowerCase().replaceAll(/[^\p{L}\p{N}\p{M} _-]/gu, '').replaceAll(' ', '-')
    const before = counts.get(name) ?? 0
    counts.set(name, before + 1)
    return before === 0 ? name : `${name}-${before}`
  }))
}
