/** The mounts of this process, as far as a bind mount that is made read-only must know them. */
import { readFileSync } from 'node:fs'

export interface Mount { readonly path: string, readonly options: readonly string[] }

/** Options that a user namespace may not take off again (mount_namespaces(7)), so every remount repeats them. */
const LOCKED = ['ro', 'nosuid', 'nodev', 'noexec']

export function readMounts(text = readFileSync('/proc/self/mountinfo', 'utf8')): readonly Mount[] {
  return text.split('\n').filter((line) => line !== '').map((line) => {
    const fields = line.split(' ')
    return { path: (fields[4] ?? '').replace(/\\(\d{3})/g, (_, octal: string) => String.fromCharCode(Number.parseInt(octal, 8))), options: (fields[5] ?? '').split(',') }
  })
}

export function isUnder(path: string, directory: string): boolean {
  return path === directory || path.startsWith(directory === '/' ? '/' : `${directory}/`)
}

/** Mounts below `path`, which a recursive bind brings along. */
export function mountsBelow(path: string, mounts: readonly Mount[]): readonly Mount[] {
  return mounts.filter((mount) => mount.path !== path && isUnder(mount.path, path))
}

/** Locked options of the mount that `path` lies on: the last of the longest. */
export function lockedOptions(path: string, mounts: readonly Mount[]): readonly string[] {
  const around = mounts.filter((mount) => isUnder(path, mount.path)).reduce<Mount | undefined>((best, mount) => best === undefined || mount.path.length >= best.path.length ? mount : best, undefined)
  return (around?.options ?? []).filter((option) => LOCKED.includes(option))
}
