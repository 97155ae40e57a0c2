/** A saved LogBook makes the start quick. It is derived data: one that does not fit the signed checkpoint is not used. */
import type { BlobStore } from '@lockkeeper/domain/ports'
import { CompactRange, openCheckpoint, type TrustedKey, type WriterState } from '@lockkeeper/transparency-log'
import { z } from 'zod'
import { LogBook } from './log-book.ts'
import { LOG_PREFIXES, padded, type LogReader } from './log-reader.ts'
import { RememberedFacts } from './remembered-facts.ts'

const writerState: z.ZodType<WriterState> = z.strictObject({
  writer: z.string(), service: z.string(), bootId: z.string(), publicKey: z.string(), genesis: z.string(),
  lastSeq: z.number(), lastHash: z.string(), closed: z.boolean(), lastAt: z.number(),
})

const savedBook = z.strictObject({
  version: z.literal(2),
  nextSegment: z.number().int().min(1),
  prevSegment: z.string(),
  size: z.number().int().min(0),
  roots: z.array(z.string()),
  writers: z.array(z.strictObject({ state: writerState, firstSegment: z.number(), lastSegment: z.number(), lostAfter: z.number().optional() })),
  facts: z.strictObject({ from: z.number(), seen: z.array(z.tuple([z.string(), z.number()]).readonly()).readonly() }),
})

/** Keeps the new state and the one before; `removesOld: false` leaves the older ones to the store's own rules. */
export async function saveState(book: LogBook, blobs: BlobStore, reader: LogReader, removesOld: boolean): Promise<void> {
  const { nextSegment, prevSegment, tree, writers, facts } = book
  const saved: z.input<typeof savedBook> = {
    version: 2, nextSegment, prevSegment, size: tree.size,
    roots: tree.roots.map((root) => root.toString('base64')), writers: [...writers.values()], facts: facts.saved(),
  }
  const key = LOG_PREFIXES.states + padded(nextSegment)
  if (await blobs.read(key) === undefined) await blobs.create(key, Buffer.from(JSON.stringify(saved)))
  if (!removesOld) return
  const keys: string[] = []
  for await (const one of reader.keys(LOG_PREFIXES.states)) keys.push(one)
  for (const old of keys.slice(0, -2)) await blobs.remove(old)
}

/** The newest state that fits the checkpoint of its size; an empty book where there is none. */
export async function loadState(blobs: BlobStore, reader: LogReader, trustedLog: readonly TrustedKey[], mostFacts: number): Promise<LogBook> {
  const keys: string[] = []
  for await (const key of reader.keys(LOG_PREFIXES.states)) keys.push(key)
  for (const key of keys.reverse()) {
    const book = readBook(await blobs.read(key), mostFacts)
    if (book !== undefined && await fitsCheckpoint(book, reader, trustedLog)) return book
  }
  return new LogBook(new RememberedFacts(mostFacts))
}

async function fitsCheckpoint({ tree }: LogBook, reader: LogReader, trustedLog: readonly TrustedKey[]): Promise<boolean> {
  const text = await reader.checkpoint(tree.size)
  const checkpoint = text === undefined ? undefined : openCheckpoint(text, trustedLog)
  return checkpoint !== undefined && checkpoint.size === tree.size && tree.root().equals(checkpoint.root)
}

function readBook(bytes: Uint8Array | undefined, mostFacts: number): LogBook | undefined {
  if (bytes === undefined) return undefined
  try {
    const saved = savedBook.parse(JSON.parse(Buffer.from(bytes).toString()))
    const book = new LogBook(new RememberedFacts(mostFacts, saved.facts))
    book.tree = new CompactRange(saved.size, saved.roots.map((root) => Buffer.from(root, 'base64')))
    book.nextSegment = saved.nextSegment
    book.prevSegment = saved.prevSegment
    for (const { lostAfter, ...entry } of saved.writers) book.writers.set(entry.state.writer, { ...entry, ...(lostAfter === undefined ? {} : { lostAfter }) })
    return book
  } catch (error) {
    // Of another version or damaged: the log itself says everything again.
    if (error instanceof z.ZodError || error instanceof SyntaxError || error instanceof TypeError) return undefined
    throw error
  }
}
