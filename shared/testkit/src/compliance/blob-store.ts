import { strict as assert } from 'node:assert'
import type { BlobStore } from '@lockkeeper/domain/ports'
import type { OpenedBlobs } from './subjects.ts'

const bytes = (text: string): Uint8Array => new TextEncoder().encode(text)

/** Keys that could leave the store, collide on some file system, or hide. */
const HOSTILE_KEYS = [
  '', '/', '/a', 'a/', 'a//b', '.', '..', '../a', 'a/..', 'a/../b', './a', 'a/./b', 'A', 'a b', 'a\\b', 'a\u0000', 'a\nb', 'ü', 'a=', 'a%2e', 'a:b', '~', '*',
  '\uff0e\uff0e/a', 'x'.repeat(201), `${'x/'.repeat(600)}x`,
]

/** Every rule of the BlobStore port. `open` gives an empty store. */
export function blobStoreCompliance(name: string, open: () => Promise<OpenedBlobs>): void {
  describe(`${name} keeps the contract of a BlobStore`, () => {
    let opened: OpenedBlobs
    const blobs = (): BlobStore => opened.blobs
    beforeEach(async () => { opened = await open() })
    afterEach(async () => { await opened.close() })

    it('an absent blob reads as undefined', async () => {
      assert.equal(await blobs().read('bundles/1'), undefined)
      assert.equal(await blobs().read('bundles'), undefined)
    })

    it('bytes come back as they were created, none and all values too', async () => {
      const all = Uint8Array.from({ length: 70_000 }, (_, index) => index % 256)
      assert.equal(await blobs().create('a/all', all), 'created')
      assert.equal(await blobs().create('a/none', new Uint8Array()), 'created')
      assert.deepEqual(new Uint8Array(await blobs().read('a/all') ?? []), all)
      assert.equal((await blobs().read('a/none'))?.byteLength, 0)
    })

    it('the same bytes again are `exists`; other bytes are a TypeError and change nothing', async () => {
      assert.equal(await blobs().create('log/1', bytes('one')), 'created')
      assert.equal(await blobs().create('log/1', bytes('one')), 'exists')
      await assert.rejects(blobs().create('log/1', bytes('two')), TypeError)
      assert.deepEqual(new Uint8Array(await blobs().read('log/1') ?? []), bytes('one'))
    })

    it('of concurrent creates of one key one is `created`', async () => {
      const answers = await Promise.all(Array.from({ length: 8 }, () => blobs().create('race', bytes('same'))))
      assert.deepEqual(answers.sort(), ['created', ...Array.from({ length: 7 }, () => 'exists')])
    })

    it('a key and keys below it do not disturb each other', async () => {
      for (const key of ['a', 'a/b', 'a/b/c', 'a.tmp', 'a-b']) assert.equal(await blobs().create(key, bytes(key)), 'created')
      for (const key of ['a', 'a/b', 'a/b/c', 'a.tmp', 'a-b']) assert.deepEqual(new Uint8Array(await blobs().read(key) ?? []), bytes(key))
      await blobs().remove('a')
      assert.equal(await blobs().read('a'), undefined)
      assert.notEqual(await blobs().read('a/b'), undefined)
    })

    it('keys are listed in ascending order, by prefix, after a key, up to the limit', async () => {
      const keys = ['a', 'a-b', 'a.b', 'a/b', 'a/b/c', 'a0', 'b', 'b/a', 'ab/x', 'b_/y']
      for (const key of keys) await blobs().create(key, bytes(key))
      const sorted = [...keys].sort()
      assert.deepEqual(await blobs().list('', { limit: 100 }), sorted)
      for (const prefix of ['a', 'a/', 'a/b', 'b', 'zz', 'a/b/c']) assert.deepEqual(await blobs().list(prefix, { limit: 100 }), sorted.filter(key => key.startsWith(prefix)), prefix)
      for (const after of [...keys, 'a/', 'aa', '']) assert.deepEqual(await blobs().list('', { after, limit: 100 }), sorted.filter(key => key > after), after)
      assert.deepEqual(await blobs().list('a', { after: 'a-b', limit: 2 }), ['a.b', 'a/b'])
    })

    it('a prefix that names nothing inside lists nothing', async () => {
      await blobs().create('a', bytes('a'))
      for (const prefix of ['../', '/', '..', '*']) assert.deepEqual(await blobs().list(prefix, { limit: 10 }), [], prefix)
    })

    it('a limit outside of 1 to 10,000 is a TypeError', async () => {
      for (const limit of [0, -1, 1.5, 10_001, Number.NaN]) await assert.rejects(blobs().list('', { limit }), TypeError)
    })

    it('removing twice is no error, and a removed key can be created again', async () => {
      await blobs().create('a', bytes('one'))
      await blobs().remove('a')
      await blobs().remove('a')
      assert.equal(await blobs().create('a', bytes('two')), 'created')
    })

    for (const key of HOSTILE_KEYS) {
      it(`the key ${JSON.stringify(key.length > 40 ? `${key.slice(0, 40)}…` : key)} is a TypeError`, async () => {
        await assert.rejects(blobs().create(key, bytes('x')), TypeError)
        await assert.rejects(blobs().read(key), TypeError)
        await assert.rejects(blobs().remove(key), TypeError)
      })
    }

    it('blobs are there after a restart', async function () {
      if (opened.reopen === undefined) return this.skip()
      await blobs().create('a/b', bytes('kept'))
      opened = await opened.reopen()
      assert.deepEqual(new Uint8Array(await blobs().read('a/b') ?? []), bytes('kept'))
      assert.equal(await blobs().create('a/b', bytes('kept')), 'exists')
    })
  })
}
