import assert from 'node:assert/strict'
import { join } from 'node:path'
import process from 'node:process'
import { describeNotRun } from '@lockkeeper/testkit/emulators'
import { configurations, openTrial, terraformIsHere, type Trial, type Tried } from './try-configurations.ts'

const TITLE = 'terraform: modules, environments and bootstrap, by Terraform itself'
if (!terraformIsHere()) describeNotRun(TITLE, 'there is no terraform on the PATH', process.env['REQUIRE_TERRAFORM'] === '1' ? 'REQUIRE_TERRAFORM=1' : undefined)
else describe(TITLE, function () {
  this.timeout(300_000)
  let trial: Trial
  const outcomes: Promise<Tried>[] = []
  before(async () => {
    trial = await openTrial(join(import.meta.dirname, '../..'))
    // Two at a time, each behind the one before the last; every test below waits for its own.
    for (const [at, folder] of configurations().entries()) {
      const turn = outcomes[at - 2] ?? Promise.resolve()
      outcomes.push(turn.then(() => trial.try(folder)))
    }
  })
  after(async () => {
    await Promise.all(outcomes)
    trial.close()
  })

  for (const [at, folder] of configurations().entries()) it(`${folder} is valid, and its tests pass`, async () => {
    const { faults, passed } = await (outcomes[at] as Promise<Tried>)
    assert.deepEqual(faults, [])
    assert.ok(passed > 0, 'it has no test')
  })
})
