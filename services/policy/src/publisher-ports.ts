/** What publishing needs, and what is to be published. */
import type { Clock, Method } from '@lockkeeper/domain'
import type { BlobStore, DocumentStore, Signer } from '@lockkeeper/domain/ports'
import type { PolicyDocument, SignedPointer, SignedTargetsPointer, TargetsDocument } from '@lockkeeper/policy-engine'

export interface PublisherPorts {
  readonly documents: DocumentStore
  readonly blobs: BlobStore
  readonly signer: Signer
  readonly clock: Clock
}

/** What names the set in force. */
export interface InForce {
  readonly pointer?: SignedPointer
  readonly targets?: SignedTargetsPointer
}

export interface ToPublish {
  readonly documents: readonly PolicyDocument[]
  /** Undefined: what was published before stays. */
  readonly targets?: TargetsDocument | undefined
  readonly methods: readonly Method[]
  readonly by: string
  /** `unless-ours`: only where this key has not signed what is in force. Default `always`. */
  readonly when?: 'always' | 'unless-ours'
  /** What this service has seen in force: nothing that readers would take for older is published. Default: nothing. */
  readonly seen?: InForce
}
