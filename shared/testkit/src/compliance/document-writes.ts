import { strict as assert } from 'node:assert'
import type { Collection, DocumentStore, Write } from '@lockkeeper/domain/ports'
import { asked, commit, create, put, ref, seed, thing, type DocumentSuite } from './document-suite.ts'
import { THINGS, type Thing } from './subjects.ts'

export function readsAndWrites({ store, opened, reopen }: DocumentSuite): void {
  it('absent documents read as undefined, each in its place', async () => {
    await seed(store(), { b: thing(2) })
    const docs = await store().read([ref('a'), ref('b'), ref('c')])
    assert.deepEqual(docs.map(doc => doc?.data), [undefined, thing(2), undefined])
    assert.equal(docs[1]?.id, 'b')
  })

  it('reading nothing gives nothing', async () => {
    assert.deepEqual(await store().read([]), [])
  })

  it('every write changes the version, writing the same data and creating after a delete too', async () => {
    const versions: string[] = []
    const write = async (...writes: Write[]): Promise<void> => {
      await store().transact([ref('a')], () => commit(null, ...writes))
      versions.push((await store().read([ref('a')]))[0]?.version ?? 'absent')
    }
    await write(create('a', thing(1)))
    await write(put('a', thing(1)))
    await write({ kind: 'delete', ref: ref('a') })
    await write(put('a', thing(1)))
    assert.equal(versions[2], 'absent')
    assert.equal(new Set(versions).size, 4)
  })

  it('deleting what is absent is no error', async () => {
    assert.equal(await store().transact([ref('a')], () => commit('done', { kind: 'delete', ref: ref('a') })), 'done')
  })

  it('a document comes back as it was written, with any text and any number', async () => {
    const data = { kind: 'ü"\\\n\u0001\u{1f600}', n: -0.1, text: '', nested: { list: [1, 'two', null, true, { three: 3 }], big: Number.MAX_SAFE_INTEGER } }
    await store().transact([ref('a')], () => commit(null, put('a', data)))
    assert.deepEqual((await store().read([ref('a')]))[0]?.data, data)
  })

  it('a field that is undefined is left out', async () => {
    await seed(store(), { a: { ...thing(1), text: undefined } as unknown as Thing })
    assert.deepEqual((await store().read([ref('a')]))[0]?.data, thing(1))
  })

  it('what was committed is there after a restart, with the same version', async function () {
    const again = opened().reopen
    if (again === undefined) return this.skip()
    await seed(store(), { a: thing(7) })
    const before = await store().read([ref('a')])
    await reopen(again)
    assert.deepEqual(await store().read([ref('a')]), before)
    await store().transact([ref('a')], () => commit(null, put('a', thing(7))))
    assert.notEqual((await store().read([ref('a')]))[0]?.version, before[0]?.version)
  })
}

/** What JSON would change in silence. */
const notPlain: readonly (readonly [string, unknown])[] = [
  ['NaN', Number.NaN], ['Infinity', Infinity], ['a bigint', 1n], ['a function', () => 1], ['a symbol', Symbol('s')], ['a Date', new Date(0)], ['bytes', new Uint8Array(1)],
  ['a Map', new Map()], ['a hole in a list', [1, undefined]], ['its mistake deep inside', { a: [{ b: Number.NaN }] }],
]

export function limits({ store }: DocumentSuite): void {
  const undeclared: Collection = { name: 'never-declared', queries: {} }
  it('a document of 900 KiB is taken, one byte more is a TypeError', async () => {
    const size = 900 * 1024
    const empty = JSON.stringify(thing(1, 'k', { text: '' })).length
    const text = 'x'.repeat(size - empty)
    await store().transact([ref('a')], () => commit(null, put('a', thing(1, 'k', { text }))))
    await assert.rejects(store().transact([ref('b')], () => commit(null, put('b', thing(1, 'k', { text: `${text}x` })))), TypeError)
    assert.deepEqual((await store().read([ref('a'), ref('b')])).map(doc => doc !== undefined), [true, false])
  })

  const mistakes: readonly (readonly [string, (store: DocumentStore) => Promise<unknown>])[] = [
    ['reading an undeclared collection', s => s.read([{ collection: undeclared, id: 'a' }])],
    ['writing an undeclared collection', s => s.transact([], () => commit(null, { kind: 'create', ref: { collection: undeclared, id: 'a' }, data: {} }))],
    ['querying an undeclared collection', s => s.query(undeclared, asked({ name: 'all' }))],
    ['a put of what was not read', s => s.transact([], () => commit(null, put('a', thing(1))))],
    ['a delete of what was not read', s => s.transact([], () => commit(null, { kind: 'delete', ref: ref('a') }))],
    ['two writes of one document', s => s.transact([ref('a')], () => commit(null, put('a', thing(1)), put('a', thing(2))))],
    ...notPlain.map(([what, data]) => [`a document with ${what}`, (s: DocumentStore) => s.transact([], () => commit(null, create('a', { kind: 'k', n: 1, data } as Thing)))] as const),
    ['a document that is a list', s => s.transact([], () => commit(null, create('a', [] as unknown as Thing)))],
    ['an empty id', s => s.read([ref('')])],
    ['an undeclared query', s => s.query(THINGS, asked({ name: 'nope' }))],
    ['a query named like a property of every object', s => s.query(THINGS, asked({ name: 'constructor' }))],
    ['a missing value', s => s.query(THINGS, asked({ name: 'byKind' }))],
    ['a value too many', s => s.query(THINGS, asked({ name: 'all', equal: { kind: 'k' } }))],
    ['bounds without an order', s => s.query(THINGS, asked({ name: 'all', from: 1 }))],
    ['bounds of two types', s => s.query(THINGS, asked({ name: 'byKind', equal: { kind: 'k' }, from: 1, to: 'a' }))],
    ['a limit of 0', s => s.query(THINGS, asked({ name: 'all', limit: 0 }))],
    ['a limit of 1,001', s => s.query(THINGS, asked({ name: 'all', limit: 1001 }))],
    ['a limit of 1.5', s => s.query(THINGS, asked({ name: 'all', limit: 1.5 }))],
  ]
  it('our own mistakes are TypeErrors', async () => {
    for (const [what, attempt] of mistakes) await assert.rejects(attempt(store()), TypeError, what)
  })

  it('a broken cursor is the caller\'s mistake', async () => {
    for (const cursor of ['', '!', 'bm90IGpzb24', Buffer.from('[1,2,3]').toString('base64url'), Buffer.from('{}').toString('base64url')]) {
      await assert.rejects(store().query(THINGS, asked({ name: 'byKind', equal: { kind: 'k' }, cursor })), { reason: 'REQUEST_INVALID' }, JSON.stringify(cursor))
    }
  })
}
