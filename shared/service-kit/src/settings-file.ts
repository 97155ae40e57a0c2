/** A settings file in YAML: read once, checked by its schema, every problem named at once with file, line and path. */
import { readFileSync } from 'node:fs'
import { isMap, isPair, isScalar, isSeq, LineCounter, parseDocument, type Document, type Node } from 'yaml'
import type { z } from 'zod'

export interface SettingsProblem {
  readonly file: string
  /** 1-based; 0: the file as a whole. */
  readonly line: number
  readonly path: string
  readonly message: string
}

export type SettingsResult<T> = { readonly value: T } | { readonly problems: readonly SettingsProblem[] }

export interface SettingsSource {
  readonly file: string
  /** What the file says, unchecked; undefined where it is no YAML. */
  readonly raw?: unknown
  /** The line of a path, for problems that later checks find. */
  locate(path: readonly PropertyKey[]): number
}

const MAX_BYTES = 4 * 1024 * 1024

export function readSettingsFile<S extends z.ZodType>(file: string, schema: S): { readonly result: SettingsResult<z.output<S>>, readonly source: SettingsSource } {
  const lines = new LineCounter()
  const whole = (message: string) => ({ result: { problems: [{ file, line: 0, path: '', message }] }, source: { file, locate: () => 0 } })
  let text: string
  try {
    text = readFileSync(file, 'utf8')
  } catch (error) {
    return whole(`cannot be read: ${(error as NodeJS.ErrnoException).code ?? (error as Error).message}`)
  }
  if (text.length > MAX_BYTES) return whole('is over 4 MiB')
  const document = parseDocument(text, { lineCounter: lines, uniqueKeys: true, strict: true, merge: false })
  const source: SettingsSource = { file, locate: (path) => lineOf(document, lines, path) }
  const syntax = [...document.errors, ...document.warnings].map(({ message, pos }) => ({ file, line: lines.linePos(pos[0]).line, path: '', message: message.split('\n')[0] ?? message }))
  if (syntax.length > 0) return { result: { problems: syntax }, source }
  let raw: unknown
  try {
    raw = document.toJS({ maxAliasCount: 100 }) ?? {}
  } catch (error) {
    // The parser throws for aliases that would grow without end.
    return whole((error as Error).message)
  }
  const parsed = schema.safeParse(raw)
  if (parsed.success) return { result: { value: parsed.data }, source: { ...source, raw } }
  return { result: { problems: parsed.error.issues.flatMap((issue) => problemsOf(issue, source)) }, source: { ...source, raw } }
}

export function formatProblems(problems: readonly SettingsProblem[]): string {
  return problems.map(({ file, line, path, message }) => `  ${file}${line === 0 ? '' : `:${line}`}${path === '' ? '' : ` ${path}`}: ${message}`).join('\n')
}

function problemsOf(issue: z.core.$ZodIssue, source: SettingsSource): SettingsProblem[] {
  const at = (path: readonly PropertyKey[], message: string): SettingsProblem => ({ file: source.file, line: source.locate(path), path: path.map(String).join('.'), message })
  if (issue.code === 'unrecognized_keys') return issue.keys.map((key) => at([...issue.path, key], 'is not known; look for a typing error'))
  return [at(issue.path, issue.message)]
}

/** The line of the deepest part of the path that the file has. */
function lineOf(document: Document, lines: LineCounter, path: readonly PropertyKey[]): number {
  let node: unknown = document.contents
  let offset = (node as Node | null)?.range?.[0] ?? 0
  for (const key of path) {
    if (isMap(node)) {
      const pair = node.items.find((item) => isPair(item) && isScalar(item.key) && item.key.value === key)
      if (pair === undefined) break
      offset = (pair.key as Node).range?.[0] ?? offset
      node = pair.value
    } else if (isSeq(node)) {
      node = node.items[Number(key)]
      offset = (node as Node | undefined)?.range?.[0] ?? offset
    } else break
  }
  return lines.linePos(offset).line
}
