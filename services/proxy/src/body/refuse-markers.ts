/**
 * Media on its way upstream. Content that holds a masking marker is stopped in the middle: its length or its last chunk never
 * arrives, so the upstream commits nothing, and what the marker stands for is not destroyed (invariant 9).
 */
import { Readable } from 'node:stream'
import { LockkeeperError } from '@lockkeeper/domain/errors'
import { marker } from '@lockkeeper/masking'
import { timedChunks } from './timed-chunks.ts'

const START = marker('').slice(0, -1)
const PATTERN = new RegExp(START.replace('[', '\\['), 'i')

interface MarkerGuard {
  /** Throws MASKED_VALUE_WRITTEN. */
  check(chunk: Uint8Array): void
}

/** Finds the beginning of a marker in plain bytes, in any chunking and any case. Compressed or encoded content is not opened. */
function createMarkerGuard(): MarkerGuard {
  let tail = ''
  return {
    check(chunk) {
      const text = Buffer.from(chunk.buffer, chunk.byteOffset, chunk.byteLength).toString('latin1')
      const seam = tail + text.slice(0, START.length)
      if (PATTERN.test(text) || (tail !== '' && PATTERN.test(seam))) {
        throw new LockkeeperError('MASKED_VALUE_WRITTEN', 'The upload holds a marker that stands for a value that was masked for you. It was stopped before its end, so nothing was stored. Leave the marker out, or send the real value.')
      }
      tail = (text.length >= START.length ? text : tail + text).slice(1 - START.length)
    },
  }
}

/** The stream to send. Errors: MASKED_VALUE_WRITTEN, REQUEST_INVALID (the client stopped sending), ClientLeft. The source is not destroyed. */
export function refuseMarkers(source: AsyncIterable<Uint8Array>, onBytes: (count: number) => void = () => undefined, idleMs?: number): Readable {
  async function* checked(): AsyncGenerator<Uint8Array> {
    const guard = createMarkerGuard()
    for await (const chunk of timedChunks(source, idleMs)) {
      guard.check(chunk)
      onBytes(chunk.length)
      yield chunk
    }
  }
  return Readable.from(checked(), { objectMode: false })
}
