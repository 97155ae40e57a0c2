/** All writers of a log, as the verifier meets them. */
import type { SealedHeader } from './batch.ts'
import type { LogProblem, WriterReport } from './log-report.ts'
import type { TrustedKey } from './signatures.ts'
import { eventNamed, followChain, WRITER_LOST, type ChainFault, type WriterState } from './writer-chain.ts'

export class WriterBook {
  readonly #trusted: readonly TrustedKey[]
  readonly #states = new Map<string, WriterState>()
  /** Writers that the log says are lost, and after which record. */
  readonly #lost = new Map<string, number>()
  /** Writers that no trusted key stands for: named once, not with every batch. */
  readonly #refused = new Set<string>()
  records = 0

  constructor(trusted: readonly TrustedKey[]) {
    this.#trusted = trusted
  }

  follow(sealed: SealedHeader, lines: readonly string[]): ChainFault | undefined {
    const { header } = sealed
    const known = this.#states.get(header.writer)
    this.records += lines.length
    if (known === undefined && this.#refused.has(header.writer)) return undefined
    const step = followChain(known, sealed, lines, this.#trusted)
    if (step.fault === undefined) {
      this.#states.set(header.writer, step.state)
      if (step.state.service === 'audit') this.#noteLosses(sealed, lines)
      return undefined
    }
    if (known === undefined) this.#refused.add(header.writer)
    else if (header.lastSeq > known.lastSeq && step.fault.kind !== 'batch-forged') this.#states.set(header.writer, { ...known, lastSeq: header.lastSeq, lastHash: header.lastHash })
    return step.fault
  }

  /** Where the log speaks of more records than there are. */
  * unsettled(): Iterable<LogProblem> {
    for (const [writer, seq] of this.#lost) {
      const records = this.#states.get(writer)?.lastSeq ?? 0
      if (seq > records) yield { kind: 'lost-differs', writer, seq: records + 1, message: `The log says that writer ${writer} vanished after record ${seq}, and holds ${records}.` }
    }
  }

  report(): readonly WriterReport[] {
    return [...this.#states.values()].map(({ writer, service, bootId, lastSeq, closed }) => {
      const status = closed ? 'closed' : this.#lost.get(writer) === lastSeq ? 'lost' : 'open'
      return { writer, service, bootId, records: lastSeq, status }
    })
  }

  #noteLosses({ header }: SealedHeader, lines: readonly string[]): void {
    for (const [index, line] of lines.entries()) {
      const facts = eventNamed(line, header.writer, header.firstSeq + index, WRITER_LOST)
      if (facts?.['writer'] !== undefined) this.#lost.set(facts['writer'], Number(facts['lastSeq']))
    }
  }
}
