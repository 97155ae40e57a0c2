/** ECDSA over a digest that was computed elsewhere, which node:crypto does not offer: SEC 1 section 4.1.3, with Node's curve arithmetic. For tests only. */
import { createECDH, randomBytes, type KeyObject } from 'node:crypto'

/** The order of P-256 (SEC 2 section 2.4.2). */
const ORDER = 0xffffffff00000000ffffffffffffffffbce6faada7179e84f3b9cac2fc632551n

/** A DER signature of a 32-byte digest by a P-256 key. */
export function signDigest(privateKey: KeyObject, digest: Uint8Array): Buffer {
  const d = toNumber(Buffer.from(privateKey.export({ format: 'jwk' }).d ?? '', 'base64url'))
  const curve = createECDH('prime256v1')
  const k = toNumber(randomBytes(32)) % (ORDER - 1n) + 1n
  curve.setPrivateKey(toBytes(k))
  const r = toNumber(curve.getPublicKey().subarray(1, 33)) % ORDER
  const s = power(k, ORDER - 2n) * (toNumber(digest) + r * d) % ORDER
  const body = Buffer.concat([derInteger(r), derInteger(s)])
  return Buffer.concat([Buffer.of(0x30, body.length), body])
}

const toNumber = (bytes: Uint8Array): bigint => BigInt(`0x${Buffer.from(bytes).toString('hex')}`)
const toBytes = (value: bigint): Buffer => Buffer.from(value.toString(16).padStart(64, '0'), 'hex')

function power(base: bigint, exponent: bigint): bigint {
  let result = 1n
  for (let [square, rest] = [base, exponent]; rest > 0n; square = square * square % ORDER, rest >>= 1n) if ((rest & 1n) === 1n) result = result * square % ORDER
  return result
}

function derInteger(value: bigint): Buffer {
  const digits = value.toString(16)
  const bytes = Buffer.from(digits.padStart(digits.length + digits.length % 2, '0'), 'hex')
  const positive = (bytes[0] ?? 0) >= 0x80 ? Buffer.concat([Buffer.of(0), bytes]) : bytes
  return Buffer.concat([Buffer.of(0x02, positive.length), positive])
}
