import assert from 'node:assert/strict'
import { randomBytes } from 'node:crypto'
import { connect } from 'node:net'
import { crc32cBase64 } from '../crc32c.ts'
import { callUpstream } from '../test-client.ts'
import type { CallOptions, Parsed, Reply } from '../test-client.ts'
import { startSandboxUpstream } from '../upstream.ts'
import type { SandboxUpstream } from '../upstream.ts'

const B = '/storage/v1/b'
const UPLOAD = '/upload/storage/v1/b/agent-workspace/o'
const Q = 256 * 1024

describe('uploads to the sandbox\'s Cloud Storage', () => {
  let upstream: SandboxUpstream

  beforeEach(async () => { upstream = await startSandboxUpstream() })
  afterEach(() => upstream.close())

  const call = (target: string, options?: CallOptions): Promise<Reply> => callUpstream(upstream, target.replace(' ', ' storage.googleapis.com'), options)
  const put = async (name: string, body: Uint8Array, query = ''): Promise<Parsed> => (await call(`POST ${UPLOAD}?uploadType=media&name=${encodeURIComponent(name)}${query}`, { body })).json()
  const content = (name: string): Buffer | undefined => upstream.world.storage.buckets.get('agent-workspace')?.objects.get(name)?.content

  for (const boundary of ['"plain"', '\'gcloud-quoted\'', 'bare']) {
    it(`a multipart upload with boundary=${boundary} keeps content and metadata apart`, async () => {
      const mark = boundary.replace(/["']/g, '')
      const media = Buffer.concat([randomBytes(3_000), Buffer.from('\r\n--not-the-boundary\r\n')])
      const body = Buffer.concat([
        Buffer.from(`--${mark}\r\ncontent-type: application/json\r\n\r\n{"name":"multi","metadata":{"k":"v"}}\r\n--${mark}\r\ncontent-type: image/png\r\n\r\n`), media, Buffer.from(`\r\n--${mark}--\r\n`),
      ])
      const reply = await call(`POST ${UPLOAD}?uploadType=multipart`, { body, headers: { 'content-type': `multipart/related; boundary=${boundary}` } })
      assert.deepEqual([reply.json().name, reply.json().contentType, reply.json().metadata], ['multi', 'image/png', { k: 'v' }])
      assert.deepEqual(content('multi'), media)
    })
  }

  it('content that does not match a declared checksum is refused', async () => {
    const wrong = crc32cBase64(Buffer.from('other'))
    const target = `POST ${UPLOAD}?uploadType=media&name=summed`
    assert.equal((await call(target, { body: Buffer.from('x'), headers: { 'x-goog-hash': `crc32c=${wrong}` } })).status, 400)
    assert.equal(content('summed'), undefined)
    assert.equal((await call(target, { body: Buffer.from('x'), headers: { 'x-goog-hash': `crc32c=${crc32cBase64(Buffer.from('x'))}` } })).status, 200)
  })

  const open = async (prefix = '/upload', headers: Readonly<Record<string, string>> = {}, query = ''): Promise<string> => {
    const reply = await call(`POST ${prefix}${B}/agent-workspace/o?uploadType=resumable&name=big${query}`, { body: {}, headers })
    const location = new URL(String(reply.headers.location))
    assert.equal(location.origin, 'https://storage.googleapis.com')
    return location.pathname + location.search
  }
  const chunk = (session: string, body: Uint8Array, range: string, headers: Readonly<Record<string, string>> = {}): Promise<Reply> => call(`PUT ${session}`, { body, headers: { 'content-range': range, ...headers } })

  for (const prefix of ['/upload', '/resumable/upload']) {
    it(`a resumable upload under ${prefix} goes on chunk by chunk and can be asked where it stands`, async () => {
      const bytes = randomBytes(2 * Q + 77)
      const session = await open(prefix)
      const first = await chunk(session, bytes.subarray(0, Q), `bytes 0-${Q - 1}/*`)
      assert.deepEqual([first.status, first.headers.range], [308, `bytes=0-${Q - 1}`])
      const asked = await chunk(session, Buffer.alloc(0), 'bytes */*')
      assert.deepEqual([asked.status, asked.headers.range], [308, `bytes=0-${Q - 1}`])
      assert.equal((await chunk(session, bytes.subarray(Q, 2 * Q), `bytes ${Q}-${2 * Q - 1}/*`)).status, 308)
      const last = await chunk(session, bytes.subarray(2 * Q), `bytes ${2 * Q}-${bytes.length - 1}/${bytes.length}`, { 'x-goog-hash': `crc32c=${crc32cBase64(bytes)}` })
      assert.deepEqual([last.status, last.json().size], [200, String(bytes.length)])
      assert.deepEqual(content('big'), bytes)
      assert.equal((await chunk(session, Buffer.alloc(0), `bytes */${bytes.length}`)).status, 200)
    })
  }

  it('a resumable upload of unknown length ends with its one request', async () => {
    const bytes = randomBytes(1_000)
    assert.equal((await chunk(await open(), bytes, 'bytes 0-*/*')).status, 200)
    assert.deepEqual(content('big'), bytes)
  })

  it('a whole upload needs no Content-Range', async () => {
    assert.equal((await call(`PUT ${await open()}`, { body: Buffer.from('all') })).status, 200)
    assert.equal(content('big')?.toString(), 'all')
  })

  it('a fresh session has nothing, and an unknown or cancelled one is not found', async () => {
    const session = await open()
    const asked = await chunk(session, Buffer.alloc(0), 'bytes */*')
    assert.deepEqual([asked.status, asked.headers.range], [308, undefined])
    assert.equal((await call(`DELETE ${session}`)).status, 499)
    assert.equal((await chunk(session, Buffer.alloc(0), 'bytes */*')).status, 404)
  })

  const wrongChunks: readonly (readonly [string, string, number])[] = [
    ['a gap', `bytes ${Q}-${2 * Q - 1}/*`, 400], ['a range that cannot be read', 'bytes zero-one/*', 400], ['another size than declared', `bytes 0-${Q - 1}/${Q}`, 400],
  ]
  for (const [title, range, status] of wrongChunks) {
    it(`${title} in a chunk is refused and nothing is stored`, async () => {
      const session = await open('/upload', { 'x-upload-content-length': String(3 * Q) })
      assert.equal((await chunk(session, Buffer.alloc(Q), range)).status, status)
      assert.equal((await chunk(session, Buffer.alloc(0), 'bytes */*')).headers.range, undefined)
    })
  }

  it('a chunk that is sent twice is stored once', async () => {
    const bytes = randomBytes(Q + 10)
    const session = await open()
    await chunk(session, bytes.subarray(0, Q), `bytes 0-${Q - 1}/*`)
    assert.equal((await chunk(session, bytes, `bytes 0-${bytes.length - 1}/${bytes.length}`)).status, 200)
    assert.deepEqual(content('big'), bytes)
  })

  it('a precondition of the start is checked again at the end', async () => {
    const session = await open('/upload', {}, '&ifGenerationMatch=0')
    await put('big', Buffer.from('someone was faster'))
    assert.equal((await call(`PUT ${session}`, { body: Buffer.from('mine') })).status, 412)
    assert.equal(content('big')?.toString(), 'someone was faster')
  })

  it('of a request that breaks off, whole quanta are kept', async () => {
    const session = await open()
    const socket = connect(Number(new URL(upstream.origin).port), '127.0.0.1')
    socket.write(`PUT ${session} HTTP/1.1\r\nhost: storage.googleapis.com\r\nauthorization: Bearer ${upstream.credential}\r\ncontent-range: bytes 0-${3 * Q - 1}/${3 * Q}\r\ncontent-length: ${3 * Q}\r\n\r\n`)
    await new Promise<void>((resolve, reject) => socket.write(Buffer.alloc(2 * Q + 5), (error) => error ? reject(error) : resolve()))
    await upstream.requests.waitFor({ method: 'PUT' })
    socket.end()
    const closed = new Promise((resolve) => socket.once('close', resolve))
    socket.resume()
    await closed
    const asked = await chunk(session, Buffer.alloc(0), 'bytes */*')
    assert.deepEqual([asked.status, asked.headers.range], [308, `bytes=0-${2 * Q - 1}`])
  })
})
