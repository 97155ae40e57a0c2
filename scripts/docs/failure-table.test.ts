import assert from 'node:assert/strict'
import { globSync, readFileSync } from 'node:fs'
import { join } from 'node:path'

const ROOT = join(import.meta.dirname, '../..')
const TITLE = /\b(?:it|describe)\((?:'((?:[^'\\\n]|\\.)*)'|`((?:[^`\\\n]|\\.)*)`)/g
const COLUMNS = 6

/** Titles as they stand in the sources: what a title puts in stays `${…}`. */
function titles(): readonly string[] {
  const files = ['services/*/src/**/*.test.ts', 'shared/*/src/**/*.test.ts', 'shared/adapters/*/src/**/*.test.ts', 'shared/testkit/src/compliance/*.ts'].flatMap((pattern) => globSync(pattern, { cwd: ROOT }))
  return files.flatMap((file) => [...readFileSync(join(ROOT, file), 'utf8').matchAll(TITLE)].map(([, plain, template]) => (plain ?? template ?? '').replaceAll('\\', '')))
}

function rows(): readonly (readonly string[])[] {
  return readFileSync(join(ROOT, 'docs/failure-table.md'), 'utf8').split('\n').filter((line) => /^\| (?!part \|)/.test(line) && !line.startsWith('|---')).map((line) => line.split('|').slice(1, -1).map((cell) => cell.trim()))
}

describe('the table of failures', () => {
  it('has a fault, an answer and a test in every row', () => {
    assert.ok(rows().length > 50)
    for (const row of rows()) {
      assert.equal(row.length, COLUMNS, row.join(' | '))
      assert.ok([row[1], row[2], row[5]].every((cell) => cell !== ''), row.join(' | '))
    }
  })

  it('names tests that there are', () => {
    const all = titles()
    const missing = rows().map((row) => (row[5] ?? '').replace(/\s*…$/, '')).filter((wanted) => !all.some((title) => title.includes(wanted)))
    assert.deepEqual(missing, [])
  })
})
