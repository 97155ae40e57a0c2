/** The files of terraform/ as modules: one for each folder, and the tests and values beside them. */
import { posix } from 'node:path'
import type { RepositoryFile } from '../checks/repository-files.ts'
import { argumentOf, literalOf, readBody, type Block, type Body } from './hcl-blocks.ts'
import { parseHcl } from './parse-hcl.ts'

/** A block of a module's top, with its file. */
export interface Placed extends Block {
  readonly file: string
}

export interface Module {
  readonly folder: string
  readonly blocks: readonly Placed[]
}

export interface ValuesFile {
  readonly file: string
  /** Of the module that the values are for. */
  readonly folder: string
  readonly body: Body
}

export interface Configuration {
  readonly modules: ReadonlyMap<string, Module>
  /** `*.tftest.hcl` */
  readonly tests: readonly ValuesFile[]
  /** `*.tfvars` */
  readonly values: readonly ValuesFile[]
  readonly faults: readonly string[]
}

const KINDS = /\.(?:tf|tfvars|tftest\.hcl)$/

export function isTerraform({ file }: RepositoryFile): boolean {
  return KINDS.test(file)
}

/** hcl2json is asked first: what it does not take is reported in its words, and not read further. */
export async function readConfiguration(files: readonly RepositoryFile[]): Promise<Configuration> {
  const modules = new Map<string, { folder: string, blocks: Placed[] }>()
  const tests: ValuesFile[] = []
  const values: ValuesFile[] = []
  const faults: string[] = []
  for (const { file, text } of files.filter(isTerraform)) {
    const folder = posix.dirname(file)
    const fault = await faultOfSyntax(file, text)
    if (fault !== undefined) {
      faults.push(fault)
      continue
    }
    const body = readBody(text)
    if (file.endsWith('.tfvars')) values.push({ file, folder, body })
    else if (file.endsWith('.tftest.hcl')) tests.push({ file, folder: posix.basename(folder) === 'tests' ? posix.dirname(folder) : folder, body })
    else {
      const module = modules.get(folder) ?? { folder, blocks: [] }
      modules.set(folder, module)
      module.blocks.push(...body.blocks.map((block) => ({ ...block, file })))
      faults.push(...body.arguments.map(({ name, line }) => `${file}:${line} ${name} stands outside every block`))
    }
  }
  return { modules, tests, values, faults }
}

async function faultOfSyntax(file: string, text: string): Promise<string | undefined> {
  try {
    await parseHcl(file, text)
    return undefined
  } catch (error) {
    const [, line, what] = /(?::|<input>:)(\d+),\d+-[\d,]*: *([\s\S]*)/.exec(String(error)) ?? []
    return `${file}:${line ?? 1} is not Terraform: ${(what ?? String(error)).replaceAll(/\s+/g, ' ').trim()}`
  }
}

export function blocksOf(module: Module, type: string): readonly Placed[] {
  return module.blocks.filter((block) => block.type === type)
}

export function namesOf(module: Module, type: string): ReadonlySet<string> {
  return new Set(blocksOf(module, type).map(({ labels }) => labels.at(-1) ?? ''))
}

export function localsOf(module: Module): ReadonlySet<string> {
  return new Set(blocksOf(module, 'locals').flatMap(({ body }) => body.arguments.map(({ name }) => name)))
}

/** The folder that a `module` block's own source leads to; undefined for one that is no path. */
export function sourceFolder(folder: string, body: Body): string | undefined {
  const source = literalOf(argumentOf(body, 'source'))
  return source === undefined || !/^\.{1,2}\//.test(source) ? undefined : posix.normalize(posix.join(folder, source))
}
