/** From the folder to the set in force: reads until nothing moves, checks everything, publishes only what is sound. */
import { setTimeout as wait } from 'node:timers/promises'
import { presenceProblems } from './check-targets.ts'
import { checkSet } from './check.ts'
import { readFolder, type FolderTexts } from './policy-files.ts'
import { oneAtATime, SourceState, type PolicySource, type SourceParts } from './policy-source.ts'

/** Ms between two readings that must be the same: a file that is being written is not read half. */
const SETTLE_MS = 40
const MAX_READINGS = 25

export function createFolderSource(parts: SourceParts & { readonly folder: string }): PolicySource {
  const state = new SourceState(parts)
  let settled: string | undefined
  const act = async (): Promise<void> => {
    const texts = await readSettled(parts.folder, settled)
    if (texts.digest === settled) return state.restore()
    const checked = await checkSet(texts, parts.check)
    const problems = [...checked.problems, ...presenceProblems(parts.targetsRule, texts.targets)]
    if (problems.length > 0) state.refuse(problems)
    else await state.publish(texts, checked, parts.by)
    // Only now: what could not be published for an outage is tried again by the next scan.
    settled = texts.digest
  }
  return { status: () => state.status(), policy: () => state.policy(), files: () => state.files(), scan: oneAtATime(act) }
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
