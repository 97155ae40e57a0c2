/**
 * An upstream that repeats what it was sent could hand the gateway's credential to the agent, or the upload session that stands for
 * one. Every answer is searched for them, across chunk borders; the bytes that could begin one are held back until they cannot (invariant 3).
 */
export class CredentialEcho extends Error {
  constructor() { super('the upstream\'s answer contains the credential that it was sent') }
}

const MIN_LENGTH = 12

const NO_NEEDLES: readonly Buffer[] = []

/** The credential of the moment is the same for thousands of answers; the last one is kept as bytes. */
let latest: { readonly authorization: string, readonly needles: readonly Buffer[] } = { authorization: '', needles: NO_NEEDLES }

function needlesOf(authorization: string): readonly Buffer[] {
  if (latest.authorization !== authorization) latest = { authorization, needles: needle(authorization.slice(authorization.indexOf(' ') + 1)) }
  return latest.needles
}

function needle(secret: string): readonly Buffer[] {
  return secret.length >= MIN_LENGTH ? [Buffer.from(secret, 'latin1')] : NO_NEEDLES
}

export class EchoGuard {
  readonly #needles: readonly Buffer[]
  #held: Buffer | undefined

  /** `authorization`: the header's value as sent; `others`: further secrets as they stand. Shorter than 12 bytes: not looked for. */
  constructor(authorization: string | undefined, ...others: readonly (string | undefined)[]) {
    const own = authorization === undefined ? NO_NEEDLES : needlesOf(authorization)
    this.#needles = others.every((other) => other === undefined) ? own : [...own, ...others.flatMap((other) => other === undefined ? [] : needle(other))]
  }

  /** Throws CredentialEcho. */
  checkWhole(bytes: Uint8Array): void {
    const buffer = asBuffer(bytes)
    for (const needle of this.#needles) if (buffer.includes(needle)) throw new CredentialEcho()
  }

  /** Headers, as raw pairs. Throws CredentialEcho. */
  checkHeaders(pairs: readonly string[]): void {
    if (this.#needles.length > 0) this.checkWhole(Buffer.from(pairs.join('\n'), 'latin1'))
  }

  /** The bytes that may leave now. Throws CredentialEcho. */
  push(chunk: Uint8Array): Uint8Array {
    if (this.#needles.length === 0) return chunk
    const bytes = this.#held === undefined ? asBuffer(chunk) : Buffer.concat([this.#held, chunk])
    this.checkWhole(bytes)
    const keep = Math.max(...this.#needles.map((needle) => tailThatCouldBegin(bytes, needle)))
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
