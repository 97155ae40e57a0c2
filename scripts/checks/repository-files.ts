/** The texts of the repository: what git tracks or would track. */
import { execFileSync } from 'node:child_process'
import { readFileSync, statSync } from 'node:fs'
import { join } from 'node:path'

export interface RepositoryFile {
  /** From the root, with `/`. */
  readonly file: string
  readonly text: string
}

const MOST_BYTES = 4 * 1024 * 1024

export function readRepositoryFiles(root: string): readonly RepositoryFile[] {
  const names = execFileSync('git', ['ls-files', '-z', '--cached', '--others', '--exclude-standard', '--deduplicate'], { cwd: root, encoding: 'utf8', maxBuffer: 16 * 1024 * 1024 })
  return names.split('\0').filter((file) => file !== '').flatMap((file) => {
    const found = statSync(join(root, file), { throwIfNoEntry: false })
    // Deleted and not committed yet, or a link to somewhere else.
    if (found?.isFile() !== true) return []
    if (found.size > MOST_BYTES) throw new TypeError(`${file} has ${found.size} bytes; nothing in this repository is that large`)
    return [{ file, text: readFileSync(join(root, file), 'utf8') }]
  })
}
