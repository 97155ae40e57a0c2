/** Puts into a call what makes the API refuse it beside another state than the one that was read. Pure. */
import type { Catalog } from '@lockkeeper/catalog'
import type { Call } from '@lockkeeper/domain'
import { isRefusal, refuse, type Refusal } from '@lockkeeper/domain/errors'
import { isJsonObject, JsonNumber, serialise, type Json, type JsonObject } from '@lockkeeper/domain/json'
import type { Classified } from '../passage.ts'
import type { OwnRead } from './resource-read.ts'
import { stateRuleOf, type Binding } from './state-rules.ts'

export interface BoundCall {
  readonly classified: Classified
  /** The API itself refuses the call beside another state. */
  readonly bound: boolean
}

export interface Part extends BoundCall { readonly filled?: string }

/**
 * What the agent sent itself stays, and must be what was read: STATE_CHANGED otherwise. A precondition that the method does not take
 * where the table puts it is left out; the call is not `bound` then.
 */
export function bindCall(classified: Classified, read: OwnRead, catalog: Pick<Catalog, 'match' | 'checkBody'>): BoundCall | Refusal {
  let current = classified
  let bound = false
  const filled: string[] = []
  for (const binding of bindingsOf(classified.call)) {
    const wanted = wantedOf(binding, read)
    if (wanted === undefined) continue
    const part = put(binding.put, wanted, current, catalog)
    if (isRefusal(part)) return part
    current = part.classified
    bound ||= part.bound
    if (part.filled !== undefined) filled.push(part.filled)
  }
  if (filled.length === 0) return { classified: current, bound }
  return { classified: { ...current, call: { ...current.call, bound: filled } }, bound }
}

/** An object's version that the agent names cannot become another one; only its metadata can. */
function bindingsOf({ method, arguments: given, body }: Call): readonly Binding[] {
  const { bind } = stateRuleOf(method)
  if (given['generation'] !== undefined && method.id !== 'storage.objects.restore') return bind.filter(({ name }) => name !== 'ifGenerationMatch')
  // Compute takes the bindings of a policy beside it too.
  if (method.id.endsWith('.setIamPolicy') && body.kind === 'json' && !isJsonObject(body.value['policy'])) return bind.map((each) => ({ ...each, name: 'etag' }))
  return bind
}

type Wanted = readonly [name: string, value: string]

function wantedOf({ name, from, absent }: Binding, { value }: OwnRead): Wanted | undefined {
  if (value === undefined) return absent
  const found = textAt(value, from.split('.'))
  return found === undefined || found === '' ? undefined : [name, found]
}

/** A string's or a number's own characters. */
export function textAt(value: Json | undefined, [name, ...rest]: readonly string[]): string | undefined {
  if (name !== undefined) return isJsonObject(value) && Object.hasOwn(value, name) ? textAt(value[name], rest) : undefined
  return typeof value === 'string' ? value : value instanceof JsonNumber ? value.text : undefined
}

function put(where: Binding['put'], wanted: Wanted, classified: Classified, catalog: Pick<Catalog, 'match' | 'checkBody'>): Part | Refusal {
  switch (where) {
    case 'argument': return putArgument(wanted, classified, catalog)
    case 'header': return putHeader(wanted, classified)
    case 'body': return putField(wanted, classified, catalog)
  }
}

export function putArgument([name, value]: Wanted, classified: Classified, catalog: Pick<Catalog, 'match'>): Part | Refusal {
  const { call } = classified
  const sent = call.arguments[name]
  if (sent !== undefined) return sent === value ? { classified, bound: true } : changed(name)
  const query = `${call.query === '' ? '' : `${call.query}&`}${name}=${encodeURIComponent(value)}`
  const match = catalog.match({ host: call.host, verb: call.method.verb, path: call.path, query })
  if (isRefusal(match) || match.method !== call.method || match.arguments[name] !== value) return { classified, bound: false }
  return { classified: { ...classified, call: { ...call, query: match.query, arguments: { ...call.arguments, [name]: value } } }, bound: true, filled: name }
}

function putHeader([name, value]: Wanted, classified: Classified): Part | Refusal {
  const { headers } = classified
  const sent = headers.meaningful[name]
  if (sent !== undefined) return sent === value ? { classified, bound: true } : sent.trim() === '*' ? { classified, bound: false } : changed(name)
  if (!/^[\x21-\x7e]+$/.test(value)) return { classified, bound: false }
  const bound = { forward: [...headers.forward, name, value], meaningful: { ...headers.meaningful, [name]: value } }
  return { classified: { ...classified, headers: bound }, bound: true, filled: `header.${name}` }
}

function putField([name, value]: Wanted, classified: Classified, catalog: Pick<Catalog, 'checkBody'>): Part | Refusal {
  const { call } = classified
  const { body } = call
  if (body.kind === 'media') return { classified, bound: false }
  const before = body.kind === 'json' ? body.value : {}
  const path = name.split('.')
  const sent = valueAt(before, path)
  if (sent !== undefined) return typeof sent === 'string' && sent !== '' ? sent === value ? { classified, bound: true } : changed(name) : { classified, bound: false }
  const filled = withField(before, path, value)
  const checked = filled === undefined ? undefined : catalog.checkBody(call.method, filled)
  if (checked === undefined || isRefusal(checked)) return { classified, bound: false }
  const next = { kind: 'json', value: checked, bytes: Buffer.from(serialise(checked)) } as const
  return {
    classified: { ...classified, call: { ...call, body: next }, ...body.kind === 'none' ? { contentType: 'application/json' } : {} },
    bound: true, filled: body.kind === 'none' ? 'body' : `body.${name}`,
  }
}

function valueAt(value: Json | undefined, [name, ...rest]: readonly string[]): Json | undefined {
  if (name === undefined) return value
  return isJsonObject(value) && Object.hasOwn(value, name) ? valueAt(value[name], rest) : undefined
}

/** Undefined where the object that would hold the field is not there: its absence may mean something. */
function withField(object: JsonObject, [name = '', ...rest]: readonly string[], value: string): JsonObject | undefined {
  const copy: Record<string, Json> = Object.assign(Object.create(null) as Record<string, Json>, object)
  if (rest.length === 0) copy[name] = value
  else {
    const inner = copy[name]
    const next = isJsonObject(inner) ? withField(inner, rest, value) : undefined
    if (next === undefined) return undefined
    copy[name] = next
  }
  return copy
}

/** The call with another body; `places` are what the gateway put into it. */
export function withBody(classified: Classified, value: JsonObject, places: readonly string[]): Classified {
  const { call } = classified
  return { ...classified, call: { ...call, body: { kind: 'json', value, bytes: Buffer.from(serialise(value)) }, bound: [...call.bound ?? [], ...places] } }
}

export function changed(name: string): Refusal {
  return refuse('STATE_CHANGED', {
    message: `The call names a state of the resource (${name}) that is not the present one, so it would be refused upstream. Nobody was asked and nothing was sent; read the resource again and send the call with its present state.`,
    metadata: { precondition: name },
  })
}
