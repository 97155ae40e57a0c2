import assert from 'node:assert/strict'
import { callUpstream } from '../test-client.ts'
import type { CallOptions, Parsed, Reply } from '../test-client.ts'
import { startSandboxUpstream } from '../upstream.ts'
import type { SandboxUpstream } from '../upstream.ts'

const B = '/storage/v1/b'
const UPLOAD = '/upload/storage/v1/b/agent-workspace/o'

describe('Cloud Storage of the sandbox', () => {
  let upstream: SandboxUpstream

  beforeEach(async () => { upstream = await startSandboxUpstream({ largeListing: 2_500 }) })
  afterEach(() => upstream.close())

  const call = (target: string, options?: CallOptions): Promise<Reply> => callUpstream(upstream, target.replace(' ', ' storage.googleapis.com'), options)
  const put = async (name: string, body: Uint8Array, query = ''): Promise<Parsed> => (await call(`POST ${UPLOAD}?uploadType=media&name=${encodeURIComponent(name)}${query}`, { body })).json()
  const content = (name: string): Buffer | undefined => upstream.world.storage.buckets.get('agent-workspace')?.objects.get(name)?.content

  it('buckets are made, listed, changed and deleted, and a full one is kept', async () => {
    assert.equal((await call(`POST ${B}?project=p`, { body: { name: 'fresh-bucket' } })).status, 200)
    assert.equal((await call(`POST ${B}?project=p`, { body: { name: 'fresh-bucket' } })).status, 409)
    assert.equal((await call(`POST ${B}?project=p`, { body: { name: 'Not A Name' } })).status, 400)
    const patched = (await call(`PATCH ${B}/fresh-bucket`, { body: { labels: { a: '1' }, name: 'other' } })).json()
    assert.deepEqual([patched.name, patched.labels, patched.metageneration], ['fresh-bucket', { a: '1' }, '2'])
    assert.equal((await call(`PATCH ${B}/fresh-bucket?ifMetagenerationMatch=1`, { body: {} })).status, 412)
    assert.ok((await call(`GET ${B}?project=p`)).json().items.some(({ name }: { name: string }) => name === 'fresh-bucket'))
    assert.equal((await call(`DELETE ${B}/customer-exports`)).status, 409)
    assert.equal((await call(`DELETE ${B}/fresh-bucket`)).status, 204)
    assert.equal((await call(`GET ${B}/fresh-bucket`)).status, 404)
  })

  it('a bucket\'s policy is written under its etag only', async () => {
    const before = (await call(`GET ${B}/agent-workspace/iam`)).json()
    const bindings = [{ role: 'roles/storage.objectViewer', members: ['group:readers@sandbox.example.com'] }]
    const after = (await call(`PUT ${B}/agent-workspace/iam`, { body: { bindings, etag: before.etag } })).json()
    assert.deepEqual(after.bindings, bindings)
    assert.notEqual(after.etag, before.etag)
    assert.equal((await call(`PUT ${B}/agent-workspace/iam`, { body: { bindings: [], etag: before.etag } })).status, 412)
    assert.equal((await call(`PUT ${B}/agent-workspace/iam`, { body: { bindings: [{ role: 'roles/x', members: ['nobody'] }] } })).status, 400)
    assert.deepEqual((await call(`GET ${B}/agent-workspace/iam/testPermissions?permissions=storage.objects.get&permissions=storage.objects.list`)).json().permissions, ['storage.objects.get', 'storage.objects.list'])
  })

  it('a listing is complete and in order over any number of pages', async () => {
    const names: string[] = []
    let token = ''
    do {
      const page = (await call(`GET ${B}/large-listing/o?maxResults=700&pageToken=${token}`)).json()
      names.push(...page.items.map(({ name }: { name: string }) => name))
      token = page.nextPageToken ?? ''
    } while (token !== '')
    assert.equal(names.length, 2_500)
    assert.deepEqual(names, names.toSorted())
  })

  it('prefix and delimiter fold names into prefixes', async () => {
    const top = (await call(`GET ${B}/customer-exports/o?delimiter=/`)).json()
    assert.deepEqual([top.prefixes, top.items.map(({ name }: { name: string }) => name)], [['exports/', 'profiles/'], ['README.txt']])
    const paged = (await call(`GET ${B}/customer-exports/o?delimiter=/&maxResults=1`)).json()
    assert.equal(typeof paged.nextPageToken, 'string')
    const rest = (await call(`GET ${B}/customer-exports/o?delimiter=/&pageToken=${paged.nextPageToken}`)).json()
    assert.deepEqual(rest.prefixes, ['exports/', 'profiles/'])
    assert.equal((await call(`GET ${B}/customer-exports/o?prefix=exports/2026-01/`)).json().items.length, 2)
  })

  for (const name of ['plain.txt', 'a/b c/d+e.txt', '100%.txt', 'ümläut/日本.txt', '..', 'x?y#z', 'k'.repeat(900), 'with%2Fescape']) {
    it(`the object name ${name.slice(0, 20)} survives unchanged`, async () => {
      assert.equal((await put(name, Buffer.from('x'))).name, name)
      assert.equal((await call(`GET ${B}/agent-workspace/o/${encodeURIComponent(name)}`)).json().name, name)
    })
  }

  it('links name Google\'s own hosts, so that a gateway must rewrite them', async () => {
    const object = await put('linked', Buffer.from('x'))
    assert.equal(object.mediaLink, `https://storage.googleapis.com/download${B}/agent-workspace/o/linked?generation=${object.generation}&alt=media`)
    assert.match(object.selfLink, /^https:\/\/www\.googleapis\.com\//)
  })

  it('owners are shown where the full projection is asked for', async () => {
    const path = `GET ${B}/customer-exports/o/README.txt`
    assert.equal((await call(path)).json().owner, undefined)
    assert.match((await call(`${path}?projection=full`)).json().owner.entity, /@sandbox\.example\.com$/)
  })

  const conditions: readonly (readonly [string, (generation: string) => string, number])[] = [
    ['ifGenerationMatch with the present generation', (g) => `ifGenerationMatch=${g}`, 200],
    ['ifGenerationMatch with another', () => 'ifGenerationMatch=1', 412],
    ['ifGenerationMatch=0 where something is', () => 'ifGenerationMatch=0', 412],
    ['ifGenerationNotMatch with another', () => 'ifGenerationNotMatch=1', 200],
    ['ifGenerationNotMatch with the present one', (g) => `ifGenerationNotMatch=${g}`, 412],
    ['ifMetagenerationMatch with another', () => 'ifMetagenerationMatch=9', 412],
    ['a precondition that is no number', () => 'ifGenerationMatch=abc', 400],
  ]
  for (const [title, query, status] of conditions) {
    it(`${title} answers ${status} and only then changes`, async () => {
      const { generation } = await put('guarded', Buffer.from('old'))
      const reply = await call(`POST ${UPLOAD}?uploadType=media&name=guarded&${query(generation)}`, { body: Buffer.from('new') })
      assert.equal(reply.status, status)
      assert.equal(content('guarded')?.toString(), status === 200 ? 'new' : 'old')
    })
  }

  it('a read whose NotMatch fails is 304 without a body', async () => {
    const { generation } = await put('cached', Buffer.from('x'))
    const reply = await call(`GET ${B}/agent-workspace/o/cached?ifGenerationNotMatch=${generation}`)
    assert.deepEqual([reply.status, reply.bytes.length], [304, 0])
  })

  it('a patch merges, removes with null, and grows the metageneration only', async () => {
    const { generation } = await put('meta', Buffer.from('x'))
    await call(`PATCH ${B}/agent-workspace/o/meta`, { body: { metadata: { a: '1', b: '2' }, cacheControl: 'no-store' } })
    const patched = (await call(`PATCH ${B}/agent-workspace/o/meta`, { body: { metadata: { a: null }, size: '999', generation: '5' } })).json()
    assert.deepEqual([patched.metadata, patched.cacheControl, patched.size, patched.generation, patched.metageneration], [{ b: '2' }, 'no-store', '1', generation, '3'])
  })

  const ranges: readonly (readonly [string, number, string, string?])[] = [
    ['bytes=0-3', 206, '0123', 'bytes 0-3/10'], ['bytes=7-', 206, '789', 'bytes 7-9/10'], ['bytes=-2', 206, '89', 'bytes 8-9/10'], ['bytes=5-99', 206, '56789', 'bytes 5-9/10'],
    ['bytes=5-2', 200, '0123456789'], ['lines=1-2', 200, '0123456789'], ['bytes=0-1,4-5', 200, '0123456789'],
  ]
  for (const [range, status, expected, contentRange] of ranges) {
    it(`Range ${range} answers ${status}`, async () => {
      await put('ten', Buffer.from('0123456789'))
      for (const path of [`${B}/agent-workspace/o/ten?alt=media`, `/download${B}/agent-workspace/o/ten?alt=media`]) {
        const reply = await call(`GET ${path}`, { headers: { range } })
        assert.deepEqual([reply.status, reply.bytes.toString(), reply.headers['content-range']], [status, expected, contentRange])
        assert.match(String(reply.headers['x-goog-hash']), /^crc32c=[^,]+,md5=/)
      }
    })
  }

  it('a range beyond the end is 416 with the size', async () => {
    await put('ten', Buffer.from('0123456789'))
    const reply = await call(`GET ${B}/agent-workspace/o/ten?alt=media`, { headers: { range: 'bytes=10-' } })
    assert.deepEqual([reply.status, reply.headers['content-range']], [416, 'bytes */10'])
  })

  it('copy, rewrite and compose make new objects and leave their sources', async () => {
    const { generation } = await put('one', Buffer.from('AB'))
    await put('two', Buffer.from('CD'))
    const o = `${B}/agent-workspace/o`
    assert.equal((await call(`POST ${o}/one/copyTo/b/agent-workspace/o/one%2Fcopy`, { body: {} })).json().name, 'one/copy')
    const rewritten = (await call(`POST ${o}/one/rewriteTo/b/old-backups/o/one?ifSourceGenerationMatch=${generation}`, { body: {} })).json()
    assert.deepEqual([rewritten.done, rewritten.objectSize, rewritten.resource.bucket], [true, '2', 'old-backups'])
    assert.equal((await call(`POST ${o}/one/copyTo/b/agent-workspace/o/x?ifSourceGenerationMatch=1`, { body: {} })).status, 412)
    const composed = (await call(`POST ${o}/joined/compose`, { body: { sourceObjects: [{ name: 'one', generation }, { name: 'two' }], destination: { contentType: 'text/plain' } } })).json()
    assert.deepEqual([composed.size, composed.componentCount, composed.md5Hash], ['4', 2, undefined])
    assert.equal(content('joined')?.toString(), 'ABCD')
    assert.equal((await call(`POST ${o}/joined/compose`, { body: { sourceObjects: [{ name: 'one', objectPreconditions: { ifGenerationMatch: '1' } }] } })).status, 412)
    assert.equal((await call(`POST ${o}/joined/compose`, { body: { sourceObjects: [{ name: 'absent' }] } })).status, 404)
  })

  it('a deleted object is gone, and a generation that is not live is not found', async () => {
    const { generation } = await put('gone', Buffer.from('x'))
    assert.equal((await call(`GET ${B}/agent-workspace/o/gone?generation=1`)).status, 404)
    assert.equal((await call(`DELETE ${B}/agent-workspace/o/gone?generation=${generation}`)).status, 204)
    assert.equal((await call(`DELETE ${B}/agent-workspace/o/gone`)).status, 404)
  })
})
