/** `node scripts/generate-docs.ts`: writes what docs/ takes from the sources. A test says when that is due. */
import { mkdirSync, writeFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import process from 'node:process'
import { generatedDocs } from './docs/generated-docs.ts'

const root = join(import.meta.dirname, '..')
for (const [file, content] of generatedDocs(root)) {
  mkdirSync(dirname(join(root, file)), { recursive: true })
  writeFileSync(join(root, file), content)
  process.stdout.write(`${file}\n`)
}
