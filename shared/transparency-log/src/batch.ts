/**
 * A batch: up to some hundred records of one writer, chained to the batch before it and signed as one.
 *   hash of a line   = SHA-256(line)
 *   hash of a batch  = SHA-256(hash of the batch before it, then the hash of each line, all as base64url text)
 * A proof that one record stands in the log therefore shows the neighbours' hashes and not their text.
 * `marks` repeats the first four characters of each line's hash, so that a verifier can name the very line that was changed.
 */
import { hash, sign, verify, type KeyObject } from 'node:crypto'
import type { RecordBody } from '@lockkeeper/domain/records'
import { attestationText, type Attestation } from './attestation.ts'
import { strictBase64url } from './signatures.ts'

export interface BatchHeader {
  readonly writer: string
  readonly firstSeq: number
  /** `firstSeq - 1` in a heartbeat, which carries no record and is not folded into the log. */
  readonly lastSeq: number
  readonly prevHash: string
  readonly lastHash: string
  readonly marks: string
  /** Epoch ms at which the batch was closed. */
  readonly at: number
  /** In a writer's first batch only. */
  readonly attestation?: Attestation
}

export interface RecordBatch extends Pick<BatchHeader, 'writer' | 'firstSeq' | 'lastSeq'> {
  /** The signed header, exactly as it stands in the log. */
  readonly header: string
  readonly lines: readonly string[]
  /** Bodies that the writer has not sent lately; kept apart from the log. */
  readonly bodies: readonly RecordBody[]
}

export interface SealedHeader {
  readonly header: BatchHeader
  /** What the signature covers. */
  readonly signedText: string
  readonly signature: Buffer
}

export const MARK_LENGTH = 4
const CONTEXT = 'lockkeeper-batch-v1\n'
const SIGNATURE_MEMBER = /,"signature":"([A-Za-z0-9_-]{86})"\}$/

export function hashLine(line: string): string {
  return hash('sha256', line, 'base64url')
}

/** `lineHashes`: the lines' hashes written one after the other. */
export function chainHash(prevHash: string, lineHashes: string): string {
  return hash('sha256', prevHash + lineHashes, 'base64url')
}

export function sealHeader(header: BatchHeader, key: KeyObject): string {
  const unsigned = headerText(header)
  const signature = sign(null, Buffer.from(CONTEXT + unsigned), key)
  return `${unsigned.slice(0, -1)},"signature":"${signature.toString('base64url')}"}`
}

/** Undefined unless the text is the one canonical text of a header. The signature is not checked yet. */
export function parseHeader(text: string): SealedHeader | undefined {
  const found = SIGNATURE_MEMBER.exec(text)
  if (found === null) return undefined
  const signature = strictBase64url(found[1] as string)
  const signedText = `${text.slice(0, found.index)}}`
  const header = parseObject(signedText)
  if (signature === undefined || header === undefined || !isHeader(header) || headerText(header) !== signedText) return undefined
  return { header, signedText, signature }
}

export function headerIsSignedBy(sealed: SealedHeader, key: KeyObject): boolean {
  return verify(null, Buffer.from(CONTEXT + sealed.signedText), key, sealed.signature)
}

function headerText(header: BatchHeader): string {
  const { writer, firstSeq, lastSeq, prevHash, lastHash, marks, at, attestation } = header
  const tail = attestation === undefined ? '' : `,"attestation":${attestationText(attestation)}`
  return `{"writer":${JSON.stringify(writer)},"firstSeq":${firstSeq},"lastSeq":${lastSeq},"prevHash":"${prevHash}","lastHash":"${lastHash}","marks":"${marks}","at":${at}${tail}}`
}

function parseObject(text: string): object | undefined {
  try {
    const value: unknown = JSON.parse(text)
    return typeof value === 'object' && value !== null ? value : undefined
  } catch (error) {
    if (error instanceof SyntaxError) return undefined
    throw error
  }
}

function isHeader(value: object): value is BatchHeader {
  const { writer, firstSeq, lastSeq, prevHash, lastHash, marks, at, attestation } = value as Record<string, unknown>
  const numbers = [firstSeq, lastSeq, at].every((one) => Number.isSafeInteger(one))
  const texts = [writer, prevHash, lastHash, marks].every((one) => typeof one === 'string')
  return numbers && texts && (firstSeq as number) >= 1 && (lastSeq as number) >= (firstSeq as number) - 1
    && (attestation === undefined || isAttestation(attestation))
}

function isAttestation(value: unknown): value is Attestation {
  if (typeof value !== 'object' || value === null) return false
  const { service, bootId, at, publicKey, keyId, signature } = value as Record<string, unknown>
  return [service, bootId, publicKey, keyId, signature].every((one) => typeof one === 'string') && Number.isSafeInteger(at)
}
