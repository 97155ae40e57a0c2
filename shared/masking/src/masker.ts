import type { MaskPlan } from '@lockkeeper/domain'
import { LockkeeperError } from '@lockkeeper/domain/errors'
import type { FieldState } from './field-paths.ts'
import { compileFieldPaths } from './field-paths.ts'
import type { JsonRules } from './json-masker.ts'
import { JsonMasker, shapesFor, telltaleBytes } from './json-masker.ts'
import { MAX_DEPTH } from './json-tokens.ts'
import { MemberCache } from './member-cache.ts'
import { maskProblems, resolveDetectors } from './plan.ts'
import { TextFinder } from './text-finder.ts'
import { TextMasker } from './text-stream.ts'
import type { MaskNested } from './value-masker.ts'
import { ValueMasker } from './value-masker.ts'

export interface MaskStream {
  /** What may be released now, in order; any chunking gives the same bytes. Parts may share memory with the chunk. Throws CANNOT_MASK. */
  push(chunk: Uint8Array): Uint8Array[]
  /** The rest. Throws CANNOT_MASK when the document is not complete. */
  end(): Uint8Array[]
  /** Places masked so far. */
  readonly masked: number
}

/** All of it throws LockkeeperError CANNOT_MASK for what cannot be inspected; nothing of that may be released. */
export interface Masker {
  readonly plan: MaskPlan
  /** One JSON document in UTF-8; no bytes at all are one too. The very same object when nothing was masked. */
  maskJson(bytes: Uint8Array): { readonly bytes: Uint8Array, readonly masked: number }
  /** The same for documents that come in chunks. Keeps one string at most; releases nothing that could become part of a masked value. */
  stream(): MaskStream
  /** Plain text, CSV, log lines. Field paths say nothing about text. */
  maskText(text: string): { readonly text: string, readonly masked: number }
  /** The same for UTF-8 text in chunks: whole lines are released, one line at most is kept. */
  streamText(): MaskStream
}

export interface MaskerOptions {
  /** Bytes of one JSON string or number as written, or of one line of text; default 1 MiB. Beyond: CANNOT_MASK. */
  readonly maxStringLength?: number
}

const DEFAULT_MAX_STRING_LENGTH = 1024 * 1024

/** Costs about a millisecond: callers keep one per plan. */
export function createMasker(plan: MaskPlan, options: MaskerOptions = {}): Masker | { readonly problem: string } {
  const problems = maskProblems(plan)
  if (problems.length > 0) return { problem: problems.join('; ') }
  const maxStringLength = options.maxStringLength ?? DEFAULT_MAX_STRING_LENGTH
  if (!Number.isSafeInteger(maxStringLength) || maxStringLength < 1) throw new TypeError('maxStringLength must be a positive integer')
  return new PlanMasker(plan, maxStringLength)
}

class PlanMasker implements Masker {
  readonly plan: MaskPlan
  readonly #rules: JsonRules
  readonly #root: FieldState

  constructor(plan: MaskPlan, maxStringLength: number) {
    this.plan = plan
    const detectors = resolveDetectors(plan)
    this.#root = compileFieldPaths(plan.fields)
    const values = new ValueMasker(new TextFinder(detectors), (text, layer, field) => this.#maskNested(text, layer, field))
    const members = new MemberCache(detectors.names, name => values.mask(name, { layer: 0, field: this.#root, base64: false }))
    this.#rules = { values, members, detectors: detectors.names, telltale: telltaleBytes(detectors.names), shapes: shapesFor(detectors.names), maxStringLength }
  }

  maskJson(bytes: Uint8Array): { readonly bytes: Uint8Array, readonly masked: number } {
    const masker = new JsonMasker(this.#rules, 0, this.#root)
    const parts = [...masker.push(bytes), ...masker.end()]
    return masker.masked === 0 ? { bytes, masked: 0 } : { bytes: Buffer.concat(parts), masked: masker.masked }
  }

  stream(): MaskStream {
    return new JsonMasker(this.#rules, 0, this.#root)
  }

  maskText(text: string): { readonly text: string, readonly masked: number } {
    return this.#rules.values.maskText(text, { layer: 0, field: this.#root, base64: false }) ?? { text, masked: 0 }
  }

  streamText(): MaskStream {
    return new TextMasker(this.#rules.values, { layer: 0, field: this.#root, base64: false }, this.#rules.maxStringLength)
  }

  #maskNested(text: string, layer: number, field: FieldState): ReturnType<MaskNested> {
    const masker = new JsonMasker(this.#rules, layer, field)
    try {
      const parts = [...masker.push(Buffer.from(text)), ...masker.end()]
      return masker.masked === 0 ? undefined : { text: Buffer.concat(parts).toString('utf8'), masked: masker.masked }
    } catch (error) {
      if (!(error instanceof LockkeeperError)) throw error
      // Text that merely begins like JSON is searched as text.
      return masker.depth === MAX_DEPTH ? 'too deep' : 'not json'
    }
  }
}
