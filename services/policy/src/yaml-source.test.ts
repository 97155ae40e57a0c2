import assert from 'node:assert/strict'
import { readYaml, locate } from './yaml-source.ts'
import { createYamlReader } from './yaml-reader.ts'

describe('policy YAML', () => {
  const hostile: readonly (readonly [string, string, RegExp, number])[] = [
    ['a key that stands twice', 'a: 1\nb: 2\na: 3', /unique/, 3],
    ['an alias', 'a: &x [1]\nb: *x', /aliases/, 1],
    ['an alias bomb', `a: &a [x,x]\n${'bcdefgh'.split('').map((name, at) => `${name}: &${name} [${`*${'abcdefgh'[at]},`.repeat(9)}]`).join('\n')}`, /aliases/, 1],
    ['an unknown tag', 'a: !!js/function x', /tag/i, 1],
    ['a second document', 'a: 1\n---\nb: 1', /multiple documents/i, 2],
    ['a list that does not end', 'a: [1, 2', /./, 1],
    ['bad indentation', 'a:\n  b: 1\n c: 2', /./, 3],
    ['a key that is a list', '? [a]\n: 1', /string/i, 1],
  ]
  for (const [title, text, pattern, line] of hostile) {
    it(`${title} is a problem with its place`, () => {
      const read = readYaml(text)
      if (!('problems' in read)) assert.fail(JSON.stringify(read))
      assert.match(read.problems[0]?.message ?? '', pattern)
      assert.equal(read.problems[0]?.line, line)
    })
  }

  it('a merge key and __proto__ are ordinary keys', () => {
    const read = readYaml('<<: {a: 1}\n__proto__: {polluted: true}')
    assert.ok('value' in read)
    assert.deepEqual(Object.keys(read.value as object), ['<<', '__proto__'])
    assert.equal(({} as { polluted?: unknown }).polluted, undefined)
  })

  it('a path is found where it stands, or where its last known part does', () => {
    const text = 'rules:\n  - name: a\n    when: x\n  - name: b'
    assert.deepEqual(locate(text, [['rules', 0, 'when'], ['rules', 1, 'when'], ['nothing'], ['rules', 1, 'name']]), [
      { line: 3, column: 11 }, { line: 4, column: 5 }, { line: 1, column: 1 }, { line: 4, column: 11 },
    ])
  })

  const large = `list:\n${Array.from({ length: 2_000 }, (_, at) => `  - name: item-${at}`).join('\n')}`

  it('a large file is read in a worker thread, with the same result', async () => {
    const reader = createYamlReader()
    assert.deepEqual(await reader.read(large), readYaml(large))
    assert.deepEqual(await reader.locate(large, [['list', 1_999, 'name']]), [{ line: 2_001, column: 11 }])
    assert.ok('problems' in await reader.read(`${large}\nlist: 1`))
  })

  it('without its worker a large file is read all the same', async () => {
    assert.deepEqual(await createYamlReader(new URL('./no-such-worker.ts', import.meta.url)).read(large), readYaml(large))
  })
})
