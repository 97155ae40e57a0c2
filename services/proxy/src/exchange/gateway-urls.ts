/**
 * URLs that would lead around the gateway, turned into its own: the Location header of uploads, and the links that client libraries
 * follow verbatim (`mediaLink`, `selfLink` of Cloud Storage). At the forward door Google's names lead back here and stay as they are.
 * What a client sends back is turned into Google's URL again, so that the upstream never sees one of the gateway's.
 */
import { isJsonObject, type Json, type JsonObject } from '@lockkeeper/domain/json'
import type { Arrival } from '../passage.ts'

const STORAGE_HOSTS = ['storage.googleapis.com', 'www.googleapis.com'] as const

/** One absolute URL; `isTarget` says which hosts the gateway covers. Anything else is passed on. */
export function rewriteUrl(url: string, { origin }: Arrival, isTarget: (host: string) => boolean): string {
  const [, host = '', rest = ''] = /^https?:\/\/([^/?#]+)([/?#].*)?$/is.exec(url) ?? []
  const name = host.toLowerCase().replace(/:(?:443|80)$/, '')
  const base = name !== '' && isTarget(name) ? origin(name) : ''
  return base === '' ? url : base + rest
}

/** Google's form of a URL of the gateway's own; any other text as it is. */
export function restoreUrl(text: string, { origin }: Arrival): string {
  for (const name of STORAGE_HOSTS) {
    const base = origin(name)
    if (base !== '' && text.startsWith(`${base}/`)) return `https://${name}${text.slice(base.length)}`
  }
  return text
}

/** The same for every string and key of a request body; the very same object when nothing changes. */
export function restoreUrls(value: JsonObject, arrival: Arrival): JsonObject {
  return arrival.origin(STORAGE_HOSTS[0]) === '' ? value : restored(value, arrival) as JsonObject
}

function restored(value: Json, arrival: Arrival): Json {
  if (typeof value === 'string') return restoreUrl(value, arrival)
  if (Array.isArray(value)) {
    const items = (value as readonly Json[]).map((item) => restored(item, arrival))
    return items.every((item, index) => item === value[index]) ? value : items
  }
  return isJsonObject(value) ? restoredObject(value, arrival) : value
}

function restoredObject(value: JsonObject, arrival: Arrival): JsonObject {
  const copy = Object.create(null) as Record<string, Json>
  let changed = false
  for (const [key, member] of Object.entries(value)) {
    const name = restoreUrl(key, arrival)
    // Two names that become one would lose a member: such a name stays as it was sent.
    const own = name in value || name in copy ? key : name
    const next = copy[own] = restored(member, arrival)
    changed ||= own !== key || next !== member
  }
  return changed ? copy : value
}

export interface LinkRewriter { push(chunk: Uint8Array): Uint8Array, end(): Uint8Array | undefined }

/**
 * Rewrites the links in a JSON body, chunk by chunk; undefined: nothing to do for this door or API. `upstream` is the origin that the
 * target's traffic goes to instead of Google: what it says of itself leads around the gateway at every door.
 */
export function linkRewriter(arrival: Arrival, upstream?: string): LinkRewriter | undefined {
  const key = `${arrival.host} ${arrival.origin(arrival.host)} ${upstream ?? ''}`
  let needed = neededPairs.get(key)
  if (needed === undefined) {
    if (neededPairs.size >= MAX_PAIRS) neededPairs.clear()
    needed = pairsFor(arrival, upstream)
    neededPairs.set(key, needed)
  }
  return needed.length === 0 ? undefined : replacer(needed)
}

/** One entry for each way that agents reach a host; made once, not for every answer. */
const neededPairs = new Map<string, readonly Pair[]>()
const MAX_PAIRS = 256

function pairsFor({ host, origin }: Arrival, upstream: string | undefined): readonly Pair[] {
  const names = (STORAGE_HOSTS as readonly string[]).includes(host) ? STORAGE_HOSTS : []
  const pairs = names.map((name): Pair => [link(`https://${name}`), link(origin(name))])
  if (upstream !== undefined) pairs.push([link(upstream), link(origin(host) || `https://${host}`)])
  return pairs.filter(([from, to]) => to.length > 2 && !from.equals(to))
}

type Pair = readonly [from: Buffer, to: Buffer]

function link(origin: string): Buffer {
  return Buffer.from(`"${origin.replace(/\/$/, '').replace(/^https?/i, (scheme) => scheme.toLowerCase())}/`)
}

function replacer(pairs: readonly Pair[]): LinkRewriter {
  const longest = Math.max(...pairs.map(([from]) => from.length))
  let held: Buffer | undefined
  return {
    push(chunk) {
      const bytes = held === undefined ? Buffer.from(chunk.buffer, chunk.byteOffset, chunk.byteLength) : Buffer.concat([held, chunk])
      // Every link begins with a quote and holds no other: only the last one can still become a link.
      const quote = bytes.lastIndexOf(0x22)
      const cut = quote !== -1 && bytes.length - quote < longest ? quote : bytes.length
      held = cut === bytes.length ? undefined : bytes.subarray(cut)
      return replaceAll(bytes.subarray(0, cut), pairs)
    },
    end() {
      const rest = held
      held = undefined
      return rest === undefined ? undefined : replaceAll(rest, pairs)
    },
  }
}

/** Every link begins so, as origins do: one search for all of them. */
const BEGINNING = Buffer.from('"http')

function replaceAll(bytes: Buffer, pairs: readonly Pair[]): Buffer {
  const parts: Buffer[] = []
  let done = 0
  for (let at = bytes.indexOf(BEGINNING); at !== -1; at = bytes.indexOf(BEGINNING, at + 1)) {
    const pair = pairs.find(([from]) => bytes.length - at >= from.length && bytes.compare(from, 0, from.length, at, at + from.length) === 0)
    if (pair === undefined) continue
    parts.push(bytes.subarray(done, at), pair[1])
    done = at + pair[0].length
  }
  if (done === 0) return bytes
  parts.push(bytes.subarray(done))
  return Buffer.concat(parts)
}
