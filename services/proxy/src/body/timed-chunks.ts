/** The chunks of a body that a client sends, with a bound on how long it may stop in the middle. */
import { Readable } from 'node:stream'
import { LockkeeperError } from '@lockkeeper/domain/errors'

/** Ms that a client may send nothing in the middle of a body. */
export const BODY_IDLE_MS = 60_000

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
  let fail: (error: Error) => void = () => undefined
  const timer = setTimeout(() => fail(new LockkeeperError('REQUEST_INVALID', `The body stopped in the middle: nothing came for ${idleMs} ms.`)), idleMs)
  try {
    for (;;) {
      // Not Promise.race: it would keep every chunk for as long as the timer's promise lives.
      const { promise, resolve, reject } = Promise.withResolvers<IteratorResult<Uint8Array>>()
      fail = reject
      timer.refresh()
      chunks.next().then(resolve, (cause: unknown) => reject(cause instanceof LockkeeperError ? cause : new ClientLeft({ cause })))
      const next = await promise
      if (next.done === true) return
      yield next.value
    }
  } finally {
    clearTimeout(timer)
    // Queued behind a read that still waits; nothing depends on when it is done.
    void chunks.return?.()
  }
}
