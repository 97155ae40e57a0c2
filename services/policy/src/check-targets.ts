/** What is wrong with a targets.yaml. */
import type { Mode } from '@lockkeeper/domain'
import { repeatedNames, targetProblems, targetsDocumentSchema, type TargetsDocument } from '@lockkeeper/policy-engine'
import { placed } from './placed-problems.ts'
import { wholeFile, type FileProblem, type FileText } from './policy-files.ts'
import { createYamlReader, type YamlReader } from './yaml-reader.ts'

export interface CheckedTargets {
  readonly problems: readonly FileProblem[]
  /** As written; undefined where there are problems. */
  readonly document?: TargetsDocument
}

/** Without a mode only the form is checked. */
export async function checkTargets({ file, text }: FileText, { mode, yaml = createYamlReader() }: { readonly mode?: Mode, readonly yaml?: YamlReader }): Promise<CheckedTargets> {
  const read = await yaml.read(text)
  if ('problems' in read) return { problems: read.problems.map((problem) => ({ file, path: '', ...problem })) }
  const parsed = targetsDocumentSchema.safeParse(read.value)
  if (!parsed.success) return { problems: await placed({ file, text }, parsed.error.issues, yaml) }
  const { targets } = parsed.data
  const found = mode === undefined ? repeatedNames(targets) : targetProblems(targets, mode)
  if (found.length > 0) return { problems: await placed({ file, text }, found.map(({ path, message }) => ({ path: ['targets', ...path], message })), yaml) }
  return { problems: [], document: read.value as TargetsDocument }
}

/** What a set must have or must not have here: see `targets` in the service's settings. */
export function presenceProblems(rule: 'required' | 'refused' | 'optional', targets: FileText | undefined): readonly FileProblem[] {
  if (rule === 'required' && targets === undefined) return [wholeFile('targets.yaml', 'is not there, and this gateway takes its targets from it')]
  if (rule === 'refused' && targets !== undefined) return [wholeFile(targets.file, 'targets stand in this gateway\'s own configuration already: keep them in one place')]
  return []
}
