/**
 * A cover is a mount on a file. When somebody outside replaces the file by another of its name, as editors do when they save, the
 * kernel takes the mount away inside the container as well (rename(2) detaches it), and the agent could change the new file.
 */
import { statSync, watch, type FSWatcher } from 'node:fs'
import { dirname } from 'node:path'
import type { Covered } from './container-script.ts'

export interface CoverGuard { close(): void }

const LOOK_MS = 500

/** Calls `onLost` once, as soon as one of the covered places is another file than at the start, or gone. */
export function guardCovers(covered: readonly Covered[], onLost: (path: string) => void): CoverGuard {
  const known = new Map(covered.map(({ path }) => [path, identity(path)]))
  const watchers: FSWatcher[] = []
  const close = (): void => {
    clearInterval(timer)
    for (const watcher of watchers) watcher.close()
  }
  const look = (): void => {
    const lost = [...known].find(([path, id]) => identity(path) !== id)
    if (lost === undefined) return
    close()
    onLost(lost[0])
  }
  // The watch is quick, the timer is certain: watches are few in a system and may be missing.
  const timer = setInterval(look, LOOK_MS)
  for (const directory of new Set(covered.map(({ path }) => dirname(path)))) {
    try {
      const watcher = watch(directory, look)
      watcher.on('error', () => watcher.close())
      watchers.push(watcher)
    } catch (error) {
      if (!['ENOSPC', 'EMFILE', 'EACCES'].includes((error as NodeJS.ErrnoException).code ?? '')) throw error
    }
  }
  return { close }
}

function identity(path: string): string {
  const found = statSync(path, { bigint: true, throwIfNoEntry: false })
  return found === undefined ? 'gone' : `${found.dev} ${found.ino}`
}
