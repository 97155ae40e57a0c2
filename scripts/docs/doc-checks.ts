/** What lint asks of the pages: every link leads somewhere, every command exists. */
import { posix } from 'node:path'
import { checkLinks } from '../checks/links.ts'
import type { RepositoryFile } from '../checks/repository-files.ts'
import { buildProgram } from '../../services/cli/src/main.ts'
import { checkCommands, type Known } from './check-commands.ts'

export function checkPages(files: readonly RepositoryFile[]): readonly string[] {
  return [...checkLinks(files), ...checkCommands(files, knownOf(files))]
}

export function knownOf(files: readonly RepositoryFile[]): Known {
  const manifest = JSON.parse(files.find(({ file }) => file === 'package.json')?.text ?? '{}') as { readonly scripts?: Known['scripts'] }
  return { program: buildProgram(), scripts: manifest.scripts ?? {}, places: new Set(files.flatMap(({ file }) => [file, ...foldersAbove(file)])) }
}

function foldersAbove(file: string): readonly string[] {
  const parent = posix.dirname(file)
  return parent === '.' ? [] : [parent, ...foldersAbove(parent)]
}
