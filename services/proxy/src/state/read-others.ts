/** Reads what a call depends on beside the resource that it names: the sources of a copy, the documents of a commit. */
import { isRefusal, type Refusal } from '@lockkeeper/domain/errors'
import type { Passage, Witnesses } from '../passage.ts'
import type { Parts } from '../parts.ts'
import { documentsOf, sourcesOf, type Documents, type Source } from './other-states.ts'
import { ownRead } from './own-read.ts'
import type { OwnRead } from './resource-read.ts'

/** `read`: the first of them, for what an approver is told of the reading. */
export type OtherReads =
  | { readonly kind: 'sources', readonly read: OwnRead, readonly sources: readonly { readonly source: Source, readonly read: OwnRead }[] }
  | { readonly kind: 'documents', readonly read: OwnRead, readonly documents: Documents }

/** Sources that are read at the same time. */
const AT_ONCE = 8

/** Undefined: there are none. Refusals as of `ownRead`. */
export async function readOthers(passage: Passage & Pick<Witnesses, 'verified' | 'classified'>, parts: Parts): Promise<OtherReads | Refusal | undefined> {
  const { call } = passage.classified
  const documents = documentsOf(call, parts.catalog)
  if (documents !== undefined) {
    const read = await ownRead('the documents that the call writes', documents.plan, passage, parts)
    return isRefusal(read) ? read : { kind: 'documents', read, documents }
  }
  const waiting = sourcesOf(call, parts.catalog)
  const sources: { source: Source, read: OwnRead }[] = []
  for (let from = 0; from < waiting.length; from += AT_ONCE) {
    const some = waiting.slice(from, from + AT_ONCE)
    const reads = await Promise.all(some.map(({ plan }) => ownRead('a source of the call', plan, passage, parts)))
    for (const [index, read] of reads.entries()) {
      if (isRefusal(read)) return read
      sources.push({ source: some[index] as Source, read })
    }
  }
  const [first] = sources
  return first === undefined ? undefined : { kind: 'sources', read: first.read, sources }
}
