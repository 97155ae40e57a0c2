/**
 * An upstream that repeats what it was sent could hand the gateway's credential to the agent. Every answer is searched for it,
 * across chunk borders; the bytes that could begin it are held back until they cannot (invariant 3).
 */
export class CredentialEcho extends Error {
  constructor() { super('the upstream\'s answer contains the credential that it was sent') }
}

const MIN_LENGTH = 12

export class EchoGuard {
  readonly #needle: Buffer | undefined
  #held: Buffer | undefined

  constructor(authorization: string | undefined) {
    const value = authorization?.slice(authorization.indexOf(' ') + 1)
    this.#needle = value !== undefined && value.length >= MIN_LENGTH ? Buffer.from(value, 'latin1') : undefined
  }

  /** Throws CredentialEcho. */
  checkWhole(bytes: Uint8Array): void {
    if (this.#needle !== undefined && asBuffer(bytes).includes(this.#needle)) throw new CredentialEcho()
  }

  /** The bytes that may leave now. Throws CredentialEcho. */
  push(chunk: Uint8Array): Uint8Array {
    const needle = this.#needle
    if (needle === undefined) return chunk
    const bytes = this.#held === undefined ? asBuffer(chunk) : Buffer.concat([this.#held, chunk])
    if (bytes.includes(needle)) throw new CredentialEcho()
    const keep = tailThatCouldBegin(bytes, needle)
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
