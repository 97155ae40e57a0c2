import assert from 'node:assert/strict'
import { PortUnavailable, type BlobStore } from '@lockkeeper/domain/ports'
import { blobStoreCompliance, startStorageServer, STORAGE_BUCKET, type StorageFault, type StorageServer } from '@lockkeeper/testkit'
import { bucketClient } from './bucket-client.ts'
import { cloudStorageBlobs, readRetention, RetentionNotMet, type CloudStorageSettings } from './index.ts'

const bytes = (text: string): Uint8Array => new TextEncoder().encode(text)
const settings = (server: StorageServer, extra: Partial<CloudStorageSettings> = {}): CloudStorageSettings => ({ bucket: STORAGE_BUCKET, endpoint: server.origin, retryDelayMs: 1, timeoutMs: 2000, ...extra })

for (const [name, prefix] of [['a bucket of its own', undefined], ['a prefix of a shared bucket', 'audit/v1/']] as const) {
  blobStoreCompliance(`Cloud Storage (a server that answers by the JSON API), ${name},`, async () => {
    const server = await startStorageServer()
    // Of somebody else, in the same bucket.
    if (prefix !== undefined) for (const foreign of ['audit/v0/a', 'audit/v1', 'audit/v2/a', 'a']) server.objects.set(foreign, bytes('foreign'))
    const open = (): BlobStore => cloudStorageBlobs(settings(server, prefix === undefined ? {} : { prefix }))
    const opened = { blobs: open(), close: () => server.close(), reopen: async () => ({ ...opened, blobs: open() }) }
    return opened
  })
}

describe('google-cloud: Cloud Storage', () => {
  let server: StorageServer
  let blobs: BlobStore
  const open = (extra: Partial<CloudStorageSettings> = {}): void => { blobs = cloudStorageBlobs(settings(server, extra)) }

  beforeEach(async () => {
    server = await startStorageServer()
    open()
  })
  afterEach(() => server.close())

  it('a create names generation 0, so that nothing is ever replaced, whatever the bucket allows', async () => {
    await blobs.create('a', bytes('one'))
    assert.deepEqual(server.requests.map(({ query }) => query['ifGenerationMatch']), ['0'])
  })

  it('services with prefixes of their own do not see each other', async () => {
    open({ prefix: 'audit/' })
    await blobs.create('a', bytes('one'))
    assert.deepEqual([...server.objects.keys()], ['audit/a'])
    open({ prefix: 'policy/' })
    assert.equal(await blobs.read('a'), undefined)
    assert.deepEqual(await blobs.list('', { limit: 10 }), [])
  })

  it('a list goes on over pages, also short and empty ones, and leaves out what can be no key', async () => {
    server.pageSize = 3
    const keys = Array.from({ length: 10 }, (_, index) => `k/${index}`)
    for (const key of [...keys, 'k/', 'K/UP', 'k/a b']) server.objects.set(key, bytes(''))
    assert.deepEqual(await blobs.list('', { limit: 100 }), keys)
    assert.deepEqual(await blobs.list('k/', { after: 'k/3', limit: 2 }), ['k/4', 'k/5'])
  })

  describe('retention', () => {
    it('a blob that it keeps is not removed, and that is said by an error of its own, at once', async () => {
      await blobs.create('log/1', bytes('kept'))
      server.held.add('log/1')
      await assert.rejects(blobs.remove('log/1'), (error: unknown) => error instanceof RetentionNotMet && error instanceof PortUnavailable && error.message.includes('retention'))
      assert.equal(server.requests.length, 2)
      assert.notEqual(await blobs.read('log/1'), undefined)
    })

    const policies: Readonly<Record<string, readonly [object | undefined, Awaited<ReturnType<typeof readRetention>>]>> = {
      'a locked policy': [{ retentionPeriod: '31536000', isLocked: true, effectiveTime: '2026-01-01T00:00:00Z' }, { seconds: 31_536_000, locked: true }],
      'a policy that can still be taken away': [{ retentionPeriod: '60' }, { seconds: 60, locked: false }],
      'none': [undefined, { seconds: 0, locked: false }],
      'what makes no sense': [{ retentionPeriod: '1e9 years', isLocked: 'true' }, { seconds: 0, locked: false }],
    }
    for (const [what, [policy, expected]] of Object.entries(policies)) {
      it(`the bucket's is told for what it is: ${what}`, async () => {
        server.retentionPolicy = policy
        assert.deepEqual(await readRetention(settings(server)), expected)
      })
    }

    it('invariant 10: a bucket that cannot be asked is PortUnavailable, never one without retention', async () => {
      server.fault = () => ({ status: 403, reason: 'forbidden' })
      await assert.rejects(readRetention(settings(server)), PortUnavailable)
    })

    it('a refusal for any other reason is no matter of retention', async () => {
      await blobs.create('log/1', bytes('kept'))
      server.fault = () => ({ status: 403, reason: 'forbidden' })
      await assert.rejects(blobs.remove('log/1'), (error: unknown) => error instanceof PortUnavailable && !(error instanceof RetentionNotMet))
    })
  })

  describe('invariant 10: what does not answer rightly is PortUnavailable', () => {
    const operations: Readonly<Record<string, () => Promise<unknown>>> = {
      create: () => blobs.create('b', bytes('two')), read: () => blobs.read('a'), list: () => blobs.list('', { limit: 10 }), remove: () => blobs.remove('a'),
    }
    const faults: Readonly<Record<string, readonly [StorageFault | 'silence' | 'reset', number]>> = {
      'an outage, after three attempts': [{ status: 503, reason: 'backendError' }, 3],
      'too many requests, after three attempts': [{ status: 429, reason: 'rateLimitExceeded' }, 3],
      'a cut connection, after three attempts': ['reset', 3],
      'silence, after three attempts': ['silence', 3],
      'a refusal, at once': [{ status: 403, reason: 'forbidden' }, 1],
      'an expired token, at once': [{ status: 401, reason: 'authError' }, 1],
      'a bucket that is not there, at once': [{ status: 404, reason: 'notFound', message: 'The specified bucket does not exist.' }, 1],
    }
    for (const [operation, run] of Object.entries(operations)) {
      for (const [what, [fault, attempts]] of Object.entries(faults)) {
        it(`${operation}: ${what}`, async () => {
          // The library is loaded, which takes longer than the short time that follows.
          await blobs.list('', { limit: 1 })
          if (fault === 'silence') open({ timeoutMs: 150 })
          server.objects.set('a', bytes('one'))
          server.requests.length = 0
          server.fault = () => fault
          await assert.rejects(run(), PortUnavailable)
          assert.equal(server.requests.length, attempts)
        })
      }
      it(`${operation}: one failure that passes is not noticed`, async () => {
        server.objects.set('a', bytes('one'))
        server.fault = () => server.requests.length === 1 ? { status: 502, reason: 'backendError' } : undefined
        await run()
        assert.equal(server.requests.length, 2)
      })
    }

    it('a create whose answer was lost is `exists`, and was done once', async () => {
      server.fault = () => server.requests.length === 1 ? 'lost' : undefined
      assert.equal(await blobs.create('a', bytes('one')), 'exists')
      assert.deepEqual(server.objects.get('a'), Buffer.from('one'))
    })
  })

  describe('invariant 10: bytes that are not those that were stored are not handed out', () => {
    type Distort = NonNullable<StorageServer['distort']>
    const wrong: Readonly<Record<string, Distort>> = {
      'a changed byte': (answer) => ({ ...answer, bytes: bytes('onf') }),
      'a byte too few': (answer) => ({ ...answer, bytes: bytes('on') }),
      'another checksum': (answer) => ({ ...answer, headers: { ...answer.headers, 'x-goog-hash': 'crc32c=AAAAAA==' } }),
      'no checksum': (answer) => ({ ...answer, headers: {} }),
      'another kind of checksum alone': (answer) => ({ ...answer, headers: { ...answer.headers, 'x-goog-hash': 'md5=+Xp9xYGtFTn/0G7WNjDuZQ==' } }),
    }
    for (const [what, distort] of Object.entries(wrong)) {
      it(what, async () => {
        await blobs.create('a', bytes('one'))
        server.distort = distort
        await assert.rejects(blobs.read('a'), PortUnavailable)
        assert.equal(server.requests.length, 4)
      })
    }

    it('a body that ends early', async () => {
      await blobs.create('a', bytes('one'))
      server.distort = (answer) => ({ ...answer, headers: { ...answer.headers, 'content-length': '400' } })
      open({ timeoutMs: 50 })
      await assert.rejects(blobs.read('a'), PortUnavailable)
    })

    it('one wrong answer is asked for again', async () => {
      await blobs.create('a', bytes('one'))
      server.distort = (answer) => server.requests.length === 2 ? { ...answer, bytes: bytes('onf') } : answer
      assert.deepEqual(new Uint8Array(await blobs.read('a') ?? []), bytes('one'))
    })
  })

  describe('size', () => {
    it('a blob over the bound is not written, and not read further than that', async () => {
      open({ maxBytes: 1000 })
      await assert.rejects(blobs.create('a', new Uint8Array(1001)), TypeError)
      assert.equal(server.requests.length, 0)
      server.objects.set('big', new Uint8Array(5_000_000))
      await assert.rejects(blobs.read('big'), PortUnavailable)
      assert.equal(await blobs.create('a', new Uint8Array(1000)), 'created')
      assert.equal((await blobs.read('a'))?.byteLength, 1000)
    })

    it('what is there and over the bound is other bytes', async () => {
      open({ maxBytes: 1000 })
      server.objects.set('a', new Uint8Array(5000))
      await assert.rejects(blobs.create('a', new Uint8Array(1000)), TypeError)
    })
  })

  describe('settings that cannot work stop the start', () => {
    const bad: Readonly<Record<string, Partial<CloudStorageSettings>>> = {
      'no bucket': { bucket: '' },
      'a path as bucket': { bucket: 'a/../b' },
      'a prefix without its slash': { prefix: 'audit' },
      'a prefix that climbs': { prefix: '../' },
      'a slash as prefix': { prefix: '/' },
      'no attempts': { attempts: 0 },
      'no time': { timeoutMs: 0 },
      'no bound': { maxBytes: Number.POSITIVE_INFINITY },
      'invariant 14: a plain address of another machine': { endpoint: 'http://storage.example' },
      'an endpoint with a path': { endpoint: 'https://storage.example/x' },
    }
    for (const [what, extra] of Object.entries(bad)) it(what, () => { assert.throws(() => { open(extra) }, TypeError) })

    it('invariant 14: a variable that would lead blobs elsewhere, and invariant 3: one that would log them', () => {
      for (const name of ['STORAGE_EMULATOR_HOST', 'GOOGLE_SDK_NODE_LOGGING']) assert.throws(() => bucketClient({ bucket: STORAGE_BUCKET, timeoutMs: 1000 }, { [name]: 'x' }), { message: new RegExp(name) })
    })
  })

  it('invariant 14: a server on a plain address gets no credential', async () => {
    await blobs.create('a', bytes('one'))
    assert.deepEqual(server.requests.map(({ authorization }) => authorization), [undefined])
  })
})
