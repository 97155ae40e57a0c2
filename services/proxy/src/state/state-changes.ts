/** Which members of a body are not as they were read, for the card: what they were is masked, and everything is bounded. Pure. */
import type { Call } from '@lockkeeper/domain'
import { isJsonObject, serialise, type Json, type JsonObject } from '@lockkeeper/domain/json'
import type { StateChange, StateFacts } from '@lockkeeper/domain/ports'
import { stateRuleOf } from './state-rules.ts'

export const MAX_CHANGES = 50
const MAX_SHOWN = 300
const MAX_DEPTH = 20
const MAX_PLACES = 5_000
export const MAX_NAME = 200

/** A replaced resource's output-only members come back by themselves. */
const OUTPUT_ONLY: ReadonlySet<string> = new Set([
  'kind', 'id', 'selfLink', 'etag', 'fingerprint', 'generation', 'metageneration', 'timeCreated', 'updated', 'creationTimestamp', 'creationTime', 'createTime', 'updateTime', 'lastModifiedTime',
  'projectNumber', 'name', 'uid', 'status', 'type', 'numBytes', 'numRows', 'numLongTermBytes', 'md5Hash', 'crc32c', 'size', 'mediaLink', 'storageClass', 'timeStorageClassUpdated', 'owner',
])

interface Found { readonly path: readonly string[] }
interface Search { readonly found: Found[], places: number, more: number }

/** `masked` is `state` as people may see it; undefined: nothing of it may be shown. */
export function stateChanges(call: Call, state: JsonObject, masked: JsonObject | undefined): Pick<StateFacts, 'changes' | 'moreChanges'> {
  const { body, method } = call
  if (body.kind !== 'json' || method.id.endsWith('.setIamPolicy')) return {}
  const base = baseOf(call)
  const before = at(state, base)
  if (!isJsonObject(before)) return {}
  const search: Search = { found: [], places: 0, more: 0 }
  compareMembers([], before, body.value, search, method.verb === 'POST')
  for (const name of left(call, before, body.value)) note([name], search)
  const changes = search.found.map(({ path }): StateChange => {
    const shown = masked === undefined ? null : at(masked, [...base, ...path])
    const was = at(before, path) === undefined ? undefined : masked === undefined ? '(not shown)' : clip(shown === undefined ? '(not shown)' : serialise(shown))
    return { path, ...was === undefined ? {} : { before: was } }
  })
  return { ...changes.length === 0 ? {} : { changes }, ...search.more === 0 ? {} : { moreChanges: search.more } }
}

/** `metadata` for setMetadata: its body is a part of what was read. */
function baseOf({ method }: Call): readonly string[] {
  const binding = stateRuleOf(method).bind.find(({ put, name, from }) => put === 'body' && name !== from)
  return binding === undefined || binding.name.includes('.') ? [] : binding.from.split('.').slice(0, -1)
}

/** `known`: only members that the state has too, because the body is a message of its own. */
function compareMembers(path: readonly string[], before: JsonObject, after: JsonObject, search: Search, known: boolean): void {
  for (const name of Object.keys(after)) {
    if (known && !Object.hasOwn(before, name)) continue
    compare([...path, name], Object.hasOwn(before, name) ? before[name] : undefined, after[name] as Json, search)
  }
}

function compare(path: readonly string[], before: Json | undefined, after: Json, search: Search): void {
  search.places++
  if (search.places > MAX_PLACES || path.length > MAX_DEPTH || path.some((name) => name.length > MAX_NAME)) return void search.more++
  if (isJsonObject(before) && isJsonObject(after)) return compareMembers(path, before, after, search, false)
  if (Array.isArray(before) && Array.isArray(after)) {
    const [old, next] = [before as readonly Json[], after as readonly Json[]]
    for (let index = 0; index < Math.max(old.length, next.length) && search.places <= MAX_PLACES; index++) {
      if (index < next.length) compare([...path, String(index)], old[index], next[index] as Json, search)
      else note([...path, String(index)], search)
    }
    return
  }
  if (before === undefined ? after !== null : serialise(before) !== serialise(after)) note(path, search)
}

function note(path: readonly string[], search: Search): void {
  if (search.found.length < MAX_CHANGES) search.found.push({ path })
  else search.more++
}

/** What is cleared by leaving it out: members that the update mask names, and of a whole replacement everything that people can set. */
function left({ method, arguments: given }: Call, before: JsonObject, after: JsonObject): readonly string[] {
  const mask = given['updateMask']
  if (mask !== undefined) return [...new Set(mask.split(',').map((path) => camelCase((path.split('.')[0] ?? '').trim())))].filter((name) => Object.hasOwn(before, name) && !Object.hasOwn(after, name))
  return method.verb === 'PUT' ? Object.keys(before).filter((name) => !Object.hasOwn(after, name) && !OUTPUT_ONLY.has(name)) : []
}

function camelCase(name: string): string {
  return name.replaceAll(/_([a-z0-9])/g, (_, letter: string) => letter.toUpperCase())
}

export function at(value: Json | undefined, [name, ...rest]: readonly string[]): Json | undefined {
  if (name === undefined) return value
  if (Array.isArray(value)) return at((value as readonly Json[])[Number(name)], rest)
  return isJsonObject(value) && Object.hasOwn(value, name) ? at(value[name], rest) : undefined
}

export function clip(text: string): string {
  return text.length <= MAX_SHOWN ? text : `${text.slice(0, MAX_SHOWN)}…`
}
