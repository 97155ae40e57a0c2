import assert from 'node:assert/strict'
import type { TourContext, TourStep } from './context.ts'
import { StepFailed, expect } from './context.ts'
import { TOUR_STEPS } from './steps.ts'
import { runTour } from './tour.ts'

function contextWithText(): { readonly context: TourContext, readonly lines: () => readonly string[] } {
  let text = ''
  return { context: { out: { write: (part: string) => { text += part } } } as TourContext, lines: () => text.trimEnd().split('\n') }
}

const good = (title: string): TourStep => ({ title, run: async (_context, say) => { say('seen') } })
const bad = (title: string, error: unknown): TourStep => ({ title, run: () => Promise.reject(error) })

describe('the tour', () => {
  it('ends with exactly one line that says all is well', async () => {
    const { context, lines } = contextWithText()
    assert.deepEqual(await runTour(context, [good('one'), good('two')]), { total: 2, failed: [] })
    assert.equal(lines().at(-1), 'tour: 2 of 2 steps ok')
    assert.deepEqual(lines().filter((line) => line.includes('one') || line.includes('seen')), [' 1. one', '    seen', '    seen'])
  })

  it('names the step that failed and goes on with the others', async () => {
    const { context, lines } = contextWithText()
    assert.deepEqual(await runTour(context, [bad('first', new StepFailed('went wrong')), good('second'), bad('third', 'not an error')]), { total: 3, failed: ['first', 'third'] })
    assert.equal(lines().at(-1), 'tour: 1 of 3 steps ok, failed: first; third')
    assert.ok(lines().includes('    FAILED: went wrong'))
  })

  it('a step that does not end fails when its time is over; a person\'s time comes on top', async () => {
    const never: TourStep = { title: 'never', timeoutMs: 10, run: () => new Promise(() => undefined) }
    const { context } = contextWithText()
    assert.deepEqual((await runTour(context, [never])).failed, ['never'])
    const patient: TourStep = { title: 'patient', timeoutMs: 1, waitsForPerson: true, run: () => new Promise((resolve) => { setImmediate(() => setImmediate(resolve)) }) }
    assert.deepEqual((await runTour({ ...context, approvalTimeoutMs: 5_000 }, [patient])).failed, [])
  })

  it('has at least nine steps, each with a title of its own', () => {
    assert.ok(TOUR_STEPS.length >= 9)
    assert.equal(new Set(TOUR_STEPS.map(({ title }) => title)).size, TOUR_STEPS.length)
    assert.deepEqual(TOUR_STEPS.filter(({ waitsForPerson }) => waitsForPerson === true).length, 1)
  })

  it('expect fails for false and for nothing, and for nothing else', () => {
    for (const value of [false, undefined, null]) assert.throws(() => expect(value, 'x'), StepFailed)
    for (const value of [true, 0, '', {}]) expect(value, 'x')
  })
})
