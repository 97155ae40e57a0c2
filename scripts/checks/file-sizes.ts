/** A file that no longer fits a reader's head says that two things live in it. */
import { withoutExempt, type Exempt } from './exceptions.ts'
import type { RepositoryFile } from './repository-files.ts'

const MOST_LINES = 300

export function checkFileSizes(files: readonly RepositoryFile[], exempt: Exempt): readonly string[] {
  const long = files.filter(({ file }) => /\.[jt]s$/.test(file)).flatMap(({ file, text }) => {
    const lines = text.split('\n').length - 1
    return lines > MOST_LINES ? [{ file, message: `${file} has ${lines} lines: divide it, or say in scripts/exceptions.json why not` }] : []
  })
  return withoutExempt(long, exempt, 'long')
}
