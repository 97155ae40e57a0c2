/** Says where in a file each problem stands. */
import { pathText, type FileProblem, type FileText } from './policy-files.ts'
import type { YamlReader } from './yaml-reader.ts'

export interface Unplaced { readonly path: readonly PropertyKey[], readonly message: string }

export async function placed({ file, text }: FileText, problems: readonly Unplaced[], yaml: YamlReader): Promise<readonly FileProblem[]> {
  const paths = problems.map(({ path }) => path.map((step) => typeof step === 'symbol' ? String(step) : step))
  const places = problems.length === 0 ? [] : await yaml.locate(text, paths)
  return problems.map(({ message }, at) => ({ file, line: 1, column: 1, ...places[at], path: pathText(paths[at] ?? []), message }))
}
