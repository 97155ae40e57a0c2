/** The bundle in force at a reader: verified, compiled beside the traffic, swapped whole. */
import { loadBundle, type LoadOptions } from './bundle-loader.ts'
import { verifyPointer, type SignedPointer } from './bundle.ts'
import { CURRENT_ID } from './collections.ts'
import type { Policy } from './policy.ts'
import type { VerifyKey } from './signed-facts.ts'
import { watchPublication, type PublicationWatch, type PublicationWatchOptions } from './watch-publication.ts'

export interface BundleWatchOptions extends LoadOptions, Pick<PublicationWatchOptions<Policy>, 'store' | 'onProblem'> {
  /** Keys of the policy service that are trusted: the present one and, while it changes, the next. */
  readonly keys: readonly VerifyKey[]
  /** Called after each swap. */
  readonly onPolicy?: (policy: Policy) => void
}

export type BundleWatch = PublicationWatch<Policy>

export function watchBundle(options: BundleWatchOptions): BundleWatch {
  const { store, clock, keys, onProblem, onPolicy } = options
  return watchPublication<SignedPointer, Policy>({
    what: 'bundle', id: CURRENT_ID, fault: (pointer) => verifyPointer(pointer, keys), load: (pointer) => loadBundle(pointer, options),
  }, { store, clock, onProblem, onSwap: onPolicy })
}
