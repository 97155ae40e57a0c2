import { strict as assert } from 'node:assert'
import type { Query } from '@lockkeeper/domain/ports'
import { asked, seed, thing, type DocumentSuite } from './document-suite.ts'
import { THINGS, type Thing } from './subjects.ts'

export function queries({ store }: DocumentSuite): void {
  const ids = async (query: Partial<Query> & { name: string }): Promise<string[]> => (await store().query(THINGS, asked(query))).docs.map(doc => doc.id)
  const kind = { kind: 'k' }

  it('equality, range and order select and sort', async () => {
    await seed(store(), { a: thing(3), b: thing(1), c: thing(2), d: thing(2, 'other'), e: thing(10) })
    assert.deepEqual(await ids({ name: 'byKind', equal: kind }), ['b', 'c', 'a', 'e'])
    assert.deepEqual(await ids({ name: 'byKind', equal: kind, from: 2 }), ['c', 'a', 'e'])
    assert.deepEqual(await ids({ name: 'byKind', equal: kind, to: 2 }), ['b', 'c'])
    assert.deepEqual(await ids({ name: 'byKind', equal: kind, from: 2, to: 3 }), ['c', 'a'])
    assert.deepEqual(await ids({ name: 'newest', equal: kind, from: 2, to: 3 }), ['a', 'c'])
    assert.deepEqual(await ids({ name: 'byKind', equal: { kind: 'none' } }), [])
  })

  it('values are compared by type: "1", 1 and true are three things', async () => {
    const data = (flag: unknown): Thing => ({ kind: 'k', n: 1, flag }) as unknown as Thing
    await seed(store(), { number: data(1), text: data('1'), yes: data(true), no: data(false), list: data([true]) })
    assert.deepEqual(await ids({ name: 'flagged', equal: { kind: 'k', flag: true } }), ['yes'])
    assert.deepEqual(await ids({ name: 'flagged', equal: { kind: 'k', flag: false } }), ['no'])
    assert.deepEqual(await ids({ name: 'flagged', equal: { kind: 'k', flag: 1 } }), ['number'])
    assert.deepEqual(await ids({ name: 'flagged', equal: { kind: 'k', flag: '1' } }), ['text'])
  })

  it('documents without the order field are in no answer', async () => {
    await seed(store(), { a: thing(1, 'k', { text: 'x' }), b: thing(1) })
    assert.deepEqual(await ids({ name: 'byText' }), ['a'])
  })

  it('text is ordered by its UTF-8 bytes', async () => {
    await seed(store(), { a: thing(1, 'k', { text: '\u{1f600}' }), b: thing(1, 'k', { text: '\uff5e' }), c: thing(1, 'k', { text: 'Z' }), d: thing(1, 'k', { text: 'a' }) })
    assert.deepEqual(await ids({ name: 'byText' }), ['c', 'd', 'b', 'a'])
    assert.deepEqual(await ids({ name: 'byText', from: '\u{1f600}' }), ['a'])
  })

  it('a wanted value is a value, whatever it looks like', async () => {
    const hostile = ['\' OR 1=1 --', '$.kind', '%', '"', '', '\u0000', 'k\u0000']
    await seed(store(), { ...Object.fromEntries(hostile.map((text, index) => [`h${index}`, thing(index, text)])), k: thing(1) })
    for (const [index, text] of hostile.entries()) assert.deepEqual(await ids({ name: 'byKind', equal: { kind: text } }), [`h${index}`], JSON.stringify(text))
  })

  for (const name of ['byKind', 'newest']) {
    it(`pages of ${name} give every document once, in order, ties too`, async () => {
      await seed(store(), Object.fromEntries(Array.from({ length: 25 }, (_, index) => [`d${String(index).padStart(2, '0')}`, thing(index % 4)])))
      const seen: number[] = []
      const found: string[] = []
      let cursor: string | undefined
      do {
        const page = await store().query<Thing>(THINGS, { name, equal: kind, limit: 7, ...(cursor === undefined ? {} : { cursor }) })
        seen.push(...page.docs.map(doc => doc.data.n))
        found.push(...page.docs.map(doc => doc.id))
        cursor = page.cursor
      } while (cursor !== undefined)
      assert.equal(new Set(found).size, 25)
      assert.deepEqual(seen, [...seen].sort((one, two) => name === 'newest' ? two - one : one - two))
    })
  }

  it('a page that ends with the set has no cursor', async () => {
    await seed(store(), { a: thing(1), b: thing(2) })
    const page = await store().query(THINGS, asked({ name: 'byKind', equal: kind, limit: 2 }))
    assert.deepEqual([page.docs.length, page.cursor], [2, undefined])
  })
}
