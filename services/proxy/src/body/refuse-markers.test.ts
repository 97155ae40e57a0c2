import assert from 'node:assert/strict'
import { PassThrough } from 'node:stream'
import fc from 'fast-check'
import { LockkeeperError } from '@lockkeeper/domain/errors'
import { refuseMarkers } from './refuse-markers.ts'
import { ClientLeft, timedChunks } from './timed-chunks.ts'

async function* chunked(bytes: Buffer, points: readonly number[]): AsyncGenerator<Uint8Array> {
  const places = [0, ...points.map((point) => point % (bytes.length + 1)).sort((a, b) => a - b), bytes.length]
  for (let index = 1; index < places.length; index++) yield bytes.subarray(places[index - 1], places[index])
}
async function collect(stream: AsyncIterable<Uint8Array>): Promise<Buffer> {
  const parts: Uint8Array[] = []
  for await (const part of stream) parts.push(part)
  return Buffer.concat(parts)
}
const isMarked = (error: unknown): boolean => error instanceof LockkeeperError && error.reason === 'MASKED_VALUE_WRITTEN'

describe('media on its way upstream', () => {
  it('invariant 9: a masking marker stops it, in any chunking and case', async () => {
    const markers = fc.constantFrom('[lockkeeper:masked:email]', '[LOCKKEEPER:Masked:phone:3]', '[lockkeeper:masked:')
    await fc.assert(fc.asyncProperty(fc.string(), markers, fc.string(), fc.array(fc.nat(), { maxLength: 12 }), async (before, marker, after, points) => {
      await assert.rejects(collect(refuseMarkers(chunked(Buffer.from(before + marker + after), points))), isMarked)
    }))
  })

  it('other bytes come through as they are, and are counted', async () => {
    await fc.assert(fc.asyncProperty(fc.uint8Array({ maxLength: 300 }), fc.array(fc.nat(), { maxLength: 6 }), async (bytes, points) => {
      let counted = 0
      const out = await collect(refuseMarkers(chunked(Buffer.from(bytes), points), (count) => { counted += count }))
      assert.deepEqual([out, counted], [Buffer.from(bytes), bytes.length])
    }))
  })

  it('what only begins like a marker passes', async () => {
    const text = '[lockkeeper:masked [lockkeeper: [[lockkeeper:maske'
    assert.equal((await collect(refuseMarkers(chunked(Buffer.from(text), [...[...text].keys()])))).toString(), text)
  })

  it('a sender that stops in the middle is not waited for', async () => {
    const source = new PassThrough()
    source.write('a')
    await assert.rejects(collect(refuseMarkers(source, undefined, 20)), (error) => error instanceof LockkeeperError && error.reason === 'REQUEST_INVALID')
    assert.equal(source.destroyed, false)
  })

  it('a reader may take its time', async () => {
    const source = new PassThrough()
    source.end('abc')
    const chunks = timedChunks(source, 20)
    await chunks.next()
    await new Promise((resolve) => setTimeout(resolve, 60))
    assert.equal((await chunks.next()).done, true)
  })

  it('a sender that leaves is told from one that sends nonsense', async () => {
    const source = new PassThrough()
    source.write('a')
    setImmediate(() => source.destroy())
    await assert.rejects(collect(refuseMarkers(source)), ClientLeft)
  })

  it('a reader that stops leaves the source open', async () => {
    const source = new PassThrough()
    source.write('a')
    for await (const chunk of refuseMarkers(source)) {
      assert.equal(Buffer.from(chunk as Uint8Array).toString(), 'a')
      break
    }
    assert.equal(source.destroyed, false)
  })
})
