/** The packages of this repository as their package.json files declare them. */
import { existsSync, globSync, readFileSync } from 'node:fs'
import { dirname, join } from 'node:path'

export interface Manifest {
  readonly name: string
  readonly workspaces?: readonly string[]
  readonly exports?: Readonly<Record<string, string>>
  readonly bin?: Readonly<Record<string, string>>
  readonly dependencies?: Readonly<Record<string, string>>
  readonly devDependencies?: Readonly<Record<string, string>>
  readonly optionalDependencies?: Readonly<Record<string, string>>
}

export interface WorkspacePackage {
  readonly name: string
  /** From the root, with `/`: `shared/domain`. */
  readonly folder: string
  readonly manifest: Manifest
}

/** Packages by name. The root counts as one whose files are all in `scripts`. */
export function readWorkspace(root: string): ReadonlyMap<string, WorkspacePackage> {
  const rootManifest = readManifest(join(root, 'package.json'))
  const packages = new Map<string, WorkspacePackage>([[rootManifest.name, { name: rootManifest.name, folder: 'scripts', manifest: rootManifest }]])
  for (const pattern of rootManifest.workspaces ?? []) {
    for (const file of globSync(`${pattern}/package.json`, { cwd: root })) {
      const manifest = readManifest(join(root, file))
      packages.set(manifest.name, { name: manifest.name, folder: dirname(file).replaceAll('\\', '/'), manifest })
    }
  }
  return packages
}

function readManifest(file: string): Manifest {
  return JSON.parse(readFileSync(file, 'utf8')) as Manifest
}

const LEFT_OUT = new Set(['node_modules', 'dist', 'dist-page', 'coverage', 'generated'])

/** TypeScript and JavaScript of a package, from the root, sorted. */
export function sourcesOf(root: string, { folder }: WorkspacePackage): readonly string[] {
  if (!existsSync(join(root, folder))) return []
  return globSync('**/*.{ts,tsx,js}', { cwd: join(root, folder), exclude: (name) => LEFT_OUT.has(name) })
    .map((file) => `${folder}/${file.replaceAll('\\', '/')}`)
    .sort()
}
