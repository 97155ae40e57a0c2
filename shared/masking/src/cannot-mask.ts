import { LockkeeperError } from '@lockkeeper/domain/errors'

/** Reason CANNOT_MASK. The text names a place at most, never content. */
export function cannotMask(why: string): LockkeeperError {
  return new LockkeeperError('CANNOT_MASK', `The answer must be masked and cannot be inspected: ${why}. It was not released.`)
}
