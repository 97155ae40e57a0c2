/** Suites that need an emulator: they run wherever one can be had, and where none can the run says so by name. */
import process from 'node:process'
import type { EmulatorName } from './emulator-plan.ts'
import { emulator, emulatorPlan, type RunningEmulator } from './shared-emulators.ts'

/** Gives the running emulator inside tests and hooks; the first of the suite's unless it is named. */
export type Emulators = (name?: EmulatorName) => RunningEmulator

const START_MS = 150_000
const NOT_RUN = 'not run: '

/**
 * `describe` with emulators under it. Without one it is a single pending test with the reason as its title and a line of the
 * run's summary; with REQUIRE_EMULATORS=1 it is a failing test. Each call gets a project id of its own.
 */
export function describeEmulated(needs: EmulatorName | readonly EmulatorName[], title: string, body: (this: Mocha.Suite, emulators: Emulators) => void): void {
  const names = typeof needs === 'string' ? [needs] : needs
  const missing = names.flatMap(name => {
    const plan = emulatorPlan(name)
    return plan.way === 'none' ? [`no ${name} emulator: ${plan.why}`] : []
  })
  if (missing.length > 0) return describeNotRun(title, missing.join('; '), process.env['REQUIRE_EMULATORS'] === '1' ? 'REQUIRE_EMULATORS=1' : undefined)
  describe(title, function () {
    const running = new Map<EmulatorName, RunningEmulator>()
    before('start the emulator', async function () {
      this.timeout(START_MS)
      for (const name of names) {
        const one = await emulator(name)
        if (!one.available) throw new Error(one.why)
        running.set(name, one)
      }
    })
    body.call(this, (name = names[0]!) => {
      const one = running.get(name)
      if (one === undefined) throw new TypeError(`the ${name} emulator is not there yet, or this suite did not ask for it`)
      return one
    })
  })
}

/** A suite that cannot run here: one pending test with the reason, and a line of the run's summary; a failing test where it is `required`, by the variable that says so. */
export function describeNotRun(title: string, why: string, required?: string): void {
  describe(title, () => {
    if (required !== undefined) {
      it('has what it needs', () => { throw new Error(`${required}, but ${why}`) })
      return
    }
    it(`${NOT_RUN}${why}`)
  })
}

/** The line of the run's summary that a pending test stands for: none, unless it stands for a suite that could not run. */
export function suiteNotRun(test: { readonly title: string, titlePath(): readonly string[] }): readonly string[] {
  const { title } = test
  return title.startsWith(NOT_RUN) ? [`NOT RUN: ${test.titlePath().slice(0, -1).join(' ')}: ${title.slice(NOT_RUN.length)}`] : []
}
