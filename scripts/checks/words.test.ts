import assert from 'node:assert/strict'
import { checkFileSizes } from './file-sizes.ts'
import { checkWords } from './words.ts'

const FOUND: readonly (readonly [string, string, string])[] = [
  ['a.ts', '// TODO later', 'TODO'],
  ['a.md', 'FIXME', 'FIXME'],
  ['a.ts', '// XXX', 'XXX'],
  ['a.md', `see /${'work'}/main`, `/${'work'}/`],
  ['a.md', `see ../${'shared'}/facts/wire`, `../${'shared'}/facts`],
  ['a.ts', '// facts/wire.md 6', 'facts/wire.md'],
  ['a.md', 'as wire.md says', 'wire.md'],
  ['a.json', 'https://registry.npmjs.org/left-pad', 'registry.npmjs.'],
  ['package-lock.json', '"resolved": "https://mirror.example/a.tgz"', '"resolved": "https:'],
  ['a.test.ts', '  it.only(\'one\')', 'it.only('],
]

const CLEAN: readonly (readonly [string, string])[] = [
  ['a.ts', 'const XXXX = \'hooks/XXXXXXXX\' // a todo list'], ['a.ts', 'new URL(\'../../shared/catalog/generated\', here)'], ['a.md', 'docs/architecture.md'],
  ['a.ts', 'join(home, \'.work/\')'], ['a.md', 'the host registry.example is refused'], ['shared/catalog/generated/a.json', '"XXX"'],
]

describe('words', () => {
  for (const [file, text, what] of FOUND) it(`finds ${what} in ${file}`, () => {
    const [fault, ...more] = checkWords([{ file, text: `\n${text}` }], {})
    assert.ok(fault?.startsWith(`${file}:2 says "${what}": `), fault)
    assert.deepEqual(more, [])
  })
  for (const [file, text] of CLEAN) it(`lets pass: ${text}`, () => assert.deepEqual(checkWords([{ file, text }], {}), []))
})

describe('file sizes', () => {
  const lines = (count: number): string => 'x\n'.repeat(count)

  it('300 lines fit, 301 do not', () => {
    assert.deepEqual(checkFileSizes([{ file: 'a.ts', text: lines(300) }, { file: 'b.ts', text: lines(301) }], {}), ['b.ts has 301 lines: divide it, or say in scripts/exceptions.json why not'])
  })

  it('only code is counted, and a listed file may be long', () => {
    assert.deepEqual(checkFileSizes([{ file: 'a.md', text: lines(900) }, { file: 'b.test.ts', text: lines(301) }], { 'b.test.ts': 'one table' }), [])
  })
})
