/** Blocks and arguments of a file, each with its line; what an argument says stays tokens. */
import { readTokens, type Token } from './hcl-tokens.ts'

export interface Argument {
  readonly name: string
  readonly line: number
  readonly value: readonly Token[]
}

export interface Block {
  readonly type: string
  readonly labels: readonly string[]
  readonly line: number
  readonly body: Body
}

export interface Body {
  readonly arguments: readonly Argument[]
  readonly blocks: readonly Block[]
}

export function readBody(source: string): Body {
  const tokens = readTokens(source).filter(({ kind }) => kind !== 'comment')
  const [body, end] = bodyFrom(tokens, 0)
  if (end < tokens.length) throw new SyntaxError(`line ${tokens[end]?.line ?? 0} has a brace too many`)
  return body
}

/** The body and the index of the brace that closes it. */
function bodyFrom(tokens: readonly Token[], start: number): readonly [Body, number] {
  const args: Argument[] = []
  const blocks: Block[] = []
  let at = start
  while (at < tokens.length && !isMark(tokens[at], '}')) {
    const token = tokens[at] as Token
    if (token.kind === 'newline') {
      at += 1
      continue
    }
    if (token.kind !== 'name') throw new SyntaxError(`line ${token.line} begins with ${token.text}`)
    if (isMark(tokens[at + 1], '=')) {
      const end = expressionEnd(tokens, at + 2)
      args.push({ name: token.text, line: token.line, value: tokens.slice(at + 2, end) })
      at = end
      continue
    }
    let open = at + 1
    while (tokens[open]?.kind === 'name' || tokens[open]?.kind === 'text') open += 1
    if (!isMark(tokens[open], '{')) throw new SyntaxError(`line ${token.line} is neither an argument nor a block`)
    const [body, end] = bodyFrom(tokens, open + 1)
    blocks.push({ type: token.text, labels: tokens.slice(at + 1, open).map(({ text }) => text), line: token.line, body })
    at = end + 1
  }
  return [{ arguments: args, blocks }, at]
}

function expressionEnd(tokens: readonly Token[], start: number): number {
  let depth = 0
  for (let at = start; at < tokens.length; at += 1) {
    const token = tokens[at] as Token
    if (token.kind === 'newline' && depth === 0) return at
    if (token.kind !== 'mark') continue
    if ('([{'.includes(token.text)) depth += 1
    if (')]}'.includes(token.text)) depth -= 1
    if (depth < 0) return at
  }
  return tokens.length
}

export function isMark(token: Token | undefined, text: string): boolean {
  return token?.kind === 'mark' && token.text === text
}

export function argumentOf(body: Body, name: string): Argument | undefined {
  return body.arguments.find((one) => one.name === name)
}

/** What an argument says where it is one text without interpolations or one word. */
export function literalOf(argument: Argument | undefined): string | undefined {
  const [token, more] = argument?.value ?? []
  return token === undefined || more !== undefined || (token.inside?.length ?? 0) > 0 ? undefined : token.text
}

/** All texts of an expression, also those inside interpolations. */
export function textsOf(tokens: readonly Token[]): readonly Token[] {
  return tokens.flatMap((token) => token.kind === 'text' ? [token, ...(token.inside ?? []).flatMap(textsOf)] : [])
}
