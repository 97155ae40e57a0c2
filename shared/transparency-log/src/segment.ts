/**
 * A segment: batches folded into the one log, as lines of text.
 *   {"segment":N,"firstBatch":I,"prevSegment":"HASH"}
 *   batch header, then its records, again and again; every line ends with a line feed.
 * Every byte is bound: the first line by what came before, a header by its signature and as a leaf of the tree, a record by
 * its batch's hash.
 */
import { hash } from 'node:crypto'
import { leafHash, type Hash } from './merkle.ts'
import type { RecordBatch } from './batch.ts'

export interface SegmentHead {
  /** Counts from 1. */
  readonly segment: number
  /** Place of its first batch in the log, from 0. */
  readonly firstBatch: number
  /** SHA-256 of the segment before, base64url; empty in the first. */
  readonly prevSegment: string
}

export interface SegmentBatch {
  readonly header: string
  readonly lines: readonly string[]
  /** Line of the header in the segment, from 1. */
  readonly line: number
}

export interface ParsedSegment {
  readonly head: string
  readonly batches: readonly SegmentBatch[]
  /** Lines that belong to no batch, from 1. */
  readonly strayLines: readonly number[]
  /** False when the last line has no end. */
  readonly complete: boolean
}

const decoder = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true })
const RECORD_START = '{"id":"rec_'
const HEADER_START = '{"writer":'

export function segmentHeadText({ segment, firstBatch, prevSegment }: SegmentHead): string {
  return `{"segment":${segment},"firstBatch":${firstBatch},"prevSegment":"${prevSegment}"}`
}

export function segmentHash(bytes: Uint8Array): string {
  return hash('sha256', bytes, 'base64url')
}

/** A batch's leaf covers its signed header, and through it every record. */
export function batchLeaf(header: string): Hash {
  return leafHash(Buffer.from(header))
}

export function formatSegment(head: SegmentHead, batches: readonly Pick<RecordBatch, 'header' | 'lines'>[]): Buffer {
  return joinSegment(head, batches.map(batchText))
}

/** A batch as it stands in a segment: what waits for its segment in this form is no work for the garbage collector. */
export function batchText({ header, lines }: Pick<RecordBatch, 'header' | 'lines'>): Buffer {
  return Buffer.from(`${header}\n${lines.join('\n')}\n`)
}

/** `texts`: of at least one record each, see batchText. */
export function joinSegment(head: SegmentHead, texts: readonly Buffer[]): Buffer {
  return Buffer.concat([Buffer.from(`${segmentHeadText(head)}\n`), ...texts])
}

/** Splits only; nothing is checked. Undefined: not UTF-8. */
export function parseSegment(bytes: Uint8Array): ParsedSegment | undefined {
  const text = decode(bytes)
  if (text === undefined) return undefined
  const [head = '', ...rest] = text.split('\n')
  const complete = rest.at(-1) === ''
  if (complete) rest.pop()
  const batches: (SegmentBatch & { readonly lines: string[] })[] = []
  const strayLines: number[] = []
  for (const [index, line] of rest.entries()) {
    const batch = batches.at(-1)
    if (line.startsWith(HEADER_START)) batches.push({ header: line, lines: [], line: index + 2 })
    else if (batch !== undefined && line.startsWith(RECORD_START)) batch.lines.push(line)
    else strayLines.push(index + 2)
  }
  return { head, batches, strayLines, complete }
}

function decode(bytes: Uint8Array): string | undefined {
  try {
    return decoder.decode(bytes)
  } catch (error) {
    if (error instanceof TypeError) return undefined
    throw error
  }
}
