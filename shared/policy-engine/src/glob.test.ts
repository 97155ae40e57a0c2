import assert from 'node:assert/strict'
import fc from 'fast-check'
import { parseGlob, type Glob } from './glob.ts'
import { PrefixTree } from './prefix-tree.ts'

function glob(source: string): Glob {
  const parsed = parseGlob(source)
  if ('problem' in parsed) assert.fail(parsed.problem)
  return parsed
}

const asRegExp = (source: string): RegExp =>
  new RegExp(`^${source.split(/(\*\*|\*)/).map((part) => part === '**' ? '[^]*' : part === '*' ? '[^/]*' : part.replaceAll(/[.+?^${}()|[\]\\]/g, '\\$&')).join('')}$`)

const pieces = fc.array(fc.constantFrom('*', '**', 'a', 'b', '/', 'ab', '.'), { maxLength: 7 }).map((parts) => parts.join('')).filter((source) => !source.includes('***'))
const texts = fc.array(fc.constantFrom('a', 'b', '/', '.'), { maxLength: 10 }).map((parts) => parts.join(''))

describe('policy engine: globs', () => {
  it('a glob means what its regular expression means', () => {
    fc.assert(fc.property(pieces, texts, (source, text) => {
      assert.equal(glob(source).matches(text), asRegExp(source).test(text), `${source} on ${text}`)
    }), { numRuns: 5_000 })
  })

  it('a tree of globs finds exactly those that match', () => {
    fc.assert(fc.property(fc.array(pieces, { maxLength: 12 }), fc.array(texts, { maxLength: 5 }), (sources, asked) => {
      const tree = new PrefixTree<number>()
      sources.forEach((source, at) => tree.add(glob(source), at))
      for (const text of asked) {
        const found: number[] = []
        tree.match(text, (at) => { found.push(at) })
        assert.deepEqual(found.sort((a, b) => a - b), sources.flatMap((source, at) => asRegExp(source).test(text) ? [at] : []))
        assert.ok(tree.nearest(text, 3).length <= 3)
      }
    }), { numRuns: 1_000 })
  })

  it('a glob made to backtrack takes time linear in the text', () => {
    const start = performance.now()
    assert.equal(glob(`${'a*'.repeat(15)}b`).matches('a'.repeat(8_000)), false)
    assert.ok(performance.now() - start < 500)
  })

  it('so does one that may begin in as many places as the text has', () => {
    const start = performance.now()
    for (const source of ['**a*b', '**a*a*a*a*b', '**a**a*/a**b']) assert.equal(glob(source).matches('a'.repeat(250_000)), false)
    assert.ok(performance.now() - start < 2_000)
  })

  it('characters of other pattern languages stand for themselves', () => {
    assert.equal(glob('a.c').matches('abc'), false)
    assert.equal(glob('[ab]?').matches('a'), false)
    assert.equal(glob('[ab]?').matches('[ab]?'), true)
  })
})
