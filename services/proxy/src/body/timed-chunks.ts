/** The chunks of a body that a client sends, with a bound on how long it may stop in the middle. */
import { Readable } from 'node:stream'
import { LockkeeperError } from '@lockkeeper/domain/errors'

/** Ms that a client may send nothing in the middle of a body. */
const BODY_IDLE_MS = 60_000

/** The sender of a body went away before its end. */
export class ClientLeft extends Error {
  constructor(options?: { cause: unknown }) { super('the client left', options) }
}

/**
 * Throws ClientLeft when the source breaks off, REQUEST_INVALID when nothing comes for `idleMs`. Time that the reader takes does
 * not count. A reader that stops early leaves the source open: on a request's socket the answer still has to go back.
 */
export async function* timedChunks(source: AsyncIterable<Uint8Array>, idleMs: number = BODY_IDLE_MS): AsyncGenerator<Uint8Array> {
  const chunks = source instanceof Readable ? source.iterator({ destroyOnReturn: false }) as AsyncIterator<Uint8Array> : source[Symbol.asyncIterator]()
  try {
    for (;;) {
      const next = await within(idleMs, chunks.next())
      if (next.done === true) return
      yield next.value
    }
  } finally {
    // Queued behind a read that still waits; nothing depends on when it is done.
    void chunks.return?.()
  }
}

/** The timer runs only while somebody waits: a body that nobody reads on keeps nothing alive. */
async function within(ms: number, chunk: Promise<IteratorResult<Uint8Array>>): Promise<IteratorResult<Uint8Array>> {
  const { promise, resolve, reject } = Promise.withResolvers<IteratorResult<Uint8Array>>()
  const timer = setTimeout(() => reject(new LockkeeperError('REQUEST_INVALID', `The body stopped in the middle: nothing came for ${ms} ms.`)), ms).unref()
  chunk.then(resolve, (cause: unknown) => reject(cause instanceof LockkeeperError ? cause : new ClientLeft({ cause })))
  try {
    return await promise
  } finally {
    clearTimeout(timer)
  }
}
