/** Where the set in force comes from: a folder that is watched, or what somebody pushes. */
import { isDeepStrictEqual } from 'node:util'
import { isRefusal, type Refusal } from '@lockkeeper/domain/errors'
import type { Policy, SignedPointer, SignedTargetsPointer } from '@lockkeeper/policy-engine'
import type { Checked } from './check.ts'
import { formatProblem, type FileProblem, type FileText, type SetTexts } from './policy-files.ts'
import type { PublisherPorts } from './publisher-ports.ts'
import { publish, readInForce, type Beside, type Published } from './publisher.ts'
import type { TestOptions } from './test-folder.ts'

export interface SourceStatus {
  /** The pointer in force, as far as this service knows. */
  readonly pointer?: SignedPointer
  readonly targets?: SignedTargetsPointer
  /** Why the newest set is not in force; empty: it is. */
  readonly problems: readonly FileProblem[]
  readonly warnings: readonly FileProblem[]
}

export interface PolicySource {
  status(): SourceStatus
  /** The policy of the last sound reading. */
  policy(): Policy | undefined
  /** The files of the last sound reading. */
  files(): readonly FileText[]
  /** Reads once and acts on it. Concurrent calls are done one after the other; one that waits serves all that came meanwhile. */
  scan(): Promise<void>
}

export interface SourceParts extends PublisherPorts {
  readonly by: string
  readonly check: TestOptions
  /** Whether a set must bring targets. */
  readonly targetsRule: 'required' | 'refused' | 'optional'
  readonly onProblems: (problems: readonly FileProblem[]) => void
  readonly onPublished: (pointer: SignedPointer, warnings: readonly FileProblem[]) => void
}

/** What every source keeps: the last sound set, and whether something is wrong with the newest. */
export class SourceState {
  readonly #parts: SourceParts
  #status: SourceStatus = { problems: [], warnings: [] }
  #checked: Checked | undefined
  #files: readonly FileText[] = []
  #by: string

  constructor(parts: SourceParts) {
    this.#parts = parts
    this.#by = parts.by
  }

  status(): SourceStatus { return this.#status }

  policy(): Policy | undefined { return this.#checked?.policy }

  files(): readonly FileText[] { return this.#files }

  refuse(problems: readonly FileProblem[]): void {
    const isNews = problems.map(formatProblem).join('\n') !== this.#status.problems.map(formatProblem).join('\n')
    this.#status = { ...this.#status, problems }
    if (isNews) this.#parts.onProblems(problems)
  }

  /** Publishes what was checked and found sound. A Refusal, only where `beside` gives one, leaves everything as it was. */
  async publish(texts: SetTexts, checked: Checked, by: string, beside?: Beside): Promise<Published | Refusal> {
    const given = { documents: checked.documents, targets: checked.targets, methods: this.#parts.check.methods, by, seen: this.#status }
    const published = beside === undefined ? await publish(this.#parts, given) : await publish(this.#parts, given, beside)
    if (isRefusal(published)) return published
    const recovered = this.#status.problems.length > 0
    this.#checked = checked
    this.#by = by
    this.#files = [...texts.policies, ...texts.cases, ...texts.targets === undefined ? [] : [texts.targets]]
    this.#inForce(published, checked.warnings)
    if (published.changed || recovered) this.#parts.onPublished(published.pointer, checked.warnings)
    return published
  }

  /** Puts the pointers back that somebody without the key has replaced. Those that another instance has signed are left. */
  async restore(): Promise<void> {
    const { pointer, targets } = this.#status
    const before = await readInForce(this.#parts.documents)
    if (this.#checked === undefined || pointer === undefined || isDeepStrictEqual(before, { pointer, ...(targets === undefined ? {} : { targets }) })) return
    const published = await publish(this.#parts, { documents: this.#checked.documents, targets: this.#checked.targets, methods: this.#parts.check.methods, by: this.#by, when: 'unless-ours', seen: this.#status })
    this.#inForce(published, this.#status.warnings, this.#status.problems)
    if (published.changed) this.#parts.onPublished(published.pointer, this.#status.warnings)
  }

  #inForce({ pointer, targets }: Published, warnings: readonly FileProblem[], problems: readonly FileProblem[] = []): void {
    this.#status = { pointer, ...(targets === undefined ? {} : { targets }), problems, warnings }
  }
}

/** One at a time; what comes while one runs is served by one more. */
export function oneAtATime(act: () => Promise<void>): () => Promise<void> {
  let running: Promise<void> | undefined
  let next: Promise<void> | undefined
  const run = (): Promise<void> => {
    if (running === undefined) return running = act().finally(() => { running = undefined })
    return next ??= running.catch(() => undefined).then(() => {
      next = undefined
      return run()
    })
  }
  return run
}
