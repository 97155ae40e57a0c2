/** What the console keeps so that every instance knows it, and a restart too: who is signed in, and what was begun in a browser. */
import type { PersonId } from '@lockkeeper/domain'
import type { Collection } from '@lockkeeper/domain/ports'

/** Id = hash of the id in the browser's cookie: whoever reads the store is signed in by nothing that stands there. */
export interface SessionDocument {
  readonly person: PersonId
  readonly startedAt: number
  /** Written anew once a minute at most. */
  readonly usedAt: number
  readonly deleteAt: number
}
export const sessionDocuments: Collection<SessionDocument> = {
  name: 'console-sessions',
  ttlField: 'deleteAt',
  queries: { byPerson: { equal: ['person'], order: { field: 'startedAt', direction: 'desc' } } },
}

/** Id = hash of the state or nonce that comes back. */
export interface BegunDocument {
  /** Hash of the secret in the cookie of the browser that began it. */
  readonly browser: string
  /** What it is about, as the routes wrote it. */
  readonly value: object
  /** Epoch ms from which it is over. */
  readonly deleteAt: number
}
export const begunDocuments: Collection<BegunDocument> = { name: 'console-begun', ttlField: 'deleteAt', queries: {} }

/** Links of mails that were opened; each opens once. Id = hash of the link's token. */
export interface OpenedLinkDocument { readonly approval: string, readonly person: PersonId, readonly at: number, readonly deleteAt: number }
export const openedLinks: Collection<OpenedLinkDocument> = { name: 'console-opened-links', ttlField: 'deleteAt', queries: {} }

export const collections: readonly Collection[] = [sessionDocuments, begunDocuments, openedLinks]
