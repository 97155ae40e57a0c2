/** Compressed answers are opened where their content must be seen: to mask it, to rewrite its links, to look for an echoed credential. */
import type { Transform } from 'node:stream'
import { createBrotliDecompress, createGunzip, createInflate } from 'node:zlib'

const OPENERS: Readonly<Record<string, () => Transform>> = { gzip: createGunzip, 'x-gzip': createGunzip, deflate: createInflate, br: createBrotliDecompress }

export function canOpen(encoding: string): boolean {
  return Object.hasOwn(OPENERS, encoding)
}

export interface OpenedBody {
  /** False: wait for `onDrain`. */
  write(chunk: Uint8Array): boolean
  end(): void
  pause(): void
  resume(): void
  destroy(): void
}

export interface OpenedBodyParts {
  readonly take: (chunk: Uint8Array) => void
  readonly end: () => void
  readonly fail: (cause: Error) => void
  readonly onDrain: () => void
}

/** TypeError for an encoding that `canOpen` refuses: our own mistake. A body that is cut off or corrupt fails. */
export function openBody(encoding: string, { take, end, fail, onDrain }: OpenedBodyParts): OpenedBody {
  const opener = canOpen(encoding) ? OPENERS[encoding] : undefined
  if (opener === undefined) throw new TypeError(`no opener for ${encoding}`)
  const stream = opener()
  stream.on('data', take)
  stream.once('end', end)
  stream.on('error', fail)
  stream.on('drain', onDrain)
  return {
    write: (chunk) => stream.write(chunk),
    end: () => void stream.end(),
    pause: () => void stream.pause(),
    resume: () => void stream.resume(),
    destroy: () => void stream.destroy(),
  }
}
