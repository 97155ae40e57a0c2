import { strict as assert } from 'node:assert'
import { chmodSync, existsSync, mkdirSync, readFileSync, statSync, symlinkSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { DatabaseSync } from 'node:sqlite'
import type { Collection } from '@lockkeeper/domain/ports'
import { PortUnavailable } from '@lockkeeper/domain/ports'
import { tempDir, THINGS } from '@lockkeeper/testkit'
import { openSqlite } from './index.ts'
import { SCHEMA_VERSION } from './worker/schema.ts'

const mode = (path: string): string => (statSync(path).mode & 0o777).toString(8)

async function made(): Promise<string> {
  const file = join(tempDir(), 'store.sqlite')
  await (await openSqlite({ file, collections: [THINGS] })).close()
  return file
}

function change(file: string, sql: string): void {
  const db = new DatabaseSync(file)
  db.exec(sql)
  db.close()
}

describe('SQLite: opening a store', () => {
  it('the file, its companions and its directory are for their owner only', async () => {
    const directory = join(tempDir(), 'new', 'deep')
    const file = join(directory, 'store.sqlite')
    const store = await openSqlite({ file, collections: [THINGS] })
    await store.documents.transact([], () => ({ writes: [{ kind: 'create', ref: { collection: THINGS, id: 'a' }, data: {} }], facts: [], result: null }))
    assert.equal(mode(directory), '700')
    for (const path of [file, `${file}-wal`, `${file}.owner`]) assert.equal(mode(path), '600', path)
    await store.close()
    assert.deepEqual([existsSync(`${file}-wal`), existsSync(`${file}.owner`)], [false, false])
  })

  const refused: readonly (readonly [what: string, text: RegExp, spoil: (file: string) => void])[] = [
    ['that others may read', /chmod 600/, file => chmodSync(file, 0o640)],
    ['that others may write', /chmod 600/, file => chmodSync(file, 0o602)],
    ['in a directory that others may write in', /chmod go-w/, file => chmodSync(join(file, '..'), 0o770)],
    ['of a newer version', /newer Lockkeeper.*version \d+; this one knows up to/, file => change(file, `PRAGMA user_version = ${SCHEMA_VERSION + 1}`)],
    ['of another program', /some other program/, file => change(file, 'PRAGMA application_id = 1')],
    ['that is no SQLite file', /no SQLite file/, file => writeFileSync(file, 'x'.repeat(5000))],
  ]
  for (const [what, text, spoil] of refused) {
    it(`a file ${what} is refused with a text that helps, and left as it is`, async () => {
      const file = await made()
      spoil(file)
      const before = readFileSync(file)
      await assert.rejects(openSqlite({ file, collections: [THINGS] }), (error: unknown) => error instanceof PortUnavailable && text.test(error.message))
      assert.deepEqual(readFileSync(file), before)
    })
  }

  it('a SQLite file of another program without any mark is refused', async () => {
    const file = join(tempDir(), 'store.sqlite')
    writeFileSync(file, '', { mode: 0o600 })
    change(file, 'CREATE TABLE theirs (x)')
    await assert.rejects(openSqlite({ file, collections: [] }), /some other program/)
  })

  it('a link and a directory in the file\'s place are refused', async () => {
    const directory = tempDir()
    symlinkSync(await made(), join(directory, 'link'))
    mkdirSync(join(directory, 'folder'))
    for (const name of ['link', 'folder']) await assert.rejects(openSqlite({ file: join(directory, name), collections: [] }), /no regular file/)
  })

  it('a query declared later has its index over the documents that are there, and one no longer declared goes', async () => {
    const file = join(tempDir(), 'store.sqlite')
    const old: Collection<{ kind: string }> = { name: 'c', queries: { byKind: { equal: ['kind'] } } }
    const next: Collection<{ kind: string }> = { name: 'c', queries: { byColour: { equal: ['colour'] } } }
    const store = await openSqlite({ file, collections: [old] })
    await store.documents.transact([], () => ({ writes: [{ kind: 'create', ref: { collection: old, id: 'a' }, data: { kind: 'k', colour: 'red' } }], facts: [], result: null }))
    await store.close()
    const again = await openSqlite({ file, collections: [next] })
    assert.equal((await again.documents.query(next, { name: 'byColour', equal: { colour: 'red' }, limit: 1 })).docs.length, 1)
    await again.close()
    const db = new DatabaseSync(file)
    assert.deepEqual(db.prepare("SELECT name FROM sqlite_schema WHERE type = 'index' AND name LIKE 'doc:%'").all().map(row => row['name']), ['doc:c:colour;'])
    db.close()
  })

  const undeclarable: readonly (readonly [string, Collection])[] = [
    ['a quote in its name', { name: 'a"b', queries: {} }],
    ['an empty name', { name: '', queries: {} }],
    ['a field with a quote', { name: 'a', queries: { q: { equal: ['x\'); DROP TABLE y; --'] } } }],
    ['an order field with a dot', { name: 'a', queries: { q: { equal: [], order: { field: 'a.b', direction: 'asc' } } } }],
    ['a time-to-live field with a space', { name: 'a', queries: {}, ttlField: 'a b' }],
  ]
  for (const [what, collection] of undeclarable) {
    it(`a collection with ${what} is a TypeError`, async () => {
      await assert.rejects(openSqlite({ file: join(tempDir(), 'store.sqlite'), collections: [collection] }), TypeError)
    })
  }

  it('one name declared in two ways is a TypeError, the same way twice is not', async () => {
    const file = join(tempDir(), 'store.sqlite')
    await assert.rejects(openSqlite({ file, collections: [THINGS, { ...THINGS, queries: {} }] }), TypeError)
    await (await openSqlite({ file, collections: [THINGS, { ...THINGS }] })).close()
  })
})
