/** Reads `*.cases.yaml`. */
import { casesSchema, type PolicyCase } from '@lockkeeper/policy-engine'
import { placed } from './placed-problems.ts'
import type { FileProblem, FileText } from './policy-files.ts'
import type { YamlReader } from './yaml-reader.ts'

export interface CaseFile { readonly file: string, readonly cases: readonly { readonly line: number, readonly given: PolicyCase }[], readonly problems: readonly FileProblem[] }

export async function readCases({ file, text }: FileText, yaml: YamlReader): Promise<CaseFile> {
  const read = await yaml.read(text)
  if ('problems' in read) return { file, cases: [], problems: read.problems.map((problem) => ({ file, path: '', ...problem })) }
  const parsed = casesSchema.safeParse(read.value)
  if (!parsed.success) {
    return { file, cases: [], problems: await placed({ file, text }, parsed.error.issues, yaml) }
  }
  const places = await yaml.locate(text, parsed.data.cases.map((_, at) => ['cases', at]))
  return { file, problems: [], cases: parsed.data.cases.map((given, at) => ({ given, line: places[at]?.line ?? 1 })) }
}
