/** Every import of the workspace, resolved to a file, a package or a Node built-in. */
import { existsSync, readFileSync } from 'node:fs'
import { isBuiltin } from 'node:module'
import { join, posix } from 'node:path'
import { readImports, type Import } from './read-imports.ts'
import { sourcesOf, type WorkspacePackage } from './workspace.ts'

export type Resolved =
  | { readonly to: 'file', readonly file: string, readonly package: string }
  /** A subpath that the package does not export has no file. */
  | { readonly to: 'workspace', readonly package: string, readonly file: string | undefined }
  | { readonly to: 'npm', readonly package: string }
  | { readonly to: 'builtin', readonly package: string }
  | { readonly to: 'nowhere' }

export type Edge = Import & { readonly from: string, readonly resolved: Resolved }

export interface SourceFile {
  readonly file: string
  readonly package: string
  readonly edges: readonly Edge[]
  readonly computed: readonly number[]
}

export interface ImportGraph {
  readonly packages: ReadonlyMap<string, WorkspacePackage>
  readonly files: ReadonlyMap<string, SourceFile>
  /** Files that a package's exports, its bin, its composition roots or a worker of one of them lead to: what runs in production. */
  readonly production: ReadonlySet<string>
}

/** `roots`: further files that run in production. */
export function readImportGraph(root: string, packages: ReadonlyMap<string, WorkspacePackage>, roots: readonly string[] = []): ImportGraph {
  const files = new Map<string, SourceFile>()
  for (const one of packages.values()) {
    for (const file of sourcesOf(root, one)) {
      const { imports, computed } = readImports(file, readFileSync(join(root, file), 'utf8'))
      const edges = imports.map((found): Edge => ({ ...found, from: file, resolved: resolveImport(root, packages, file, found) }))
      files.set(file, { file, package: one.name, edges, computed })
    }
  }
  return { packages, files, production: reachable(files, [...entriesOf(packages), ...roots]) }
}

/** The files that the rest of the world can name. */
function entriesOf(packages: ReadonlyMap<string, WorkspacePackage>): readonly string[] {
  return [...packages.values()].flatMap(({ folder, manifest }) =>
    [...Object.values(manifest.exports ?? {}), ...Object.values(manifest.bin ?? {})].map((target) => posix.join(folder, target)))
}

/** Everything that these files import, themselves included; from the root. */
export function reachable(files: ReadonlyMap<string, SourceFile>, entries: readonly string[]): ReadonlySet<string> {
  const seen = new Set<string>()
  const left = [...entries]
  for (let file = left.pop(); file !== undefined; file = left.pop()) {
    if (seen.has(file)) continue
    seen.add(file)
    for (const { resolved } of files.get(file)?.edges ?? []) if (resolved.to === 'file' || (resolved.to === 'workspace' && resolved.file !== undefined)) left.push(resolved.file as string)
  }
  return seen
}

function resolveImport(root: string, packages: ReadonlyMap<string, WorkspacePackage>, from: string, { kind, specifier }: Import): Resolved {
  if (specifier.startsWith('.') || kind === 'url') {
    const file = posix.join(posix.dirname(from), specifier)
    const owner = ownerOf(packages, file)
    return owner !== undefined && existsSync(join(root, file)) ? { to: 'file', file, package: owner.name } : { to: 'nowhere' }
  }
  if (isBuiltin(specifier)) return { to: 'builtin', package: specifier }
  const name = packageName(specifier)
  const known = packages.get(name)
  if (known === undefined) return { to: 'npm', package: name }
  const target = known.manifest.exports?.[`.${specifier.slice(name.length)}`]
  return { to: 'workspace', package: name, file: target === undefined ? undefined : posix.join(known.folder, target) }
}

function ownerOf(packages: ReadonlyMap<string, WorkspacePackage>, file: string): WorkspacePackage | undefined {
  return [...packages.values()].find(({ folder }) => file.startsWith(`${folder}/`))
}

/** `@google-cloud/storage/build` → `@google-cloud/storage`. */
function packageName(specifier: string): string {
  return specifier.split('/', specifier.startsWith('@') ? 2 : 1).join('/')
}
