/** Tells that a folder may have changed: by the system's notices, and by a slow poll where notices are lost (network file systems, mounts). */
import { watch, type FSWatcher } from 'node:fs'
import type { Clock } from '@lockkeeper/domain'

/** Ms of quiet before a notice is passed on: editors write in several steps. */
const QUIET_MS = 60
/** Ms after which a notice is passed on although more come. */
const MOST_MS = 200

export interface FolderWatch { close(): void }

/** `changed` is called at most once for each burst of notices, and each `pollMs`. It must not throw. */
export function watchFolder(directory: string, pollMs: number, clock: Clock, changed: () => void): FolderWatch {
  let watcher: FSWatcher | undefined
  let quiet: NodeJS.Timeout | undefined
  let since: number | undefined

  const tell = (): void => {
    clearTimeout(quiet)
    since = undefined
    changed()
  }
  const notice = (): void => {
    since ??= clock.monotonic()
    clearTimeout(quiet)
    quiet = setTimeout(tell, Math.max(0, Math.min(QUIET_MS, MOST_MS - (clock.monotonic() - since))))
  }
  const open = (): void => {
    watcher?.close()
    watcher = undefined
    try {
      watcher = watch(directory, notice).on('error', () => {
        watcher?.close()
        watcher = undefined
      })
    } catch {
      // The folder is not there (yet): the poll tells, and opens the watch again.
    }
  }
  open()
  const poll = setInterval(() => {
    if (watcher === undefined) open()
    changed()
  }, pollMs)
  return {
    close() {
      watcher?.close()
      watcher = undefined
      clearTimeout(quiet)
      clearInterval(poll)
    },
  }
}
