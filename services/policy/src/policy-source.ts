/** From the folder to the bundle in force: reads until nothing moves, checks everything, publishes only what is sound. */
import { setTimeout as wait } from 'node:timers/promises'
import { isDeepStrictEqual } from 'node:util'
import type { Policy, PolicyDocument, SignedPointer } from '@lockkeeper/policy-engine'
import { checkFiles, type CheckOptions } from './check.ts'
import { formatProblem, readFolder, type FileProblem, type FolderTexts } from './policy-files.ts'
import { currentPointer, publish, type PublisherPorts } from './publisher.ts'

/** Ms between two readings that must be the same: a file that is being written is not read half. */
const SETTLE_MS = 40
const MAX_READINGS = 25

export interface SourceStatus {
  /** The pointer in force, as far as this service knows. */
  readonly pointer?: SignedPointer
  /** Why the folder as it is now is not in force; empty: it is. */
  readonly problems: readonly FileProblem[]
  readonly warnings: readonly FileProblem[]
}

export interface PolicySource {
  status(): SourceStatus
  /** The policy of the last sound reading. */
  policy(): Policy | undefined
  /** Reads the folder once and acts on it. Concurrent calls are done one after the other; one that waits serves all that came meanwhile. */
  scan(): Promise<void>
}

export interface SourceParts extends PublisherPorts {
  readonly folder: string
  readonly by: string
  readonly check: CheckOptions
  readonly onProblems: (problems: readonly FileProblem[]) => void
  readonly onPublished: (pointer: SignedPointer, warnings: readonly FileProblem[]) => void
}

export function createPolicySource(parts: SourceParts): PolicySource {
  let status: SourceStatus = { problems: [], warnings: [] }
  let policy: Policy | undefined
  let sound: readonly PolicyDocument[] = []
  let settled: string | undefined
  let running: Promise<void> | undefined
  let next: Promise<void> | undefined

  const refuse = (problems: readonly FileProblem[]): void => {
    const isNews = problems.map(formatProblem).join('\n') !== status.problems.map(formatProblem).join('\n')
    status = { ...status, problems }
    if (isNews) parts.onProblems(problems)
  }
  const act = async (): Promise<void> => {
    const texts = await readSettled(parts.folder, settled)
    if (texts.digest === settled) return restore()
    const checked = await checkFiles(texts.policies, parts.check)
    const problems = [...texts.problems, ...checked.problems]
    if (problems.length > 0) refuse(problems)
    else {
      const { pointer, changed } = await publish(parts, checked.documents, parts.check.methods, parts.by)
      const recovered = status.problems.length > 0
      status = { pointer, problems: [], warnings: checked.warnings }
      policy = checked.policy
      sound = checked.documents
      if (changed || recovered) parts.onPublished(pointer, checked.warnings)
    }
    // Only now: what could not be published for an outage is tried again by the next scan.
    settled = texts.digest
  }
  /** Puts the pointer back that somebody without the key has replaced. One that another instance has signed is left. */
  const restore = async (): Promise<void> => {
    const { pointer } = status
    if (pointer === undefined || isDeepStrictEqual(await currentPointer(parts.documents), pointer)) return
    const published = await publish(parts, sound, parts.check.methods, parts.by, 'unless-ours')
    status = { ...status, pointer: published.pointer }
    if (published.changed) parts.onPublished(published.pointer, status.warnings)
  }
  const scan = (): Promise<void> => {
    if (running === undefined) return running = act().finally(() => { running = undefined })
    return next ??= running.catch(() => undefined).then(() => {
      next = undefined
      return scan()
    })
  }
  return { status: () => status, policy: () => policy, scan }
}

/** The folder once two readings in a row are the same; the last reading if it never rests. */
async function readSettled(folder: string, known: string | undefined): Promise<FolderTexts> {
  let texts = await readFolder(folder)
  if (texts.digest === known) return texts
  for (let reading = 1; reading < MAX_READINGS; reading++) {
    await wait(SETTLE_MS)
    const again = await readFolder(folder)
    if (again.digest === texts.digest) return again
    texts = again
  }
  return texts
}
