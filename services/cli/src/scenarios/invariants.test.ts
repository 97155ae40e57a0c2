/**
 * Which scenario covers which invariant of docs/security-invariants.md. The embedded edition at isolation level `none` claims 3, 6, 7, 8
 * and 12 against mistakes only, not against an agent of the same user; titles say so where it matters.
 *
 *  1 order                                  8 records, crash, every scenario's end
 *  2 hostile-requests                       9 masking
 *  3 canary, crash, every scenario's end   10 failures, order
 *  4 approval-lifecycle                    11 approval-races, approval-lifecycle, commands, crash
 *  5 approval-races, crash                 12 failures, commands
 *  6 people                                13 approval-lifecycle
 *  7 people, key-press, config             14 config, failures, records
 */
import assert from 'node:assert/strict'
import { readdirSync, readFileSync } from 'node:fs'

const COVERED: Readonly<Record<number, readonly string[]>> = {
  1: ['order'], 2: ['hostile-requests'], 3: ['canary', 'crash'], 4: ['approval-lifecycle'], 5: ['approval-races', 'crash'], 6: ['people'], 7: ['people', 'key-press', 'config'], 8: ['records', 'crash'],
  9: ['masking'], 10: ['failures', 'order'], 11: ['approval-races', 'approval-lifecycle', 'commands', 'crash'], 12: ['failures', 'commands'], 13: ['approval-lifecycle'], 14: ['config', 'failures', 'records'],
}

describe('scenarios and invariants', () => {
  const files = Object.fromEntries(readdirSync(new URL('.', import.meta.url)).filter((name) => name.endsWith('.test.ts'))
    .map((name) => [name.replace('.test.ts', ''), readFileSync(new URL(name, import.meta.url), 'utf8')]))
  for (let number = 1; number <= 14; number++) {
    it(`invariant ${number}: has its tests in ${COVERED[number]?.join(', ')}`, () => {
      const titled = new RegExp(`['\`]invariants? (?:\\d+ and )?${number}\\b`)
      assert.ok((COVERED[number]?.length ?? 0) > 0)
      for (const name of COVERED[number] ?? []) assert.match(files[name] ?? '', titled, name)
    })
  }
})
