/** One flat folder of ECMAScript modules for Node 24: entry points, their worker threads, all libraries. */
import { readFile } from 'node:fs/promises'
import { basename, join, relative } from 'node:path'
import { build, type Metafile, type Plugin } from 'esbuild'
import { nameDynamicCommonJs } from './dynamic-commonjs.ts'
import { rewriteLocated, type LocatedFile } from './located-files.ts'

export interface ModulesToBuild {
  /** Name in the folder → file from the root. */
  readonly entryPoints: Readonly<Record<string, string>>
  /** Files that the sources find beside themselves. */
  readonly located: readonly LocatedFile[]
  /** Where the modules are written; undefined builds in memory only, to look at. */
  readonly folder: string | undefined
}

export interface Bundle {
  readonly metafile: Metafile
  /** Files and folders that the bundle reads beside itself: from the root → from the bundle's folder. */
  readonly copies: ReadonlyMap<string, string>
}

/** Libraries in CommonJS ask for these; each chunk is a module of its own and needs them. */
const BANNER = [
  'import { createRequire as lockkeeperRequire } from \'node:module\'',
  'import { fileURLToPath as lockkeeperPath } from \'node:url\'',
  'const require = lockkeeperRequire(import.meta.url), __filename = lockkeeperPath(import.meta.url), __dirname = lockkeeperPath(new URL(\'.\', import.meta.url))',
].join('\n')

/** The same sources give the same bytes: nothing in them tells of when or where they were made. */
export async function buildModules(root: string, { entryPoints, located, folder }: ModulesToBuild): Promise<Bundle> {
  const workers = located.filter(({ becomes }) => becomes === 'entry')
  const copies = new Map(located.filter(({ becomes }) => becomes === 'copy').map(({ file, target }) => [file, target]))
  const { metafile } = await build({
    absWorkingDir: root,
    entryPoints: { ...entryPoints, ...Object.fromEntries(workers.map(({ file, target }) => [basename(target, '.js'), file])) },
    outdir: folder ?? join(root, 'dist/unwritten'),
    write: folder !== undefined,
    bundle: true,
    splitting: true,
    format: 'esm',
    platform: 'node',
    target: 'node24',
    // Names stay: stack traces and error messages show them, and libraries compare constructor.name.
    keepNames: true,
    minifySyntax: true,
    minifyWhitespace: true,
    legalComments: 'none',
    entryNames: '[name]',
    chunkNames: 'chunk-[hash]',
    banner: { js: BANNER },
    metafile: true,
    logLevel: 'silent',
    plugins: [placeLocatedFiles(root, located), keepTables(root, copies), nameDynamicCommonJs()],
  })
  return { metafile, copies }
}

function placeLocatedFiles(root: string, located: readonly LocatedFile[]): Plugin {
  const sources = new Set(located.map(({ from }) => join(root, from)))
  return {
    name: 'located-files',
    setup(builder) {
      builder.onLoad({ filter: /\.ts$/ }, async ({ path }) => {
        if (!sources.has(path)) return undefined
        return { loader: 'ts', contents: rewriteLocated(relative(root, path).replaceAll('\\', '/'), await readFile(path, 'utf8'), located) }
      })
    },
  }
}

/** The method tables stay JSON files: as modules they take three times as long to load. */
function keepTables(root: string, copies: Map<string, string>): Plugin {
  return {
    name: 'method-tables',
    setup(builder) {
      builder.onResolve({ filter: /\/generated\/[\w.-]+\.json$/ }, ({ path, resolveDir }) => {
        const target = `./catalog/${basename(path)}`
        copies.set(relative(root, join(resolveDir, path)).replaceAll('\\', '/'), target)
        return { path: target, external: true }
      })
    },
  }
}
