/** Everything that a call says beside its method and resources, place by place, so that a pattern can bound each of them. Pure and bounded. */
import { isRefusal } from '@lockkeeper/domain/errors'
import { isJsonObject, JsonNumber, parseStrict, serialise, type Json } from '@lockkeeper/domain/json'
import type { CanonicalCall } from '@lockkeeper/domain/ports'

export interface Place {
  /** As a bound compares it: a string's own characters, JSON for the rest. */
  readonly text: string
  /** As it is compared where nothing bounds it: JSON, so that `"1"` and `1` differ, after where it stands. */
  readonly typed: string
}

/** Characters of a body that is looked into, and places of a call. */
const MAX_BODY = 256 * 1024
const MAX_PLACES = 2_000
const PLAIN_NAME = /^[A-Za-z0-9_-]+$/
/** No argument may pass for a part of the body. */
const BODY_NAME = /^(?:body|media)(?:$|[.[])/

/**
 * Arguments by their names, headers as `header.NAME`, leaves of a JSON body as `body.a.b[0]` (odd member names in quotes), of an upload
 * `media.type`, `media.size` and `media.checksum`. Undefined where the call is too large, or an argument could pass for another thing. The key that
 * only makes a repeat harmless is left out: it differs with every call and changes none.
 */
export function placesOf(call: CanonicalCall): ReadonlyMap<string, Place> | undefined {
  const places = new Map<string, Place>()
  let sound = true
  const put = (name: string, value: Json, from: 'argument' | 'header' | 'body' = 'body'): void => {
    if (places.has(name) || places.size >= MAX_PLACES || (from === 'argument' && BODY_NAME.test(name))) sound = false
    else places.set(name, { text: typeof value === 'string' ? value : serialise(value), typed: `${from} ${serialise(value)}` })
  }
  const walk = (name: string, value: Json): void => {
    if (!sound) return
    if (Array.isArray(value) && value.length > 0) value.forEach((each, index) => walk(`${name}[${index}]`, each as Json))
    else if (isJsonObject(value) && Object.keys(value).length > 0) for (const [member, inner] of Object.entries(value)) walk(PLAIN_NAME.test(member) ? `${name}.${member}` : `${name}[${JSON.stringify(member)}]`, inner)
    else put(name, value)
  }
  for (const [name, value] of Object.entries(call.arguments)) put(name, value, 'argument')
  for (const [name, value] of Object.entries(call.headers)) put(`header.${name}`, value, 'header')
  const body = bodyOf(call.body)
  if (body === undefined) return undefined
  for (const [name, value] of Object.entries(body)) walk(name, value)
  if (!sound) return undefined
  // What the gateway fills in follows the resource's state, which changes with every use.
  for (const name of call.bound ?? []) forget(places, name)
  if (call.dedupeKey !== undefined) for (const name of [call.dedupeKey, `body.${call.dedupeKey}`]) places.delete(name)
  return places
}

/** The place and all that stands in it; `bound` writes indexes between dots. */
function forget(places: Map<string, Place>, name: string): void {
  places.delete(name)
  if (name !== 'body' && !name.startsWith('body.')) return
  for (const place of places.keys()) if (`${place.replaceAll(/\[(\d+)\]/g, '.$1')}.`.startsWith(`${name}.`)) places.delete(place)
}

/** Undefined where it is not looked into. */
function bodyOf(body: CanonicalCall['body']): Readonly<Record<string, Json>> | undefined {
  if (body.kind === 'none') return {}
  if (body.kind === 'json') return parsed(body.text)
  const metadata = body.metadata === undefined ? {} : parsed(body.metadata)
  if (metadata === undefined) return undefined
  return {
    ...metadata, 'media.type': body.contentType,
    ...body.size === undefined ? {} : { 'media.size': new JsonNumber(String(body.size)) }, ...body.checksum === undefined ? {} : { 'media.checksum': body.checksum },
  }
}

function parsed(text: string): Readonly<Record<string, Json>> | undefined {
  if (text.length > MAX_BODY) return undefined
  const value = parseStrict(text)
  return isRefusal(value) ? undefined : { body: value }
}
