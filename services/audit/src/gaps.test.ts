import assert from 'node:assert/strict'
import type { RecordBatch } from '@lockkeeper/transparency-log'
import { BatchMissing, Gaps } from './gaps.ts'

const ignore = (): void => undefined
const batch = (firstSeq: number, { writer = 'one', bytes = 10 }: { readonly writer?: string, readonly bytes?: number } = {}): RecordBatch =>
  ({ writer, firstSeq, lastSeq: firstSeq, lines: ['x'.repeat(bytes)], bodies: [] }) as unknown as RecordBatch

/** In the order in which they ended. */
function watched(): { readonly ended: string[], watch(name: string, wait: Promise<void>): Promise<void> } {
  const ended: string[] = []
  return { ended, watch: (name, wait) => wait.then(() => { ended.push(`${name} goes on`) }, (error: unknown) => { ended.push(`${name} ${error instanceof BatchMissing ? 'is given back' : String(error)}`) }) }
}

describe('batches that came before the one they follow', () => {
  it('go on once that was taken, and only those of its writer that follow it', async () => {
    const gaps = new Gaps({ waitMs: 1_000, holdMs: 1_000 })
    const { ended, watch } = watched()
    const waits = [watch('2', gaps.wait(batch(2), 0, ignore)), watch('3', gaps.wait(batch(3), 0, ignore)), watch('other', gaps.wait(batch(2, { writer: 'two' }), 0, ignore))]
    gaps.arrived(batch(1))
    await waits[0]
    assert.deepEqual(ended, ['2 goes on'])
    gaps.arrived(batch(2))
    gaps.arrived(batch(1, { writer: 'two' }))
    await Promise.all(waits)
    assert.deepEqual(ended, ['2 goes on', '3 goes on', 'other goes on'])
  })

  it('are late after a while and held beyond it, so that the bus need not bring them again', async () => {
    const gaps = new Gaps({ waitMs: 10, holdMs: 60_000 })
    const late = Promise.withResolvers<void>()
    const { ended, watch } = watched()
    const wait = watch('2', gaps.wait(batch(2), 0, late.resolve))
    await late.promise
    assert.deepEqual(ended, [])
    gaps.arrived(batch(1))
    await wait
    assert.deepEqual(ended, ['2 goes on'])
  })

  it('are given back once they were held for so long, and without being held where that is not wanted', async () => {
    for (const holdMs of [10, 30]) {
      const { ended, watch } = watched()
      await watch('2', new Gaps({ waitMs: 10, holdMs }).wait(batch(2), 0, ignore))
      assert.deepEqual(ended, ['2 is given back'])
    }
  })

  it('are not held any longer when the service stops, but waited for as before', async () => {
    const gaps = new Gaps({ waitMs: 20, holdMs: 60_000 })
    const late = Promise.withResolvers<void>()
    const { ended, watch } = watched()
    const wait = watch('2', gaps.wait(batch(2), 0, late.resolve))
    await late.promise
    const young = watch('3', gaps.wait(batch(3), 0, ignore))
    gaps.stop()
    await wait
    assert.deepEqual(ended, ['2 is given back'])
    await young
    assert.deepEqual(ended, ['2 is given back', '3 is given back'])
  })

  for (const [what, count, bytes] of [['are too many', 256, 10], ['are too large', 4, 8 * 1024 * 1024]] as const) {
    it(`invariant 8: where they ${what} the furthest ahead goes back, so that there is room for the missing one`, async () => {
      const gaps = new Gaps({ waitMs: 60_000, holdMs: 60_000 })
      const { ended, watch } = watched()
      const waits = Array.from({ length: count }, (_, index) => watch(`${index}`, gaps.wait(batch(1_000 - index, { bytes }), 0, ignore)))
      const forged = watch('forged', gaps.wait(batch(Number.MAX_SAFE_INTEGER, { writer: 'two', bytes }), 0, ignore))
      await forged
      assert.deepEqual(ended, ['forged is given back'])
      const near = watch('near', gaps.wait(batch(2, { bytes }), 0, ignore))
      await waits[0]
      assert.deepEqual(ended, ['forged is given back', '0 is given back'])
      gaps.arrived(batch(1_000))
      await Promise.all([near, ...waits])
      assert.equal(ended.filter((text) => text.endsWith('goes on')).length, count)
    })
  }
})
