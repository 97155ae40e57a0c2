/** The folder of policies: what is read of it, and what is wrong with it before any rule is looked at. */
import { readdir, readFile, stat } from 'node:fs/promises'
import { join } from 'node:path'
import { createHash } from 'node:crypto'

export interface FileText { readonly file: string, readonly text: string }

/** A problem or warning for a person: `file:line:column: path: message`. */
export interface FileProblem {
  readonly file: string
  readonly line: number
  readonly column: number
  /** `rules[3].when`; empty: the whole file. */
  readonly path: string
  readonly message: string
}

/** A whole set, as a folder holds it or somebody pushes it. */
export interface SetTexts {
  readonly policies: readonly FileText[]
  /** `*.cases.yaml`. */
  readonly cases: readonly FileText[]
  /** `targets.yaml`, where the set has one. */
  readonly targets?: FileText
  readonly problems: readonly FileProblem[]
}

export interface FolderTexts extends SetTexts {
  /** Same digest, same files. */
  readonly digest: string
}

const MAX_FILES = 1_000
const MAX_FILE_BYTES = 16 * 1024 * 1024
/** Half of what a bundle may have: as JSON the same rules are a little longer. */
const MAX_TOTAL_BYTES = 32 * 1024 * 1024
const YAML = /\.ya?ml$/
const CASES = /\.cases\.ya?ml$/
const TARGETS = /^targets\.ya?ml$/

export const wholeFile = (file: string, message: string): FileProblem => ({ file, line: 1, column: 1, path: '', message })

/** Reads `*.yaml` and `*.yml` of one folder, not of folders in it. A folder or file that cannot be read is a problem, never a throw. */
export async function readFolder(directory: string): Promise<FolderTexts> {
  const problems: FileProblem[] = []
  const texts: FileText[] = []
  let left = MAX_TOTAL_BYTES
  for (const file of await namesIn(directory, problems)) {
    const text = await readText(directory, file, left, problems)
    if (text === undefined) continue
    left -= text.length
    texts.push({ file, text })
  }
  const set = sortTexts(texts)
  if (set.policies.length === 0 && problems.length === 0) problems.push(wholeFile(directory, 'the folder holds no policy (*.yaml)'))
  const digest = digestOf(texts, problems)
  return { ...set, problems: [...problems, ...set.problems], digest }
}

/** Which file is what, by its name. */
export function sortTexts(texts: readonly FileText[]): SetTexts {
  const [targets, second] = texts.filter(({ file }) => TARGETS.test(file))
  return {
    policies: texts.filter(({ file }) => !CASES.test(file) && !TARGETS.test(file)), cases: texts.filter(({ file }) => CASES.test(file)),
    ...(targets === undefined ? {} : { targets }),
    problems: second === undefined ? [] : [wholeFile(second.file, `${targets?.file ?? ''} stands beside it: keep one`)],
  }
}

const NAME = /^[A-Za-z0-9][\w.-]{0,200}\.ya?ml$/

/** The files of a set that did not come from a folder, in order of their names. */
export function namedTexts(files: Readonly<Record<string, string>>): SetTexts & { readonly texts: readonly FileText[] } {
  const texts = Object.entries(files).map(([file, text]) => ({ file, text })).sort((left, right) => left.file < right.file ? -1 : 1)
  const problems = texts.filter(({ file }) => !NAME.test(file)).map(({ file }) => wholeFile(file.slice(0, 255), 'the name must be letters, digits, dots, dashes and underscores, and end with .yaml'))
  const set = sortTexts(texts)
  if (set.policies.length === 0) problems.push(wholeFile('the set', 'holds no policy (*.yaml)'))
  return { ...set, texts, problems: [...problems, ...set.problems] }
}

/** Each part with its length before it, so that no two folders read the same. */
function digestOf(texts: readonly FileText[], problems: readonly FileProblem[]): string {
  const digest = createHash('sha256')
  for (const { file, text } of texts) digest.update(`${file.length} ${file} ${text.length} `).update(text)
  return digest.update(JSON.stringify(problems)).digest('hex')
}

async function namesIn(directory: string, problems: FileProblem[]): Promise<readonly string[]> {
  try {
    const names = (await readdir(directory)).filter((name) => !name.startsWith('.')).sort()
    if (names.length > MAX_FILES) problems.push(wholeFile(directory, `the folder holds more than ${MAX_FILES} files`))
    return names.slice(0, MAX_FILES)
  } catch (error) {
    problems.push(wholeFile(directory, `the folder cannot be read (${codeOf(error)})`))
    return []
  }
}

async function readText(directory: string, file: string, left: number, problems: FileProblem[]): Promise<string | undefined> {
  try {
    const path = join(directory, file)
    const found = await stat(path)
    if (found.isDirectory()) {
      if ((await readdir(path)).some((name) => YAML.test(name))) problems.push(wholeFile(file, 'policies in folders within the folder are not read; move them up'))
      return undefined
    }
    if (!YAML.test(file)) return undefined
    if (found.size > Math.min(MAX_FILE_BYTES, left)) {
      problems.push(wholeFile(file, `the file is over ${MAX_FILE_BYTES / 1024 / 1024} MiB, or all files together over ${MAX_TOTAL_BYTES / 1024 / 1024} MiB`))
      return undefined
    }
    return new TextDecoder('utf-8', { fatal: true }).decode(await readFile(path))
  } catch (error) {
    problems.push(wholeFile(file, error instanceof TypeError ? 'the file is not UTF-8' : `the file cannot be read (${codeOf(error)})`))
    return undefined
  }
}

function codeOf(error: unknown): string {
  return String((error as { code?: unknown }).code ?? 'unknown error')
}

export function pathText(path: readonly (string | number)[]): string {
  return path.reduce<string>((text, step) => typeof step === 'number' ? `${text}[${step}]` : text === '' ? step : `${text}.${step}`, '')
}

/** One line for a terminal or a log. */
export function formatProblem({ file, line, column, path, message }: FileProblem): string {
  return `${file}:${line}:${column}: ${path === '' ? '' : `${path}: `}${message}`
}
