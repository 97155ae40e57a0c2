/**
 * URLs that would lead around the gateway, turned into its own: the Location header of uploads, and the links that client libraries
 * follow verbatim (`mediaLink`, `selfLink` of Cloud Storage). At the forward door Google's names lead back here and stay as they are.
 */
import type { Arrival } from '../passage.ts'

const STORAGE_HOSTS = ['storage.googleapis.com', 'www.googleapis.com'] as const

/** One absolute URL; `isTarget` says which hosts the gateway covers. Anything else is passed on. */
export function rewriteUrl(url: string, { origin }: Arrival, isTarget: (host: string) => boolean): string {
  const [, host = '', rest = ''] = /^https?:\/\/([^/?#]+)(.*)$/is.exec(url) ?? []
  const name = host.toLowerCase().replace(/:(?:443|80)$/, '')
  const base = name !== '' && isTarget(name) ? origin(name) : ''
  return base === '' ? url : base + rest
}

export interface LinkRewriter { push(chunk: Uint8Array): Uint8Array, end(): Uint8Array | undefined }

/** Rewrites the links in a JSON body, chunk by chunk; undefined: nothing to do for this door or API. */
export function linkRewriter({ host, origin }: Arrival): LinkRewriter | undefined {
  if (host !== 'storage.googleapis.com' && host !== 'www.googleapis.com') return undefined
  const pairs = STORAGE_HOSTS.map((name): Pair => [Buffer.from(`"https://${name}/`), Buffer.from(`"${origin(name)}/`)])
  if (pairs.every(([from, to]) => to.length === 2 || from.equals(to))) return undefined
  return replacer(pairs)
}

type Pair = readonly [from: Buffer, to: Buffer]

function replacer(pairs: readonly Pair[]): LinkRewriter {
  const longest = Math.max(...pairs.map(([from]) => from.length))
  let held: Buffer | undefined
  return {
    push(chunk) {
      const bytes = held === undefined ? Buffer.from(chunk.buffer, chunk.byteOffset, chunk.byteLength) : Buffer.concat([held, chunk])
      const quote = bytes.lastIndexOf(0x22)
      const cut = quote !== -1 && bytes.length - quote < longest ? quote : bytes.length
      held = cut === bytes.length ? undefined : bytes.subarray(cut)
      return replaceAll(bytes.subarray(0, cut), pairs)
    },
    end() {
      const rest = held
      held = undefined
      return rest
    },
  }
}

function replaceAll(bytes: Buffer, pairs: readonly Pair[]): Buffer {
  let result = bytes
  for (const [from, to] of pairs) {
    let at = result.indexOf(from)
    if (at === -1) continue
    const parts: Buffer[] = []
    let done = 0
    for (; at !== -1; at = result.indexOf(from, done)) {
      parts.push(result.subarray(done, at), to)
      done = at + from.length
    }
    parts.push(result.subarray(done))
    result = Buffer.concat(parts)
  }
  return result
}
