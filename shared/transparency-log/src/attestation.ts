/** A writer's birth certificate: one long-lived key says once that an ephemeral key writes for a service and boot. */
import { hash, type KeyObject } from 'node:crypto'
import type { Signer } from '@lockkeeper/domain/ports'
import { writerIdOf } from './record-id.ts'
import { ed25519Key, strictBase64url, verifiesWith, type TrustedKey } from './signatures.ts'

export interface WriterFacts {
  /** Service that writes: `proxy`, `audit`. Only `audit` may say that another writer is lost. */
  readonly service: string
  /** One start of one instance. */
  readonly bootId: string
  /** Epoch ms of the start. */
  readonly at: number
}

export interface Attestation extends WriterFacts {
  readonly publicKey: string
  readonly keyId: string
  readonly signature: string
}

export interface AttestedWriter extends WriterFacts {
  readonly writer: string
  readonly key: KeyObject
  /** Where the writer's chain begins. */
  readonly genesis: string
}

const CONTEXT = 'lockkeeper-writer-v1\n'

export async function attestWriter(signer: Signer, rawPublicKey: Uint8Array, facts: WriterFacts): Promise<Attestation> {
  const unsigned = { ...facts, publicKey: Buffer.from(rawPublicKey).toString('base64url'), keyId: signer.keyId }
  const signature = await signer.sign(attestedBytes(unsigned))
  return { ...unsigned, signature: Buffer.from(signature).toString('base64url') }
}

/** The one text of an attestation inside a batch header. */
export function attestationText(attestation: Attestation): string {
  return `${unsignedText(attestation).slice(0, -1)},"signature":${JSON.stringify(attestation.signature)}}`
}

/** Undefined: no trusted key made it, or it is malformed. */
export function checkAttestation(attestation: Attestation, trusted: readonly TrustedKey[]): AttestedWriter | undefined {
  const raw = strictBase64url(attestation.publicKey)
  const signature = strictBase64url(attestation.signature)
  const key = raw === undefined ? undefined : ed25519Key(raw)
  if (raw === undefined || key === undefined || signature === undefined) return undefined
  const bytes = attestedBytes(attestation)
  if (!trusted.some((one) => one.keyId === attestation.keyId && verifiesWith(one, bytes, signature))) return undefined
  const { service, bootId, at } = attestation
  return { service, bootId, at, writer: writerIdOf(raw), key, genesis: genesisOf(attestation) }
}

export function genesisOf(attestation: Attestation): string {
  return hash('sha256', attestationText(attestation), 'base64url')
}

function attestedBytes(attestation: Omit<Attestation, 'signature'>): Buffer {
  return Buffer.from(CONTEXT + unsignedText(attestation))
}

function unsignedText(attestation: Omit<Attestation, 'signature'>): string {
  const { service, bootId, at, publicKey, keyId } = attestation
  return JSON.stringify({ service, bootId, at, publicKey, keyId })
}
