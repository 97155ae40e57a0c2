/** What a verifier says. */
import type { ChainFaultKind } from './writer-chain.ts'

export type LogProblemKind =
  | ChainFaultKind
  /** A segment's first line is not the one that belongs here: a segment was dropped, repeated, moved or changed. */
  | 'segment-misplaced'
  /** The segment is no text, has lines outside batches, or ends in the middle of a line. */
  | 'segment-damaged'
  | 'header-damaged'
  /** A checkpoint that no trusted key signed, or of another log. */
  | 'checkpoint-forged'
  | 'checkpoint-misplaced'
  /** The tree over the batches is not the one that was signed. */
  | 'root-differs'
  /** A checkpoint speaks of more batches than there are. */
  | 'log-truncated'
  /** The log says that a writer had come further than its records go. */
  | 'lost-differs'

export interface LogProblem {
  readonly kind: LogProblemKind
  readonly message: string
  /** Segment, from 1, in the order in which they were read. */
  readonly segment?: number
  /** Line of the segment, from 1. */
  readonly line?: number
  /** Place of the batch in the log, from 0. */
  readonly batch?: number
  readonly writer?: string
  readonly seq?: number
  /** Size that the checkpoint in question speaks of. */
  readonly checkpoint?: number
}

export interface WriterReport {
  readonly writer: string
  readonly service: string
  readonly bootId: string
  /** Records that stand in the log. */
  readonly records: number
  /** `closed`: it said that it ended. `lost`: the log says that it vanished after exactly these records. `open`: it may be running. */
  readonly status: 'open' | 'closed' | 'lost'
}

export interface LogReport {
  /** No problem was found. */
  readonly ok: boolean
  readonly problems: readonly LogProblem[]
  /** Problems beyond the first 100, counted only. */
  readonly furtherProblems: number
  readonly segments: number
  readonly batches: number
  readonly records: number
  readonly checkpoints: number
  /** Root over all batches, base64. */
  readonly root: string
  /** Epoch ms of the last checkpoint. Undefined: there is none. */
  readonly checkedAt?: number
  /** Batches at the end that no checkpoint covers yet: authentic, but their removal would not show. */
  readonly uncovered: number
  readonly writers: readonly WriterReport[]
}

const MOST_PROBLEMS = 100

export class ProblemList {
  readonly problems: LogProblem[] = []
  further = 0

  add(problem: LogProblem): void {
    if (this.problems.length < MOST_PROBLEMS) this.problems.push(problem)
    else this.further++
  }
}
