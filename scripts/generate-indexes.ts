/** `node scripts/generate-indexes.ts`: writes infra/firestore/DATABASE.indexes.json from what each service declares. A test says when that is due. */
import { mkdirSync, writeFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import process from 'node:process'
import { generatedIndexes } from './indexes/generated-indexes.ts'

const root = join(import.meta.dirname, '..')
for (const [file, content] of generatedIndexes()) {
  mkdirSync(dirname(join(root, file)), { recursive: true })
  writeFileSync(join(root, file), content)
  process.stdout.write(`${file}\n`)
}
