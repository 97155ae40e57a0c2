/** Checks policies as a whole: form, words, methods, conditions, and what is sound but will surprise. */
import type { Clock, MaskPlan, Method, Mode } from '@lockkeeper/domain'
import { compile, maskedGetters, type Policy, type PolicyDocument, type Problem, type TargetsDocument } from '@lockkeeper/policy-engine'
import { checkTargets } from './check-targets.ts'
import { pathText, readFolder, wholeFile, type FileProblem, type FileText, type SetTexts } from './policy-files.ts'
import { createYamlReader, type YamlReader } from './yaml-reader.ts'
import type { Path } from './yaml-source.ts'

export interface CheckOptions {
  /** The catalog's methods, all of them. */
  readonly methods: readonly Method[]
  /** The masking package's `maskProblems`. Default: masks are not checked. */
  readonly maskProblems?: (plan: MaskPlan) => readonly string[]
  readonly yaml?: YamlReader
  readonly clock?: Clock
  /** What targets must fit. Default: their form alone is checked. */
  readonly mode?: Mode
  /** Version that decisions of the compiled policy carry. Default `unpublished`. */
  readonly bundle?: string
}

export interface Checked {
  readonly problems: readonly FileProblem[]
  readonly warnings: readonly FileProblem[]
  /** Sorted by name; empty where there are problems. */
  readonly documents: readonly PolicyDocument[]
  /** Undefined where there are problems. */
  readonly policy?: Policy
  /** Of targets.yaml; undefined without it and where there are problems. */
  readonly targets?: TargetsDocument
}

/** What `policy check` does. */
export async function checkFolder(directory: string, options: CheckOptions): Promise<Checked> {
  return checkSet(await readFolder(directory), options)
}

/** Policies and targets of one set. */
export async function checkSet(texts: SetTexts, options: CheckOptions): Promise<Checked> {
  const checked = await checkFiles(texts.policies, options)
  const targets = texts.targets === undefined ? undefined : await checkTargets(texts.targets, options)
  const problems = [...texts.problems, ...checked.problems, ...targets?.problems ?? []]
  if (problems.length > 0) return { problems, warnings: [], documents: [] }
  return targets?.document === undefined ? checked : { ...checked, targets: targets.document }
}

/** Policies alone, for texts that are in no folder. */
export async function checkFiles(files: readonly FileText[], options: CheckOptions): Promise<Checked> {
  const yaml = options.yaml ?? createYamlReader()
  const broken: FileProblem[] = []
  const read: { readonly source: FileText, readonly document: PolicyDocument }[] = []
  for (const source of files) {
    const result = await yaml.read(source.text)
    if ('value' in result) read.push({ source, document: result.value as PolicyDocument })
    else broken.push(...result.problems.map((problem) => ({ file: source.file, path: '', ...problem })))
  }
  const documents = read.map(({ document }) => document)
  const { methods, maskProblems, clock } = options
  const compiled = await compile(documents, methods, { bundle: options.bundle ?? 'unpublished', ...(maskProblems === undefined ? {} : { maskProblems }), ...(clock === undefined ? {} : { clock }) })
  if ('problems' in compiled || broken.length > 0) {
    const placed = 'problems' in compiled ? await placeProblems(compiled.problems, read.map(({ source }) => source), yaml) : []
    return { problems: [...broken, ...placed], warnings: [], documents: [] }
  }
  const sorted = documents.toSorted((left, right) => left.metadata.name < right.metadata.name ? -1 : 1)
  return { problems: [], warnings: await maskWarnings(read, methods, yaml), documents: sorted, policy: compiled.policy }
}

async function placeProblems(problems: readonly Problem[], sources: readonly FileText[], yaml: YamlReader): Promise<readonly FileProblem[]> {
  const placed: FileProblem[] = []
  for (const [input, source] of sources.entries()) {
    const own = problems.filter((problem) => problem.input === input)
    const places = own.length === 0 ? [] : await yaml.locate(source.text, own.map(({ path }) => path))
    own.forEach(({ path, message }, at) => placed.push({ file: source.file, line: 1, column: 1, ...places[at], path: pathText(path), message }))
  }
  return placed
}

/** One warning for each rule that masks getters, with a few of the pairs. */
async function maskWarnings(read: readonly { readonly source: FileText, readonly document: PolicyDocument }[], methods: readonly Method[], yaml: YamlReader): Promise<readonly FileProblem[]> {
  const warnings: FileProblem[] = []
  for (const { source, document } of read) {
    const byRule = Map.groupBy(maskedGetters([document], methods), ({ rule }) => rule)
    for (const [rule, pairs] of byRule) {
      const path: Path = ['rules', document.rules.findIndex(({ name }) => name === rule), 'methods']
      const [place] = await yaml.locate(source.text, [path])
      const [{ getter, setter }] = pairs as [typeof pairs[number]]
      const more = pairs.length === 1 ? '' : ` (and ${pairs.length - 1} more pairs)`
      warnings.push({ ...wholeFile(source.file, `masks what ${getter} reads, while ${setter} may be called${more}: writing a masked value back is refused`), ...place, path: pathText(path) })
    }
  }
  return warnings
}
