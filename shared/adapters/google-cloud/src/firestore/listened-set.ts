/**
 * What one listen target has told so far, as a set of documents. The stream gives single changes and, now and then, the word that
 * they are complete up to a moment: only then does a set come out. Pure; the stream's life is watch.ts.
 */
import type { Doc, WatchChange } from '@lockkeeper/domain/ports'
import { decodeDocument, epochMs, idOf } from './encoding.ts'
import type { ListenMessage } from './firestore-client.ts'

const TARGET = 1

/** A watched set is held in memory by whoever watches. */
const MAX_WATCHED = 100_000

export type Heard =
  /** Not yet complete. */
  | { readonly kind: 'more' }
  /** Complete up to now; `changes` may be empty. */
  | { readonly kind: 'complete', readonly changes: readonly WatchChange<object>[] }
  /** What is known here and there differ in number: the set must be asked for anew. */
  | { readonly kind: 'differs' }
  /** The server gave the target up. */
  | { readonly kind: 'ended', readonly code: number | undefined, readonly message: string }

interface Pending { readonly doc: Doc | undefined, readonly at: number }

const MORE: Heard = { kind: 'more' }
const TOO_MANY: Heard = { kind: 'ended', code: undefined, message: `more than ${MAX_WATCHED} documents would be watched` }

export class ListenedSet {
  /** Version of each document that was delivered last. */
  readonly #known = new Map<string, string>()
  readonly #pending = new Map<string, Pending>()
  /** The whole set is being sent: what is not in it is gone. */
  #whole = true
  #current = false
  #resumeToken: Uint8Array | undefined

  get resumeToken(): Uint8Array | undefined { return this.#resumeToken }

  has(id: string): boolean { return this.#known.has(id) }

  /** A new stream begins, which goes on after the last complete moment or, without a token, sends the whole set. */
  restart(options: { readonly forget?: boolean } = {}): void {
    if (options.forget === true) this.#resumeToken = undefined
    this.#pending.clear()
    this.#current = false
    this.#whole = this.#resumeToken === undefined
  }

  hear(message: ListenMessage): Heard {
    if (message.targetChange) return this.#target(message.targetChange)
    if (message.documentChange) return this.#document(message.documentChange)
    const gone = message.documentDelete?.document ?? message.documentRemove?.document
    if (gone !== undefined) return this.#note(idOf(gone), undefined, Infinity)
    if (message.filter) return message.filter.count === this.#size() ? MORE : { kind: 'differs' }
    return MORE
  }

  #target({ targetChangeType, targetIds, cause, resumeToken }: NonNullable<ListenMessage['targetChange']>): Heard {
    if (targetIds !== undefined && targetIds.length > 0 && !targetIds.includes(TARGET)) return MORE
    switch (targetChangeType) {
      case 'CURRENT': this.#current = true; return MORE
      case 'RESET': this.restart({ forget: true }); return MORE
      case 'REMOVE': return { kind: 'ended', code: cause?.code, message: cause?.message ?? '' }
      case 'NO_CHANGE': return this.#current && (targetIds ?? []).length === 0 ? this.#complete(resumeToken) : MORE
      default: return MORE
    }
  }

  #document({ document, targetIds = [], removedTargetIds = [] }: NonNullable<ListenMessage['documentChange']>): Heard {
    if (typeof document?.name !== 'string') return MORE
    if (targetIds.includes(TARGET)) return this.#note(idOf(document.name), decodeDocument(document), epochMs(document.updateTime))
    return removedTargetIds.includes(TARGET) ? this.#note(idOf(document.name), undefined, Infinity) : MORE
  }

  #note(id: string, doc: Doc | undefined, at: number): Heard {
    this.#pending.set(id, { doc, at })
    return this.#pending.size > MAX_WATCHED ? TOO_MANY : MORE
  }

  /** In the order in which they were written; what left the set comes last, because nothing tells when it did. */
  #complete(resumeToken: Uint8Array | undefined): Heard {
    if (this.#whole) {
      for (const id of this.#known.keys()) if (!this.#pending.has(id)) this.#pending.set(id, { doc: undefined, at: Infinity })
    }
    const sorted = [...this.#pending].sort(([, one], [, two]) => one.at === two.at ? 0 : one.at - two.at)
    const changes = sorted.flatMap(([id, { doc }]): WatchChange<object>[] => {
      if (doc === undefined) return this.#known.delete(id) ? [{ id }] : []
      if (this.#known.get(id) === doc.version) return []
      this.#known.set(id, doc.version)
      return [{ id, doc }]
    })
    this.#pending.clear()
    this.#whole = false
    if ((resumeToken?.length ?? 0) > 0) this.#resumeToken = resumeToken
    return this.#known.size > MAX_WATCHED ? TOO_MANY : { kind: 'complete', changes }
  }

  /** Of the set as it will be once what is pending is complete. */
  #size(): number {
    let size = this.#whole ? 0 : this.#known.size
    for (const [id, { doc }] of this.#pending) {
      const before = !this.#whole && this.#known.has(id)
      if (doc !== undefined && !before) size += 1
      if (doc === undefined && before) size -= 1
    }
    return size
  }
}
