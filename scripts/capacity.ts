/** `node scripts/capacity.ts` computes the tables of docs/capacity.md anew; `node scripts/capacity.ts 200` prints what 200 calls a second need, as JSON. */
import { readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import process from 'node:process'
import { NUMBERS } from './capacity/assumptions.ts'
import { capacityAt } from './capacity/model.ts'
import { withTables } from './capacity/tables.ts'

const PAGE = join(import.meta.dirname, '../docs/capacity.md')

function main(rate: string | undefined): number {
  if (rate === undefined) {
    writeFileSync(PAGE, withTables(readFileSync(PAGE, 'utf8')))
    return 0
  }
  const callsPerSecond = Number(rate)
  if (!(callsPerSecond > 0) || !Number.isFinite(callsPerSecond)) {
    process.stderr.write('say how many calls a second: a number above 0\n')
    return 2
  }
  process.stdout.write(`${JSON.stringify(capacityAt(callsPerSecond, NUMBERS), undefined, 2)}\n`)
  return 0
}

process.exitCode = main(process.argv[2])
