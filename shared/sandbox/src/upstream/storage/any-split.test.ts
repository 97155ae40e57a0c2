import assert from 'node:assert/strict'
import fc from 'fast-check'
import { systemClock } from '@lockkeeper/domain'
import type { Exchange } from '../routes.ts'
import { createWorld } from '../world.ts'
import { addBucket } from './buckets.ts'
import { parseRelated } from './multipart.ts'
import { receiveChunk } from './resumable.ts'

const Q = 256 * 1024

function put(world: ReturnType<typeof createWorld>, body: Buffer, range: string, complete = true): number {
  const exchange = { verb: 'PUT', query: new URLSearchParams({ upload_id: 'u' }), headers: { 'content-range': range }, params: { bucket: 'b' }, body, complete } as unknown as Exchange
  return receiveChunk(world, exchange).status ?? 200
}

describe('uploads of the sandbox', () => {
  it('any split into chunks, with chunks that broke off and were sent again, gives the same object', () => {
    fc.assert(fc.property(fc.array(fc.record({ quanta: fc.integer({ min: 1, max: 3 }), sent: fc.double({ min: 0, max: 1, noNaN: true }) }), { maxLength: 4 }), fc.integer({ min: 1, max: 1_000 }), (chunks, tail) => {
      const world = createWorld(systemClock)
      addBucket(world, 'b')
      world.storage.uploads.set('u', { bucket: 'b', name: 'o', metadata: {}, query: new URLSearchParams(), size: undefined, chunks: [], persisted: 0 })
      const size = chunks.reduce((sum, { quanta }) => sum + quanta * Q, tail)
      const whole = Buffer.alloc(size, 'abcdefghijklmnopqrstuvwxyz0')
      let at = 0
      for (const { quanta, sent } of chunks) {
        const end = at + quanta * Q
        const range = `bytes ${at}-${end - 1}/*`
        put(world, whole.subarray(at, at + Math.floor((end - at) * sent)), range, false)
        assert.equal(put(world, whole.subarray(at, end), range), 308)
        at = end
      }
      assert.equal(put(world, whole.subarray(at), `bytes ${at}-${size - 1}/${size}`), 200)
      assert.ok(world.storage.buckets.get('b')?.objects.get('o')?.content.equals(whole))
    }), { numRuns: 25 })
  })

  it('any content survives a multipart upload, whatever looks like a boundary in it', () => {
    fc.assert(fc.property(fc.array(fc.oneof(fc.uint8Array({ maxLength: 50 }).map((bytes) => Buffer.from(bytes)), fc.constantFrom('\r\n', '--', '\r\n--', '\r\n--boun', 'boundary').map((text) => Buffer.from(text))), { maxLength: 12 }), (pieces) => {
      const content = Buffer.concat(pieces)
      // A sender chooses a boundary that no line of its content begins with (RFC 2046 section 5.1.1).
      fc.pre(!Buffer.concat([Buffer.from('\r\n'), content]).includes('\r\n--boundary'))
      const body = Buffer.concat([Buffer.from('--boundary\r\ncontent-type: application/json\r\n\r\n{"name":"x"}\r\n--boundary\r\ncontent-type: text/plain\r\n\r\n'), content, Buffer.from('\r\n--boundary--')])
      const parts = parseRelated('multipart/related; boundary=boundary', body)
      assert.deepEqual([parts.metadata, parts.contentType, parts.content.equals(content)], [{ name: 'x' }, 'text/plain', true])
    }))
  })

  const broken: readonly (readonly [string, string, string])[] = [
    ['no boundary', 'multipart/related', '--b\r\n\r\n{}\r\n--b--'], ['another type', 'multipart/mixed; boundary=b', '--b\r\n\r\n{}\r\n--b\r\n\r\nx\r\n--b--'], ['no end', 'multipart/related; boundary=b', '--b\r\n\r\n{}\r\n--b\r\n\r\nx'],
    ['one part', 'multipart/related; boundary=b', '--b\r\n\r\n{}\r\n--b--'], ['three parts', 'multipart/related; boundary=b', '--b\r\n\r\n{}\r\n--b\r\n\r\nx\r\n--b\r\n\r\ny\r\n--b--'],
    ['metadata that is no JSON', 'multipart/related; boundary=b', '--b\r\n\r\nnope\r\n--b\r\n\r\nx\r\n--b--'], ['nothing at all', 'multipart/related; boundary=b', ''], ['a part without end of headers', 'multipart/related; boundary=b', '--b\r\nx: y\r\n--b\r\n\r\nx\r\n--b--'],
  ]
  for (const [title, type, body] of broken) {
    it(`a multipart body with ${title} is refused`, () => { assert.throws(() => parseRelated(type, Buffer.from(body)), { code: 400 }) })
  }

  it('a session and the whole store have an end', () => {
    const world = createWorld(systemClock)
    addBucket(world, 'b')
    world.storage.uploads.set('u', { bucket: 'b', name: 'o', metadata: {}, query: new URLSearchParams(), size: undefined, chunks: [], persisted: 96 * 1024 * 1024 })
    assert.throws(() => put(world, Buffer.alloc(Q), `bytes ${96 * 1024 * 1024}-${96 * 1024 * 1024 + Q - 1}/*`), { code: 413 })
    world.storage.storedBytes = 512 * 1024 * 1024
    world.storage.uploads.set('u', { bucket: 'b', name: 'o', metadata: {}, query: new URLSearchParams(), size: undefined, chunks: [], persisted: 0 })
    assert.throws(() => put(world, Buffer.from('x'), 'bytes 0-0/1'), { code: 403, reason: 'quotaExceeded' })
  })
})
