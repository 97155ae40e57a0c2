/**
 * The form that `terraform fmt` gives a file, as far as it goes without Terraform: indentation, equals signs in line, comments in line,
 * no tabs, no space at ends of lines, one newline at the end. Spaces inside expressions are not looked at; where `terraform` is
 * installed, check-terraform.ts asks `terraform fmt` as well. The rules are those of HCL's own formatter (hclwrite).
 */
import type { RepositoryFile } from '../checks/repository-files.ts'
import { readTokens, type Token } from './hcl-tokens.ts'

export function checkFormat({ file, text }: RepositoryFile): readonly string[] {
  const lines = text.split('\n')
  const tokens = readTokens(text)
  const inText = linesInsideHeredocs(tokens, text)
  const faults = lines.flatMap((line, index) => inText.has(index + 1) ? [] : [
    ...line.includes('\t') ? [`${file}:${index + 1} has a tab`] : [],
    ...line.trimEnd() === line ? [] : [`${file}:${index + 1} has spaces at its end`],
  ])
  return [
    ...faults,
    ...text.endsWith('\n') && !text.endsWith('\n\n') ? [] : [`${file}:${lines.length} does not end with one newline`],
    ...checkIndents(file, tokens),
    ...checkChains(file, tokens, lines),
  ]
}

/** Tokens of each line on which one begins, in order. */
function byLine(tokens: readonly Token[]): ReadonlyMap<number, readonly Token[]> {
  const lines = new Map<number, Token[]>()
  for (const token of tokens) {
    if (token.kind !== 'newline') lines.set(token.line, [...lines.get(token.line) ?? [], token])
  }
  return lines
}

function linesInsideHeredocs(tokens: readonly Token[], text: string): ReadonlySet<number> {
  const inside = new Set<number>()
  tokens.forEach((token, at) => {
    if (token.heredoc !== true) return
    const end = tokens[at + 1]?.line ?? text.split('\n').length
    for (let line = token.line + 1; line <= end; line += 1) inside.add(line)
  })
  return inside
}

function bracketsOf(tokens: readonly Token[]): number {
  return tokens.reduce((sum, { kind, text }) => kind !== 'mark' ? sum : '([{'.includes(text) ? sum + 1 : ')]}'.includes(text) ? sum - 1 : sum, 0)
}

/** A line that opens indents by one step, however many brackets it opens; what closes them takes it back. */
function checkIndents(file: string, tokens: readonly Token[]): readonly string[] {
  const open: number[] = []
  const faults: string[] = []
  let last = 0
  for (const [line, own] of byLine(tokens)) {
    const [first] = own as readonly [Token]
    let closed = -bracketsOf(own)
    while (closed > 0 && open.length > 0) {
      const innermost = open.pop() as number
      if (closed < innermost) open.push(innermost - closed)
      closed -= innermost
    }
    // What begins behind the end of a text of several lines has no indentation of its own.
    if (first.column !== 2 * open.length && line > last) faults.push(`${file}:${line} is indented by ${first.column} spaces, not ${2 * open.length}`)
    if (bracketsOf(own) > 0) open.push(bracketsOf(own))
    last = own.some(({ heredoc }) => heredoc) ? line + 1 : line
  }
  return faults
}

interface Assignment {
  readonly line: number
  /** Where what stands before the equals sign ends. */
  readonly lead: number
  readonly equals: number
}

/** Equals signs of neighbouring lines stand below each other, one space behind the longest name. */
function checkChains(file: string, tokens: readonly Token[], lines: readonly string[]): readonly string[] {
  const chains: Assignment[][] = []
  for (const [line, own] of byLine(tokens)) {
    const code = own.filter(({ kind }) => kind !== 'comment')
    const at = code.findIndex((token, index) => index > 0 && token.kind === 'mark' && token.text === '=')
    if (at < 0 || bracketsOf(code.slice(at)) !== 0 || code.some(({ heredoc }) => heredoc)) continue
    const equals = (code[at] as Token).column
    const assignment = { line, equals, lead: (lines[line - 1] ?? '').slice(0, equals).trimEnd().length }
    if (chains.at(-1)?.at(-1)?.line === line - 1) chains.at(-1)?.push(assignment)
    else chains.push([assignment])
  }
  return chains.flatMap((chain) => {
    const column = Math.max(...chain.map(({ lead }) => lead)) + 1
    return chain.filter(({ equals }) => equals !== column).map(({ line, equals }) => `${file}:${line} has its equals sign in column ${equals + 1}, not ${column + 1}`)
  })
}
