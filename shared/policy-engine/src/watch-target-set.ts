/** The published targets in force at a reader: verified, read strictly, swapped whole. */
import type { Clock, Mode } from '@lockkeeper/domain'
import type { BlobStore, DocumentStore } from '@lockkeeper/domain/ports'
import { TARGETS_ID } from './collections.ts'
import type { VerifyKey } from './signed-facts.ts'
import type { TargetConfig } from './target-document.ts'
import { decodeTargets, verifyTargetsPointer, type SignedTargetsPointer, type TargetsPointer } from './target-set.ts'
import { watchPublication, type Loaded, type PublicationWatch } from './watch-publication.ts'

export interface TargetSetWatchOptions {
  readonly store: Pick<DocumentStore, 'read' | 'watch'>
  readonly blobs: Pick<BlobStore, 'read'>
  /** Keys of the policy service that are trusted: the present one and, while it changes, the next. */
  readonly keys: readonly VerifyKey[]
  readonly clock: Clock
  readonly mode: Mode
  /** What else is wrong with a set here; such a set is not put in force. */
  readonly problems?: ((targets: readonly TargetConfig[]) => readonly string[]) | undefined
  /** Called with the text of each new problem, and with undefined when it is over. */
  readonly onProblem?: ((problem: string | undefined) => void) | undefined
  /** Called after each swap. */
  readonly onTargets?: ((targets: readonly TargetConfig[]) => void) | undefined
}

export type TargetSetWatch = PublicationWatch<readonly TargetConfig[]>

export function watchTargetSet(options: TargetSetWatchOptions): TargetSetWatch {
  const { store, clock, keys, onProblem, onTargets } = options
  return watchPublication<SignedTargetsPointer, readonly TargetConfig[]>({
    what: 'target set', id: TARGETS_ID, fault: (pointer) => verifyTargetsPointer(pointer, keys), load: (pointer) => load(pointer, options),
  }, { store, clock, onProblem, onSwap: onTargets })
}

async function load({ key, version }: TargetsPointer, { blobs, mode, problems }: TargetSetWatchOptions): Promise<Loaded<readonly TargetConfig[]>> {
  const name = version.slice(0, 12)
  const bytes = await blobs.read(key)
  if (bytes === undefined) throw new Error(`target set ${name} is not in the store`)
  const read = decodeTargets(bytes, version, mode)
  if ('problem' in read) return read
  const [problem] = problems?.(read.targets) ?? []
  return problem === undefined ? { value: read.targets } : { problem: `target set ${name} is not good here: ${problem}` }
}
