/**
 * An upstream that repeats what it was sent could hand the gateway's credential to the agent, or the upload session that stands for
 * one. Every answer is searched for them, across chunk borders; the bytes that could begin one are held back until they cannot (invariant 3).
 */
export class CredentialEcho extends Error {
  constructor() { super('the upstream\'s answer contains the credential that it was sent') }
}

const MIN_LENGTH = 12

/** A secret as bytes for bodies and as text for headers. */
interface Needle { readonly bytes: Buffer, readonly text: string }

const NO_NEEDLES: readonly Needle[] = []

/** The credential of the moment is the same for thousands of answers; the last one is kept as bytes. */
let latest: { readonly authorization: string, readonly needles: readonly Needle[] } = { authorization: '', needles: NO_NEEDLES }

function needlesOf(authorization: string): readonly Needle[] {
  if (latest.authorization !== authorization) latest = { authorization, needles: needle(authorization.slice(authorization.indexOf(' ') + 1)) }
  return latest.needles
}

function needle(secret: string): readonly Needle[] {
  return secret.length >= MIN_LENGTH ? [{ bytes: Buffer.from(secret, 'latin1'), text: secret }] : NO_NEEDLES
}

export class EchoGuard {
  readonly #needles: readonly Needle[]
  #held: Buffer | undefined

  /** `authorization`: the header's value as sent; `others`: further secrets as they stand. Shorter than 12 bytes: not looked for. */
  constructor(authorization: string | undefined, ...others: readonly (string | undefined)[]) {
    const own = authorization === undefined ? NO_NEEDLES : needlesOf(authorization)
    this.#needles = others.every((other) => other === undefined) ? own : [...own, ...others.flatMap((other) => other === undefined ? [] : needle(other))]
  }

  /** Throws CredentialEcho. */
  checkWhole(bytes: Uint8Array): void {
    const buffer = asBuffer(bytes)
    for (const { bytes: needle } of this.#needles) if (buffer.includes(needle)) throw new CredentialEcho()
  }

  /** Headers, as raw pairs. Throws CredentialEcho. */
  checkHeaders(pairs: readonly string[]): void {
    for (const { text } of this.#needles) for (const part of pairs) if (part.length >= text.length && part.includes(text)) throw new CredentialEcho()
  }

  /** The bytes that may leave now. Throws CredentialEcho. */
  push(chunk: Uint8Array): Uint8Array {
    if (this.#needles.length === 0) return chunk
    const bytes = this.#held === undefined ? asBuffer(chunk) : Buffer.concat([this.#held, chunk])
    this.checkWhole(bytes)
    const keep = Math.max(...this.#needles.map((needle) => tailThatCouldBegin(bytes, needle.bytes)))
    this.#held = keep === 0 ? undefined : bytes.subarray(bytes.length - keep)
    return keep === 0 ? bytes : bytes.subarray(0, bytes.length - keep)
  }

  end(): Uint8Array | undefined {
    const rest = this.#held
    this.#held = undefined
    return rest
  }
}

function tailThatCouldBegin(bytes: Buffer, needle: Buffer): number {
  const from = Math.max(0, bytes.length - needle.length + 1)
  for (let at = bytes.indexOf(needle[0] as number, from); at !== -1; at = bytes.indexOf(needle[0] as number, at + 1)) {
    if (needle.subarray(0, bytes.length - at).equals(bytes.subarray(at))) return bytes.length - at
  }
  return 0
}

function asBuffer(bytes: Uint8Array): Buffer {
  return Buffer.isBuffer(bytes) ? bytes : Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength)
}
