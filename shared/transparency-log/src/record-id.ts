/** Record ids name their place: `rec_` + writer + sequence in base 36. A writer's id is made from its key, so it cannot be taken over. */
import { hash } from 'node:crypto'
import type { RecordId } from '@lockkeeper/domain/records'

const ALPHABET = 'abcdefghijklmnopqrstuvwxyz234567'
const WRITER_LENGTH = 12
const RECORD_ID = /^rec_([a-z2-7]{12})([1-9a-z][0-9a-z]{0,9})$/

/** 60 bits of SHA-256 over the writer's raw public key, in base 32. */
export function writerIdOf(publicKey: Uint8Array): string {
  const digest = hash('sha256', publicKey, 'buffer')
  let id = ''
  for (let index = 0; index < WRITER_LENGTH; index++) id += ALPHABET[(digest[index] as number) & 31]
  return id
}

/** `seq` counts from 1. */
export function recordId(writer: string, seq: number): RecordId {
  return `rec_${writer}${seq.toString(36)}`
}

/** A call's name before it has a record; `count` counts from 1. */
export function callReference(writer: string, count: number): string {
  return `call_${writer}${count.toString(36)}`
}

/** Undefined: not a call's name. */
export function parseCallReference(name: string): { readonly writer: string, readonly count: number } | undefined {
  const place = name.startsWith('call_') ? parseRecordId(`rec_${name.slice(5)}`) : undefined
  return place === undefined ? undefined : { writer: place.writer, count: place.seq }
}

/** Undefined: not a record id. */
export function parseRecordId(id: string): { readonly writer: string, readonly seq: number } | undefined {
  const found = RECORD_ID.exec(id)
  if (found === null) return undefined
  const seq = Number.parseInt(found[2] as string, 36)
  return Number.isSafeInteger(seq) ? { writer: found[1] as string, seq } : undefined
}
