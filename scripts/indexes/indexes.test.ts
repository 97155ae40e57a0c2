import assert from 'node:assert/strict'
import { readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { TOPOLOGY } from '@lockkeeper/domain/topology'
import { DATABASES, generatedIndexes } from './generated-indexes.ts'

const ROOT = join(import.meta.dirname, '../..')

describe('infra/firestore', () => {
  for (const [file, content] of generatedIndexes()) it(`${file} is what its service declares`, () => {
    assert.equal(readFileSync(join(ROOT, file), 'utf8'), content, 'run `node scripts/generate-indexes.ts`')
  })

  it('every database of the topology has its indexes, and there are no others', () => {
    const wanted = TOPOLOGY.databases.map(({ name }) => name).sort()
    assert.deepEqual(Object.keys(DATABASES).sort(), wanted)
    assert.deepEqual(readdirSync(join(ROOT, 'infra/firestore')).sort(), wanted.map((name) => `${name}.indexes.json`))
  })
})
