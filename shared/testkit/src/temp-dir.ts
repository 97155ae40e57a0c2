import { mkdtempSync, realpathSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'

const made: string[] = []

/** A new empty directory (0700) that is removed when the process ends. */
export function tempDir(): string {
  if (made.length === 0) process.once('exit', removeAll)
  const path = mkdtempSync(join(realpathSync(tmpdir()), 'lockkeeper-test-'))
  made.push(path)
  return path
}

function removeAll(): void {
  for (const path of made) rmSync(path, { recursive: true, force: true })
}
