/** What happens to an answer's bytes between upstream and agent: mask, turn links back to the gateway, look for an echoed credential. */
import type { Masker } from '@lockkeeper/masking'
import type { EchoGuard } from './credential-echo.ts'
import type { LinkRewriter } from './gateway-urls.ts'

export interface BodyTransform {
  /** Bytes that may leave; possibly none yet. Throws CANNOT_MASK or CredentialEcho. */
  push(chunk: Uint8Array): readonly Uint8Array[]
  end(): readonly Uint8Array[]
  readonly masked: number
}

export interface TransformParts {
  readonly masker: Masker | undefined
  readonly inspect: 'json' | 'text' | 'no'
  readonly links?: LinkRewriter | undefined
  readonly echo: EchoGuard
}

/** One pass over a body that is whole; returns the same bytes where nothing changes. */
export function transformWhole(bytes: Uint8Array, { masker, inspect, links, echo }: TransformParts): { readonly bytes: Uint8Array, readonly masked: number } {
  echo.checkWhole(bytes)
  let out = bytes
  let masked = 0
  if (masker !== undefined && bytes.length > 0) {
    if (inspect === 'json') ({ bytes: out, masked } = masker.maskJson(bytes))
    else {
      const text = masker.streamText()
      out = Buffer.concat([...text.push(bytes), ...text.end()])
      masked = text.masked
    }
  }
  if (links !== undefined) {
    const head = links.push(out)
    const tail = links.end()
    out = tail === undefined ? head : Buffer.concat([head, tail])
  }
  return { bytes: out, masked }
}

/** The same chunk by chunk, with bounded memory. */
export function transformStream({ masker, inspect, links, echo }: TransformParts): BodyTransform {
  const mask = masker === undefined ? undefined : inspect === 'json' ? masker.stream() : masker.streamText()
  const out: Uint8Array[] = []
  const take = (chunk: Uint8Array): void => {
    const linked = links === undefined ? chunk : links.push(chunk)
    if (linked.length === 0) return
    const free = echo.push(linked)
    if (free.length > 0) out.push(free)
  }
  const drain = (): readonly Uint8Array[] => out.splice(0)
  return {
    get masked() { return mask?.masked ?? 0 },
    push(chunk) {
      if (mask === undefined) take(chunk)
      else mask.push(chunk).forEach(take)
      return drain()
    },
    end() {
      mask?.end().forEach(take)
      const tail = links?.end()
      if (tail !== undefined) out.push(...[echo.push(tail)].filter((part) => part.length > 0))
      const rest = echo.end()
      if (rest !== undefined) out.push(rest)
      return drain()
    },
  }
}
