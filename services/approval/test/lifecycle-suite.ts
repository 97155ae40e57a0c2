/**
 * What becomes of an approval, case by case: the matrix that every edition must pass, each rule with the number of its row. A store that
 * an edition is built on passes it whole.
 */
import { aMethod } from '@lockkeeper/testkit'
import { after, before, describe } from 'mocha'
import { openWorld, person, type OpenStore, type World } from './harness.ts'
import { decisionRules } from './lifecycle-of-decisions.ts'
import { grantRules } from './lifecycle-of-grants.ts'
import { runRules } from './lifecycle-of-runs.ts'
import { CRITICAL_METHOD, SLACK_SECRET } from './lifecycle-parts.ts'

/** `openStore` is called once for the suite, and again wherever a rule speaks of a restart. */
export function approvalLifecycle(name: string, openStore?: OpenStore): void {
  describe(`approval lifecycle on ${name}`, () => {
    let world: World
    before(async () => {
      world = await openWorld({}, {
        methods: (id) => id === CRITICAL_METHOD ? aMethod({ id, risk: 'critical', change: true }) : undefined,
        slack: {
          signingSecret: async () => SLACK_SECRET, app: 'A0APP', team: 'T0TEAM', decides: ['high', 'medium', 'change'],
          bySlack: (member) => member === 'UBO' ? { id: person('bo'), name: 'bo', groups: [], identities: [{ slack: member }] } : undefined,
        },
      }, openStore)
    })
    after(() => world.close())
    runRules(() => world)
    decisionRules(() => world)
    grantRules(() => world)
  })
}
