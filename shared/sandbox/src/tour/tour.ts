/** Walks through the steps, says what was seen, and ends with one line that a script can read. */
import type { TourContext, TourStep } from './context.ts'
import { StepFailed } from './context.ts'
import { TOUR_STEPS } from './steps.ts'

const STEP_TIMEOUT_MS = 90_000
const APPROVAL_TIMEOUT_MS = 600_000

export interface TourResult {
  readonly total: number
  /** Titles of the steps that failed. */
  readonly failed: readonly string[]
}

/**
 * Runs all steps in order; a failed one is named and does not stop the others. The last line is `tour: N of N steps ok`, and where
 * some failed `tour: M of N steps ok, failed: TITLE; TITLE`.
 */
export async function runTour(context: TourContext, steps: readonly TourStep[] = TOUR_STEPS): Promise<TourResult> {
  const failed: string[] = []
  for (const [index, step] of steps.entries()) {
    context.out.write(`\n${String(index + 1).padStart(2)}. ${step.title}\n`)
    const problem = await runStep(context, step)
    context.out.write(problem === undefined ? '    ok\n' : `    FAILED: ${problem}\n`)
    if (problem !== undefined) failed.push(step.title)
  }
  const head = `tour: ${steps.length - failed.length} of ${steps.length} steps ok`
  context.out.write(`\n${head}${failed.length === 0 ? '' : `, failed: ${failed.join('; ')}`}\n`)
  return { total: steps.length, failed }
}

/** Why the step failed, or undefined. */
async function runStep(context: TourContext, step: TourStep): Promise<string | undefined> {
  const patience = step.waitsForPerson === true ? context.approvalTimeoutMs ?? APPROVAL_TIMEOUT_MS : 0
  const limit = (step.timeoutMs ?? STEP_TIMEOUT_MS) + patience
  let timer: NodeJS.Timeout | undefined
  const late = new Promise<never>((_resolve, reject) => {
    timer = setTimeout(() => reject(new StepFailed(`not done after ${Math.round(limit / 1_000)} s`)), limit)
  })
  try {
    await Promise.race([step.run(context, (line) => context.out.write(`    ${line}\n`)), late])
    return undefined
  } catch (error) {
    return error instanceof Error ? error.message : String(error)
  } finally {
    clearTimeout(timer)
  }
}
