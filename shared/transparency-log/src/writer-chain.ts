/** Follows one writer's chain batch by batch: the same rules for the service that takes batches and for the offline verifier. */
import { createPublicKey, type KeyObject } from 'node:crypto'
import { checkAttestation, genesisOf, type Attestation } from './attestation.ts'
import { chainHash, hashLine, headerIsSignedBy, MARK_LENGTH, type BatchHeader, type SealedHeader } from './batch.ts'
import { recordId } from './record-id.ts'
import { decodeRecord } from './record-line.ts'
import type { TrustedKey } from './signatures.ts'

/** Name of the event record that ends a writer's chain, by the writer itself. */
export const WRITER_CLOSED = 'writer.closed'
/** Name of the event record that ends a vanished writer's chain, by the audit service. */
export const WRITER_LOST = 'writer.lost'

/** What is known of a writer after a batch; plain data. */
export interface WriterState {
  readonly writer: string
  readonly service: string
  readonly bootId: string
  /** Raw Ed25519 key, base64url. */
  readonly publicKey: string
  /** The genesis hash: names the attestation. */
  readonly genesis: string
  readonly lastSeq: number
  readonly lastHash: string
  readonly closed: boolean
  /** Epoch ms at which the last batch was closed by the writer. */
  readonly lastAt: number
}

export type ChainFaultKind =
  | 'writer-unknown' | 'writer-forged' | 'batch-forged' | 'batch-repeated' | 'batches-missing' | 'chain-broken'
  | 'record-missing' | 'record-added' | 'record-changed' | 'record-misplaced' | 'after-close'

export interface ChainFault {
  readonly kind: ChainFaultKind
  readonly message: string
  /** The record at fault, where it is known. */
  readonly seq?: number
  /** Its place among the batch's lines, from 0. */
  readonly index?: number
}

export type ChainStep = { readonly state: WriterState, readonly fault?: undefined } | { readonly fault: ChainFault }

const keys = new WeakMap<WriterState, KeyObject>()

export function followChain(known: WriterState | undefined, sealed: SealedHeader, lines: readonly string[], trusted: readonly TrustedKey[]): ChainStep {
  const { header } = sealed
  const before = known ?? beginChain(header, trusted)
  if ('kind' in before) return { fault: before }
  const key = keyOf(before)
  const fault = checkHeader(before, sealed, key) ?? checkLines(header, lines)
  if (fault !== undefined) return { fault }
  const last = lines.at(-1)
  const closed = last !== undefined && eventNamed(last, header.writer, header.lastSeq, WRITER_CLOSED) !== undefined
  const state: WriterState = { ...before, lastSeq: header.lastSeq, lastHash: header.lastHash, lastAt: header.at, closed: before.closed || closed }
  keys.set(state, key)
  return { state }
}

/** The facts of an event record of that name; undefined for any other line. Looks at the first bytes before it parses. */
export function eventNamed(line: string, writer: string, seq: number, name: string): Readonly<Record<string, string>> | undefined {
  if (!line.startsWith(`{"id":"${recordId(writer, seq)}","kind":"event"`)) return undefined
  const record = decodeRecord(line)
  return record.kind === 'event' && record.name === name ? record.facts ?? {} : undefined
}

function beginChain(header: BatchHeader, trusted: readonly TrustedKey[]): WriterState | ChainFault {
  const { attestation, writer } = header
  if (attestation === undefined) return { kind: 'writer-unknown', message: `The first batch seen of writer ${writer} begins at record ${header.firstSeq} and carries no attestation.` }
  const attested = checkAttestation(attestation, trusted)
  if (attested === undefined) return { kind: 'writer-forged', message: `No trusted key attests writer ${writer}.` }
  if (attested.writer !== writer) return { kind: 'writer-forged', message: `The attestation of writer ${writer} belongs to writer ${attested.writer}.` }
  const { service, bootId, genesis, key } = attested
  const state: WriterState = { writer, service, bootId, genesis, publicKey: attestation.publicKey, lastSeq: 0, lastHash: genesis, closed: false, lastAt: attested.at }
  keys.set(state, key)
  return state
}

function keyOf(state: WriterState): KeyObject {
  const known = keys.get(state)
  if (known !== undefined) return known
  const key = createPublicKey({ key: { kty: 'OKP', crv: 'Ed25519', x: state.publicKey }, format: 'jwk' })
  keys.set(state, key)
  return key
}

function checkHeader(before: WriterState, sealed: SealedHeader, key: KeyObject): ChainFault | undefined {
  const { header } = sealed
  const { writer, firstSeq, lastSeq } = header
  if (!headerIsSignedBy(sealed, key)) return { kind: 'batch-forged', message: `Records ${firstSeq} to ${lastSeq} are not signed by the key of writer ${writer}.` }
  if (firstSeq <= before.lastSeq) return { kind: 'batch-repeated', seq: firstSeq, message: `Records from ${firstSeq} of writer ${writer} stand in the log already.` }
  if (before.closed) return { kind: 'after-close', seq: firstSeq, message: `Writer ${writer} wrote on after it had closed at record ${before.lastSeq}.` }
  if (firstSeq > before.lastSeq + 1) return { kind: 'batches-missing', seq: before.lastSeq + 1, message: `Records ${before.lastSeq + 1} to ${firstSeq - 1} of writer ${writer} are missing.` }
  if (header.prevHash !== before.lastHash) return { kind: 'chain-broken', seq: firstSeq, message: `Records from ${firstSeq} of writer ${writer} do not follow what stands before them.` }
  if ((header.attestation !== undefined) !== (firstSeq === 1) || !sameAttestation(header.attestation, before)) return { kind: 'writer-forged', message: `Writer ${writer} is attested at the wrong place.` }
  return undefined
}

function sameAttestation(attestation: Attestation | undefined, state: WriterState): boolean {
  return attestation === undefined || genesisOf(attestation) === state.genesis
}

function checkLines(header: BatchHeader, lines: readonly string[]): ChainFault | undefined {
  let hashes = ''
  const count = header.lastSeq - header.firstSeq + 1
  for (const [index, line] of lines.entries()) {
    const hash = hashLine(line)
    hashes += hash
    if (hash.startsWith(header.marks.slice(index * MARK_LENGTH, (index + 1) * MARK_LENGTH)) && index < count) continue
    return nameLineFault(header, lines, index)
  }
  if (lines.length < count) return { kind: 'record-missing', seq: header.firstSeq + lines.length, index: lines.length, message: `Record ${recordId(header.writer, header.firstSeq + lines.length)} is missing at the end of its batch.` }
  const changed = count === 0 ? header.lastHash !== header.prevHash : chainHash(header.prevHash, hashes) !== header.lastHash
  if (changed || header.marks.length !== count * MARK_LENGTH) return { kind: 'record-changed', seq: header.firstSeq, message: `Records ${header.firstSeq} to ${header.lastSeq} of writer ${header.writer} are not the ones that were signed.` }
  return checkPlaces(header, lines)
}

function nameLineFault(header: BatchHeader, lines: readonly string[], index: number): ChainFault {
  const seq = header.firstSeq + index
  const expected = recordId(header.writer, seq)
  const place = { seq, index }
  const next = recordId(header.writer, seq + 1)
  if (seq > header.lastSeq) return { kind: 'record-added', ...place, message: `The batch ends at record ${recordId(header.writer, header.lastSeq)} and a line follows.` }
  if (hasId(lines[index], expected)) return { kind: 'record-changed', ...place, message: `Record ${expected} was changed.` }
  if (hasId(lines[index], next) && !hasId(lines[index + 1], expected)) return { kind: 'record-missing', ...place, message: `Record ${expected} is missing.` }
  return { kind: 'record-misplaced', ...place, message: `Another line stands where record ${expected} belongs.` }
}

/** A signed batch whose records carry other ids than their places: the writer's own fault, and refused all the same. */
function checkPlaces(header: BatchHeader, lines: readonly string[]): ChainFault | undefined {
  for (const [index, line] of lines.entries()) {
    const seq = header.firstSeq + index
    if (!hasId(line, recordId(header.writer, seq))) return { kind: 'record-misplaced', seq, index, message: `Record ${seq} of writer ${header.writer} carries another id.` }
  }
  return undefined
}

function hasId(line: string | undefined, id: string): boolean {
  return line?.startsWith(`{"id":"${id}",`) === true
}
