/** Keys of 32 bytes (the sealing of receipts and of upload sessions) out of a secret. */
import { LockkeeperError } from '@lockkeeper/domain/errors'
import type { SecretSource } from '@lockkeeper/domain/ports'

/** 32 bytes in base64 (`openssl rand -base64 32`, whose newline is taken too) or base64url, with or without padding. */
const FORM = /^[\w+/-]{43}=?$/
/** Different bytes at least: 32 random ones practically never have fewer, a word or a pattern does. */
const MIN_DIFFERENT = 16

/** Exactly 32 bytes. LockkeeperError CREDENTIAL_UNAVAILABLE, which quotes nothing, for anything else; what the source throws is passed on. */
export async function secretKey32(source: SecretSource, name: string): Promise<Uint8Array> {
  const value = (await source.access(name)).value.replace(/\n$/, '')
  const bytes = FORM.test(value) ? Buffer.from(value, 'base64') : Buffer.alloc(0)
  // One text per key: a last character with loose bits would be a second one.
  const isExact = bytes.length === 32 && bytes.toString('base64url') === value.replaceAll('+', '-').replaceAll('/', '_').replace(/=$/, '')
  if (!isExact) throw unusable(name, 'it is not 32 bytes in base64')
  if (new Set(bytes).size < MIN_DIFFERENT) throw unusable(name, 'its bytes are not random')
  return new Uint8Array(bytes)
}

function unusable(name: string, detail: string): LockkeeperError {
  return new LockkeeperError('CREDENTIAL_UNAVAILABLE', `The secret ${name} is no key.`, { detail: { detail } })
}
