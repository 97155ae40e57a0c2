/** Reading what a client child printed. */
import type { ClientReport, Refused } from '../clients/client-report.ts'
import type { ChildRun } from './child.ts'
import type { TourContext } from './context.ts'
import { StepFailed, expect } from './context.ts'

/** E-mail addresses of the seed; none may arrive where masking is on. */
const PERSONAL = /[\w.+-]+@(?:customers|sandbox)\.example\.com/
/** What stands where a value was masked. */
const MARKER = /\[lockkeeper:masked:[a-z-]+\]/

export async function runSandboxClient(context: TourContext, name: string, args: readonly string[], timeoutMs?: number): Promise<{ readonly report: ClientReport, readonly text: string }> {
  const run = await context.spawnClient(name, await context.agentEnvironment(), args, timeoutMs)
  return { report: readReport(name, run), text: run.stdout }
}

function readReport(name: string, { code, stdout, stderr }: ChildRun): ClientReport {
  if (code !== 0) throw new StepFailed(`the client ${name} ended with ${code === null ? 'a signal (too slow)' : `code ${code}`}: ${stderr.trim().slice(-500)}`)
  try {
    return JSON.parse(stdout) as ClientReport
  } catch (cause) {
    throw new StepFailed(`the client ${name} printed no report`, { cause })
  }
}

export function answered(report: ClientReport): Extract<ClientReport, { readonly outcome: 'answered' }> {
  if (report.outcome === 'answered') return report
  throw new StepFailed(`the call was refused with ${report.refused.status}: ${report.refused.message}`)
}

export function refused(report: ClientReport): Refused {
  if (report.outcome === 'refused') return report.refused
  throw new StepFailed('the call was answered, and it should have been refused')
}

export function expectMasked(text: string): string {
  expect(!PERSONAL.test(text), `an e-mail address arrived unmasked: ${PERSONAL.exec(text)?.[0]}`)
  const marker = MARKER.exec(text)?.[0]
  expect(marker, 'no masked value arrived, although there are e-mail addresses upstream')
  return marker
}

/** At most `most` characters, on one line. */
export function shortened(text: string, most = 160): string {
  const line = text.replace(/\s+/g, ' ').trim()
  return line.length <= most ? line : `${line.slice(0, most - 1)}…`
}
