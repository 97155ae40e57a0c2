/** Firestore commits: each write is bound to the document as it was read, and what it changes there is told field by field. Pure. */
import type { Catalog } from '@lockkeeper/catalog'
import { isRefusal, type Refusal } from '@lockkeeper/domain/errors'
import { isJsonObject, serialise, type Json, type JsonObject } from '@lockkeeper/domain/json'
import type { OtherState, StateChange } from '@lockkeeper/domain/ports'
import type { Classified } from '../passage.ts'
import { changed, textAt, withBody } from './bind-call.ts'
import { documentOf, writesOf, type BoundOthers, type Documents } from './other-states.ts'
import type { OwnRead } from './resource-read.ts'
import { at, clip, MAX_CHANGES, MAX_NAME } from './state-changes.ts'

const MAX_STATES = 50
/** Members of a path: three for each level of nesting. */
const MAX_DEPTH = 60
const SIMPLE_PATH = /^[A-Za-z_][A-Za-z_0-9]*(?:\.[A-Za-z_][A-Za-z_0-9]*)*$/

/** What batchGet tells of each name: the document, or that there is none. */
type Found = ReadonlyMap<string, { readonly index: number, readonly document: JsonObject | undefined }>

/** STATE_CHANGED where a write names another state of its document than the present one. */
export function bindDocuments(classified: Classified, { names, left }: Documents, read: OwnRead, mask: (value: JsonObject, read: OwnRead) => JsonObject | undefined, catalog: Pick<Catalog, 'checkBody'>): BoundOthers | Refusal {
  const { body, method } = classified.call
  if (body.kind !== 'json') throw new TypeError('a commit without a body has no documents')
  const found = foundIn(read.value)
  const bound = bindWrites(writesOf(body.value), found)
  if (isRefusal(bound)) return bound
  const next = bound.places.length === 0 ? body.value : catalog.checkBody(method, { ...body.value, writes: bound.writes })
  const taken = !isRefusal(next)
  const { changes, more } = changesOf(writesOf(body.value), found, read.value === undefined ? undefined : mask(read.value, read))
  const states = bound.states.map((state) => taken ? state : { ...state, bound: false })
  return {
    classified: taken && bound.places.length > 0 ? withBody(classified, next, bound.places) : classified,
    bound: left === 0 && states.every((state) => state.bound), states: states.slice(0, MAX_STATES), more: Math.max(0, states.length - MAX_STATES),
    versions: names.map((name) => [name, textAt(found.get(name)?.document, ['updateTime']) ?? 'none']), changes, moreChanges: more,
  }
}

function foundIn(value: JsonObject | undefined): Found {
  const found = new Map<string, { index: number, document: JsonObject | undefined }>()
  const items = Array.isArray(value?.['items']) ? value['items'] as readonly Json[] : []
  for (const [index, item] of items.entries()) {
    if (!isJsonObject(item)) continue
    const { found: document, missing } = item
    if (isJsonObject(document) && typeof document['name'] === 'string') found.set(document['name'], { index, document })
    else if (typeof missing === 'string') found.set(missing, { index, document: undefined })
  }
  return found
}

interface BoundWrites { readonly writes: readonly Json[], readonly places: readonly string[], readonly states: readonly OtherState[] }

/** Of several writes of one document the first is bound: the later ones see what it has made. */
function bindWrites(writes: readonly Json[], found: Found): BoundWrites | Refusal {
  const places: string[] = []
  const states = new Map<string, OtherState>()
  const next: Json[] = []
  for (const [index, write] of writes.entries()) {
    const target = documentOf(write)
    const known = target === undefined ? undefined : found.get(target.name)
    next.push(write)
    if (target === undefined || states.has(target.name) || !isJsonObject(write)) continue
    const own = write['currentDocument']
    const state = (bound: boolean): void => void states.set(target.name, { role: 'document', name: clip(target.name), ...known === undefined ? {} : { exists: known.document !== undefined }, bound, facts: factsOf(target.kind, known?.document) })
    if (known === undefined) state(false)
    else if (own !== undefined) {
      if (!holds(own, known.document)) return changed(`writes.${index}.currentDocument`)
      state(textAt(own, ['updateTime']) !== undefined || known.document === undefined)
    } else {
      const precondition = target.kind === 'transform' ? undefined : preconditionOf(target.kind, known.document)
      if (precondition !== undefined) {
        next[index] = { ...write, currentDocument: precondition }
        places.push(`body.writes.${index}.currentDocument`)
      }
      state(precondition !== undefined)
    }
  }
  return { writes: next, places, states: [...states.values()] }
}

function preconditionOf(kind: 'update' | 'delete', document: JsonObject | undefined): JsonObject | undefined {
  const updateTime = textAt(document, ['updateTime'])
  if (updateTime !== undefined) return { updateTime }
  return document === undefined && kind === 'update' ? { exists: false } : undefined
}

function holds(own: Json, document: JsonObject | undefined): boolean {
  if (!isJsonObject(own)) return true
  const { exists } = own
  const updateTime = textAt(own, ['updateTime'])
  if (typeof exists === 'boolean' && exists !== (document !== undefined)) return false
  return updateTime === undefined || updateTime === textAt(document, ['updateTime'])
}

const DOES = { update: 'is written', delete: 'is deleted', transform: 'is transformed' } as const

function factsOf(kind: keyof typeof DOES, document: JsonObject | undefined): OtherState['facts'] {
  const updateTime = textAt(document, ['updateTime'])
  return [['does', DOES[kind]], ...updateTime === undefined ? [] : [['updated', clip(updateTime)] as const]]
}

/** Fields that updates change, from what was read; `masked` is the answer of batchGet as people may see it. */
function changesOf(writes: readonly Json[], found: Found, masked: JsonObject | undefined): { readonly changes: readonly StateChange[], readonly more: number } {
  const changes: StateChange[] = []
  let more = 0
  for (const [index, write] of writes.entries()) {
    const target = documentOf(write)
    const known = target?.kind === 'update' ? found.get(target.name) : undefined
    if (known === undefined || !isJsonObject(write)) continue
    for (const field of fieldsOf(write, known.document)) {
      const [was, becomes] = [at(known.document, field), at(write, ['update', ...field])]
      if ((was === undefined ? undefined : serialise(was)) === (becomes === undefined ? undefined : serialise(becomes))) continue
      if (changes.length >= MAX_CHANGES || field.length > MAX_DEPTH || field.some((part) => part.length > MAX_NAME)) more += 1
      else changes.push({ path: ['writes', String(index), 'update', ...field], ...was === undefined ? {} : { before: shown(masked, known.index, field) } })
    }
  }
  return { changes, more }
}

function shown(masked: JsonObject | undefined, index: number, field: readonly string[]): string {
  const value = masked === undefined ? undefined : at(masked, ['items', String(index), 'found', ...field])
  return value === undefined ? '(not shown)' : clip(serialise(value))
}

/** Paths of fields that a write may change: those of its mask, else all of the document and of what takes its place. */
function fieldsOf(write: JsonObject, document: JsonObject | undefined): readonly (readonly string[])[] {
  const mask = at(write, ['updateMask', 'fieldPaths'])
  if (Array.isArray(mask)) return (mask as readonly Json[]).flatMap((path) => typeof path === 'string' ? [pathOf(path)] : [])
  const names = (value: Json | undefined): readonly string[] => isJsonObject(value) ? Object.keys(value) : []
  return [...new Set([...names(at(document, ['fields'])), ...names(at(write, ['update', 'fields']))])].map((name) => ['fields', name])
}

/** `a.b` is the field b of the map a; a name in backquotes is one field. */
function pathOf(path: string): readonly string[] {
  if (!SIMPLE_PATH.test(path)) return ['fields', path.replace(/^`([^`\\]*)`$/, '$1')]
  return ['fields', ...path.split('.').flatMap((name, index) => index === 0 ? [name] : ['mapValue', 'fields', name])]
}
