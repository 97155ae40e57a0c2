/** Binds a call to what it depends on beside the resource that it names, and says what that is. Pure. */
import type { Catalog } from '@lockkeeper/catalog'
import { isRefusal, type Refusal } from '@lockkeeper/domain/errors'
import { isJsonObject, type Json, type JsonObject } from '@lockkeeper/domain/json'
import type { OtherState } from '@lockkeeper/domain/ports'
import type { Parts } from '../parts.ts'
import type { Classified, Witnesses } from '../passage.ts'
import { changed, putArgument, textAt, withBody } from './bind-call.ts'
import { bindDocuments } from './bind-documents.ts'
import type { BoundOthers, Source } from './other-states.ts'
import type { OtherReads } from './read-others.ts'
import type { OwnRead } from './resource-read.ts'
import { shownToPeople } from './shown-state.ts'
import { clip } from './state-changes.ts'

type Needs = Pick<Witnesses, 'decided'>
type SourceRead = { readonly source: Source, readonly read: OwnRead }

/** STATE_CHANGED where the agent names another state of one of them than the present one. */
export function bindOthers(classified: Classified, reads: OtherReads, passage: Needs, parts: Pick<Parts, 'catalog' | 'maskers'>): BoundOthers | Refusal {
  const mask = (value: JsonObject, { reader }: OwnRead): JsonObject | undefined => shownToPeople(value, reader, passage.decided.decision.obligations.mask, parts.maskers)
  if (reads.kind === 'documents') return bindDocuments(classified, reads.documents, reads.read, mask, parts.catalog)
  let current = classified
  const states: OtherState[] = []
  for (const { source, read } of reads.sources) {
    const bound = source.index === undefined ? bindCopy(current, { source, read }, parts.catalog) : bindPart(current, { source, read }, source.index, parts.catalog)
    if (isRefusal(bound)) return bound
    current = bound.classified
    const shown = read.value === undefined ? undefined : mask(read.value, read)
    states.push({ role: 'source', name: clip(source.name), exists: read.value !== undefined, bound: bound.bound, facts: factsOf(read.value, shown) })
  }
  return {
    classified: current, bound: states.every(({ bound }) => bound), states, more: 0, changes: [], moreChanges: 0,
    versions: reads.sources.map(({ source: { name }, read: { value } }) => [name, value === undefined ? 'none' : ['generation', 'metageneration', 'timeCreated'].map((field) => textAt(value, [field]) ?? '').join(' ')]),
  }
}

/** A version that is named cannot become another one. */
function bindCopy(classified: Classified, { source, read }: SourceRead, catalog: Pick<Catalog, 'match'>): { readonly classified: Classified, readonly bound: boolean } | Refusal {
  const generation = textAt(read.value, ['generation'])
  if (generation === undefined || source.pinned) return { classified, bound: generation !== undefined }
  const part = putArgument(['ifSourceGenerationMatch', generation], classified, catalog)
  return isRefusal(part) ? part : { classified: filled(part.classified, part.filled), bound: part.bound }
}

/** The part of a composition is pinned to the generation that was read. */
function bindPart(classified: Classified, { source, read }: SourceRead, index: number, catalog: Pick<Catalog, 'checkBody'>): { readonly classified: Classified, readonly bound: boolean } | Refusal {
  const { body, method } = classified.call
  const generation = textAt(read.value, ['generation'])
  const sources = body.kind === 'json' ? body.value['sourceObjects'] : undefined
  const part: Json | undefined = Array.isArray(sources) ? sources[index] as Json : undefined
  if (generation === undefined || body.kind !== 'json' || !isJsonObject(part)) return { classified, bound: false }
  const own = textAt(part, ['objectPreconditions', 'ifGenerationMatch'])
  if (own !== undefined && own !== generation) return changed(`sourceObjects.${index}.objectPreconditions.ifGenerationMatch`)
  if (source.pinned || own !== undefined) return { classified, bound: true }
  const next = catalog.checkBody(method, { ...body.value, sourceObjects: (sources as readonly Json[]).map((each, at) => at === index ? { ...part, generation } : each) })
  return isRefusal(next) ? { classified, bound: false } : { classified: withBody(classified, next, [`body.sourceObjects.${index}.generation`]), bound: true }
}

function filled(classified: Classified, place: string | undefined): Classified {
  return place === undefined ? classified : { ...classified, call: { ...classified.call, bound: [...classified.call.bound ?? [], place] } }
}

function factsOf(value: JsonObject | undefined, shown: JsonObject | undefined): OtherState['facts'] {
  const fact = (name: string, from: JsonObject | undefined): OtherState['facts'] => {
    const text = textAt(from, [name])
    return text === undefined ? [] : [[name, clip(text)]]
  }
  return [...fact('generation', value), ...fact('size', shown), ...fact('contentType', shown), ...fact('updated', shown)]
}
