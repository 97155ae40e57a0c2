/**
 * Files that the sources find beside themselves, `new URL('./worker.ts', import.meta.url)`: in a bundle they lie elsewhere. This says
 * where, and rewrites the sources while they are bundled, so that no source has to know whether it is bundled.
 */
import { basename, posix } from 'node:path'
import type { ImportGraph } from '../checks/import-graph.ts'

export interface LocatedFile {
  /** The source that names it. */
  readonly from: string
  /** As it is written there. */
  readonly specifier: string
  /** From the root. */
  readonly file: string
  readonly becomes: 'entry' | 'copy' | 'packaged'
  /** From the bundle's folder. */
  readonly target: string
}

/** What production code under the packed folder names by URL. All outputs lie flat in one folder, so one target serves every chunk. */
export function locateFiles({ files, production }: ImportGraph, packed: string): readonly LocatedFile[] {
  return [...production].sort().flatMap((from) => (files.get(from)?.edges ?? []).flatMap(({ kind, specifier, resolved }): readonly LocatedFile[] => {
    if (kind !== 'url' || from.startsWith(`${packed}/bin/`)) return []
    if (resolved.to !== 'file') throw new TypeError(`${from} names ${specifier}, which is not there`)
    return [{ from, specifier, file: resolved.file, ...placeOf(resolved.file, packed) }]
  }))
}

function placeOf(file: string, packed: string): Pick<LocatedFile, 'becomes' | 'target'> {
  if (file.startsWith(`${packed}/bin/`)) return { becomes: 'packaged', target: `../${posix.relative(packed, file)}` }
  if (file.endsWith('/')) return { becomes: 'copy', target: `./${basename(file)}/` }
  return { becomes: 'entry', target: `./${entryName(file)}.js` }
}

/** `shared/adapters/sqlite/src/worker/main.ts` → `adapters-sqlite-worker-main`. */
export function entryName(file: string): string {
  return file.replace(/^(?:services|shared)\//, '').replace('/src/', '/').replace(/\.ts$/, '').replaceAll('/', '-')
}

/** The source with the places of the bundle. TypeError when it names a file in a way that this cannot rewrite. */
export function rewriteLocated(from: string, text: string, located: readonly LocatedFile[]): string {
  return located.filter((one) => one.from === from).reduce((current, { specifier, target }) => {
    const written = `new URL('${specifier}', import.meta.url)`
    if (!current.includes(written)) throw new TypeError(`${from} names ${specifier} in another way than ${written}`)
    return current.replaceAll(written, `new URL('${target}', import.meta.url)`)
  }, text)
}
