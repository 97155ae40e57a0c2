/**
 * Who may import whom. scripts/layers.json is the law; the imports are read from the sources (types, dynamic imports and worker URLs
 * too). Production code is what exports, bin and workers lead to; everything else in a package is test code and may import more.
 */
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { findCycles } from './cycles.ts'
import { readImportGraph, type Edge, type ImportGraph, type SourceFile } from './import-graph.ts'
import { readWorkspace, type WorkspacePackage } from './workspace.ts'

export interface PackageRule {
  /** Workspace packages that production code may import. */
  readonly imports: readonly string[]
  /** Those that its tests may import on top. */
  readonly tests?: readonly string[]
  /** Those that production code may name in types, and load only with `import()`. */
  readonly lazily?: readonly string[]
  /** Composition roots of a deployable: only these files may import adapters, and nothing else in the package may import them. */
  readonly roots?: Roots
  /** For the repository's own tools: imports every package, by name or by path, and what any of them declares. */
  readonly reaches?: boolean
}

export interface Roots {
  /** From the package's folder: `src/main.ts`. They run in production although no export leads to them. */
  readonly files: readonly string[]
  /** Workspace packages that they may import on top. */
  readonly imports: readonly string[]
}

export interface Layers {
  readonly packages: Readonly<Record<string, PackageRule>>
  /** Libraries and built-ins that only these files may import, so that changing one is the work of one file. */
  readonly gateways: Readonly<Record<string, readonly string[]>>
  /** Files that load by computed name, with the reason. */
  readonly computed: Readonly<Record<string, string>>
}

export function readLayers(root: string): Layers {
  return JSON.parse(readFileSync(join(root, 'scripts/layers.json'), 'utf8')) as Layers
}

/** One line for each fault, with file and line where there is one. */
export function checkLayers(root: string, layers: Layers): readonly string[] {
  const packages = readWorkspace(root)
  const graph = readImportGraph(root, packages, rootsOf(packages, layers))
  const unnamed = [...packages.keys()].filter((name) => layers.packages[name] === undefined).map((name) => `${name} is not in scripts/layers.json`)
  const unknown = Object.keys(layers.packages).filter((name) => !packages.has(name)).map((name) => `scripts/layers.json speaks about ${name}, which is no package`)
  return [...unnamed, ...unknown, ...[...graph.files.values()].flatMap((file) => fileFaults(graph, layers, file)), ...packageCycles(graph), ...fileCycles(graph)]
}

function rootsOf(packages: ReadonlyMap<string, WorkspacePackage>, layers: Layers): readonly string[] {
  return [...packages.values()].flatMap(({ name, folder }) => (layers.packages[name]?.roots?.files ?? []).map((file) => `${folder}/${file}`))
}

function fileFaults(graph: ImportGraph, layers: Layers, source: SourceFile): readonly string[] {
  const owner = graph.packages.get(source.package) as WorkspacePackage
  const rule = layers.packages[source.package] ?? { imports: [] }
  const production = graph.production.has(source.file)
  const faults = source.edges.flatMap((edge) => {
    const why = rootFault(rule, owner, edge) ?? edgeFault(graph, ruleOf(rule, owner, source.file), owner, production, edge) ?? gatewayFault(layers, production, edge)
    return why === undefined ? [] : [`${edge.from}:${edge.line} ${why}`]
  })
  const computed = production && layers.computed[source.file] === undefined ? source.computed.map((line) => `${source.file}:${line} imports a computed name, so nobody can say what it loads`) : []
  return [...faults, ...computed]
}

function edgeFault(graph: ImportGraph, rule: PackageRule, owner: WorkspacePackage, production: boolean, { resolved, kind, specifier }: Edge): string | undefined {
  switch (resolved.to) {
    // Tests name files that are not there on purpose; dist/ is what the packer writes.
    case 'nowhere': return production && !specifier.includes('/dist/') ? `imports ${specifier}, which is not there` : undefined
    case 'builtin': return undefined
    case 'npm': return isDeclared(graph, owner, resolved.package, production) || (rule.reaches === true && isDeclaredAnywhere(graph, resolved.package)) ? undefined : `imports ${resolved.package}, which ${owner.name} does not declare`
    case 'file':
      if (resolved.package === owner.name || rule.reaches === true) return undefined
      return `reaches into ${resolved.package} by path (${specifier})`
    case 'workspace':
      if (resolved.file === undefined) return `imports ${specifier}, which ${resolved.package} does not export`
      if (rule.reaches === true) return undefined
      if (resolved.package === owner.name) return `imports its own package by name (${specifier})`
      return mayImport(rule, resolved.package, kind, production) ?? (isDeclared(graph, owner, resolved.package, production) ? undefined : `imports ${resolved.package}, which ${owner.name} does not declare`)
  }
}

const isRoot = ({ roots }: PackageRule, { folder }: WorkspacePackage, file: string): boolean => roots?.files.some((root) => `${folder}/${root}` === file) === true

/** A composition root may import what the rest of its package may not. */
function ruleOf(rule: PackageRule, owner: WorkspacePackage, file: string): PackageRule {
  return isRoot(rule, owner, file) ? { ...rule, imports: [...rule.imports, ...rule.roots?.imports ?? []] } : rule
}

/** What imported a composition root would bring the adapters with it. */
function rootFault(rule: PackageRule, owner: WorkspacePackage, { from, resolved, specifier }: Edge): string | undefined {
  if (resolved.to !== 'file' || !isRoot(rule, owner, resolved.file) || isRoot(rule, owner, from) || from.endsWith('.test.ts')) return undefined
  return `imports ${specifier}, a composition root: only another one may`
}

function mayImport(rule: PackageRule, name: string, kind: Edge['kind'], production: boolean): string | undefined {
  if (rule.imports.includes(name)) return undefined
  if (!production && (rule.tests?.includes(name) === true || rule.lazily?.includes(name) === true)) return undefined
  if (rule.lazily?.includes(name) === true) return kind === 'value' ? `loads ${name} at its start; only import() may load it` : undefined
  return `must not import ${name}`
}

/** A package that is published as a bundle carries what it uses, so its own development dependencies count. */
function isDeclared({ packages }: ImportGraph, { manifest }: WorkspacePackage, name: string, production: boolean): boolean {
  const root = [...packages.values()].find(({ folder }) => folder === 'scripts')?.manifest
  const bundled = manifest.bin !== undefined
  const lists = production && !bundled
    ? [manifest.dependencies]
    : [manifest.dependencies, manifest.devDependencies, ...(production ? [] : [root?.devDependencies])]
  return lists.some((list) => list?.[name] !== undefined)
}

function isDeclaredAnywhere({ packages }: ImportGraph, name: string): boolean {
  return [...packages.values()].some(({ manifest }) => [manifest.dependencies, manifest.devDependencies].some((list) => list?.[name] !== undefined))
}

function gatewayFault({ gateways }: Layers, production: boolean, { resolved, from }: Edge): string | undefined {
  if (!production || (resolved.to !== 'npm' && resolved.to !== 'builtin')) return undefined
  const files = gateways[resolved.package]
  return files === undefined || files.some((one) => one === from || (one.endsWith('/') && from.startsWith(one))) ? undefined : `must not import ${resolved.package}: only ${files.join(', ')} may`
}

function packageCycles({ files, production, packages }: ImportGraph): readonly string[] {
  const graph = new Map<string, Set<string>>([...packages.keys()].map((name) => [name, new Set()]))
  for (const { file, package: from, edges } of files.values()) {
    if (!production.has(file)) continue
    for (const { resolved } of edges) if (resolved.to === 'workspace' && resolved.package !== from) graph.get(from)?.add(resolved.package)
  }
  return findCycles(graph).map((names) => `packages in a circle: ${names.join(', ')}`)
}

function fileCycles({ files }: ImportGraph): readonly string[] {
  const graph = new Map<string, Set<string>>()
  for (const { file, edges } of files.values()) {
    graph.set(file, new Set(edges.flatMap(({ resolved, kind }) => resolved.to === 'file' && kind !== 'url' && files.has(resolved.file) ? [resolved.file] : [])))
  }
  return findCycles(graph).map((names) => `files in a circle: ${names.join(', ')}`)
}
