/** Files that a rule does not hold for, each with its reason, in scripts/exceptions.json. One that is needed no more is a fault too. */
import { readFileSync } from 'node:fs'
import { join } from 'node:path'

/** File → reason. */
export type Exempt = Readonly<Record<string, string>>

export interface Exceptions {
  /** Files with made-up credentials. */
  readonly samples: Exempt
  readonly words: Exempt
  readonly long: Exempt
}

export function readExceptions(root: string): Exceptions {
  return JSON.parse(readFileSync(join(root, 'scripts/exceptions.json'), 'utf8')) as Exceptions
}

export interface Finding {
  readonly file: string
  readonly message: string
}

/** Findings outside exempt files, and exemptions without a finding. */
export function withoutExempt(findings: readonly Finding[], exempt: Exempt, list: keyof Exceptions): readonly string[] {
  const used = new Set(findings.map(({ file }) => file))
  return [
    ...findings.filter(({ file }) => exempt[file] === undefined).map(({ message }) => message),
    ...Object.keys(exempt).filter((file) => !used.has(file)).map((file) => `scripts/exceptions.json: ${list} has ${file}, which needs no exception`),
  ]
}
