/** Strict YAML: one document, no aliases, no unknown tags, no key twice; places in it by line and column. Pure. */
import { isNode, LineCounter, parseDocument } from 'yaml'

export interface Place { readonly line: number, readonly column: number }
export interface YamlProblem extends Place { readonly message: string }
export type Path = readonly (string | number)[]

export type YamlResult = { readonly value: unknown } | { readonly problems: readonly YamlProblem[] }

const MAX_PROBLEMS = 20

function parse(text: string) {
  const lines = new LineCounter()
  const document = parseDocument(text, { lineCounter: lines, prettyErrors: false, strict: true, uniqueKeys: true, stringKeys: true, version: '1.2' })
  const placeOf = (offset: number): Place => {
    const { line, col } = lines.linePos(offset)
    return { line: Math.max(line, 1), column: Math.max(col, 1) }
  }
  return { document, placeOf }
}

export function readYaml(text: string): YamlResult {
  const { document, placeOf } = parse(text)
  const faults = [...document.errors, ...document.warnings].slice(0, MAX_PROBLEMS)
  if (faults.length > 0) return { problems: faults.map(({ message, pos }) => ({ message, ...placeOf(pos[0]) })) }
  try {
    return { value: document.toJS({ maxAliasCount: 0 }) as unknown }
  } catch (error) {
    return { problems: [{ message: error instanceof ReferenceError ? 'aliases (*name) are not used in policies; write the value out' : 'the file cannot be read as plain data', line: 1, column: 1 }] }
  }
}

/** Where each path stands; a path that leads nowhere stands where its longest known part does. */
export function locate(text: string, paths: readonly Path[]): readonly Place[] {
  const { document, placeOf } = parse(text)
  return paths.map((path) => {
    for (let length = path.length; length > 0; length--) {
      const node = document.getIn(path.slice(0, length), true)
      if (isNode(node) && node.range) return placeOf(node.range[0])
    }
    return { line: 1, column: 1 }
  })
}
