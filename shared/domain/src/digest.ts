/** What names a call exactly: an approval authorises one digest and nothing else (invariant 4). */
import { hash, timingSafeEqual } from 'node:crypto'
import type { Call } from './index.ts'
import { isRefusal } from './errors.ts'
import { fromPlain, isJsonObject, parseStrict, serialise, type Json } from './json.ts'
import type { AttachKey, CanonicalCall } from './ports.ts'

const VERSION = 'lockkeeper-digest-v1'

/** SHA-256, base64url. */
export function sha256(data: string | Uint8Array): string {
  return hash('sha256', data, 'base64url')
}

/** Compares two texts in a time that does not depend on where they differ. */
export function equalInConstantTime(left: string, right: string): boolean {
  return timingSafeEqual(hash('sha256', left, 'buffer'), hash('sha256', right, 'buffer'))
}

/** A call as it travels and is shown. `headers` are the forwarded ones that carry meaning, by lower-case name. */
export function canonicalCall(call: Call, headers: Readonly<Record<string, string>>): CanonicalCall {
  return {
    target: call.target, method: call.method.id, change: call.method.change, risk: call.method.risk, verb: call.method.verb,
    host: call.host, path: call.path, query: call.query, resources: call.resources, arguments: call.arguments, headers,
    body: canonicalBody(call), iam: call.iam, returnsSecret: call.method.returnsSecret, dedupeKey: call.method.dedupeKey,
    ...call.bound === undefined ? {} : { bound: call.bound },
  }
}

function canonicalBody({ body }: Call): CanonicalCall['body'] {
  if (body.kind === 'none') return body
  if (body.kind === 'json') return { kind: 'json', text: serialise(body.value) }
  return {
    kind: 'media', contentType: body.contentType, size: body.size, checksum: body.checksum,
    metadata: body.metadata === undefined ? undefined : serialise(body.metadata),
  }
}

/**
 * `full:` + SHA-256 where the body was inspected, `media:` where only metadata, declared size and checksum are known.
 * Order of keys, of arguments and forms of numbers and escapes do not matter; every meaning does.
 */
export function digestOf(call: CanonicalCall): string {
  const { body } = call
  const parts = fromPlain([VERSION, call.target, call.method, call.verb, call.host, call.path, call.arguments, call.headers, body])
  return `${body.kind === 'media' ? 'media' : 'full'}:${sha256(serialise(parts))}`
}

/**
 * The call as its agent sent it: without what the gateway filled in (`bound`), so that it is found again whatever the resource's state
 * is by then. Its digest is that of the attach key.
 */
export function unboundCall(call: CanonicalCall): CanonicalCall {
  const { bound, ...rest } = call
  if (bound === undefined) return call
  const headers = bound.flatMap((place) => place.startsWith('header.') ? [place.slice('header.'.length)] : [])
  const fields = bound.flatMap((place) => place.startsWith('body.') ? [place.slice('body.'.length).split('.')] : [])
  const body = bound.includes('body') ? { kind: 'none' } as const : fields.reduce(withoutField, call.body)
  return { ...rest, arguments: without(call.arguments, bound), headers: without(call.headers, headers), body }
}

function without(members: Readonly<Record<string, string>>, names: readonly string[]): Readonly<Record<string, string>> {
  return Object.fromEntries(Object.entries(members).filter(([name]) => !names.includes(name)))
}

function withoutField(body: CanonicalCall['body'], path: readonly string[]): CanonicalCall['body'] {
  const value = body.kind === 'json' ? parseStrict(body.text) : undefined
  return value === undefined || isRefusal(value) || !isJsonObject(value) ? body : { kind: 'json', text: serialise(removed(value, path)) }
}

function removed(value: Json, [name = '', ...rest]: readonly string[]): Json {
  if (Array.isArray(value)) return (value as readonly Json[]).map((each, index) => rest.length > 0 && String(index) === name ? removed(each, rest) : each)
  if (!isJsonObject(value)) return value
  const copy: Record<string, Json> = Object.assign(Object.create(null) as Record<string, Json>, value)
  const inner = copy[name]
  if (rest.length === 0) delete copy[name]
  else if (inner !== undefined) copy[name] = removed(inner, rest)
  return copy
}

/** Names a waiting call: equal hashes share one approval request. */
export function attachHash(key: AttachKey): string {
  return sha256(serialise(fromPlain([key.issuer, key.agent, key.run, key.digest, key.idempotencyKey ?? null])))
}
