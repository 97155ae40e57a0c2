/** The tables of docs/capacity.md. */
import { ASSUMPTIONS, NUMBERS } from './assumptions.ts'
import { callsPerProxy, capacityAt, limitsOf, type Capacity, type EuroRow } from './model.ts'
import { EUROS, PRICES, PRICES_OF } from './prices.ts'

export const RATES = [10, 1_000, 50_000] as const

const GIB = 1024 ** 3

/** Two figures that count: the model knows no more. */
export function rounded(value: number): string {
  if (value === 0 || Number.isInteger(value) && value < 100) return String(value)
  const digits = Math.max(0, 1 - Math.floor(Math.log10(Math.abs(value))))
  const factor = 10 ** Math.floor(Math.log10(Math.abs(value)) - 1)
  return value >= 10 ? Number((Math.round(value / factor) * factor).toFixed(0)).toLocaleString('en-US') : value.toFixed(Math.min(digits, 3))
}

const ROWS: readonly (readonly [string, (one: Capacity) => number])[] = [
  ['proxies (at least 2)', ({ proxies }) => proxies],
  ['calls in flight at each, busiest minute', ({ inFlight }) => inFlight],
  ['records a second', ({ recordsPerSecond }) => recordsPerSecond],
  ['batches a second', ({ batchesPerSecond }) => batchesPerSecond],
  ['cores that the one audit service needs, busiest minute', (one) => one.auditCores],
  ['Firestore writes a second', ({ firestoreWrites }) => firestoreWrites],
  ['Firestore reads a second', ({ firestoreReads }) => firestoreReads],
  ['Pub/Sub KiB a second, in and out', ({ pubsubBytes }) => pubsubBytes / 1024],
  ['the log grows by GiB a month', ({ logBytes }) => logBytes / GIB],
  ['people are asked, a day', ({ askedPerDay }) => askedPerDay],
  ['approvers for that', ({ approvers }) => approvers],
]

const EURO_ROWS: readonly EuroRow[] = ['Cloud Run', 'Firestore', 'Pub/Sub', 'log, a year of it', 'KMS', 'load balancer', 'Cloud Armor', 'logging']

function capacityTables(): Readonly<Record<string, string>> {
  const columns = RATES.map((rate) => capacityAt(rate, NUMBERS))
  const head = (first: string): string => `| ${first} | ${RATES.map((rate) => `${rate.toLocaleString('en-US')} calls/s`).join(' | ')} |\n|---|${RATES.map(() => '---:|').join('')}`
  const row = (name: string, values: readonly number[]): string => `| ${name} | ${values.map(rounded).join(' | ')} |`
  const sum = ({ euros }: Capacity): number => EURO_ROWS.reduce((all, name) => all + euros[name], 0)
  return {
    amounts: [head(''), ...ROWS.map(([name, of]) => row(name, columns.map(of)))].join('\n'),
    euros: [head('€ a month'), ...EURO_ROWS.map((name) => row(name, columns.map(({ euros }) => euros[name]))), row('**together**', columns.map(sum)), row('€ for a million calls', columns.map((one) => sum(one) / (one.callsPerSecond * 2.592))), row('and, for agents outside Google, egress', columns.map(({ euros }) => euros.egress))].join('\n'),
    limits: ['| what gives way | at calls/s | then |', '|---|---:|---|', ...limitsOf(NUMBERS).map(({ what, callsPerSecond, then }) => `| ${what} | ${rounded(callsPerSecond)} | ${then} |`)].join('\n'),
    assumptions: ['| what | value | from |', '|---|---:|---|', ...Object.values(ASSUMPTIONS).map(({ what, value, unit, from }) => `| ${what} | ${value.toLocaleString('en-US', { maximumFractionDigits: 6 })} ${unit} | ${from} |`.replaceAll('  |', ' |')), `| calls a second that one proxy takes, from the above | ${rounded(callsPerProxy(NUMBERS))} | |`].join('\n'),
    prices: [`| for each | $ | from memory of the list of ${PRICES_OF}, not looked up: check at |`, '|---|---:|---|', ...Object.values(PRICES).map(({ dollars, per, page }) => `| ${per} | ${dollars} | from memory: [${page.replace('https://', '')}](${page}) |`), `| euros for a dollar | ${EUROS} | from memory |`].join('\n'),
  }
}

/** A page with the tables put where `<!-- table NAME -->` and `<!-- end -->` stand. */
export function withTables(page: string): string {
  const tables = capacityTables()
  return page.replaceAll(/<!-- table (\w+) -->\n[^]*?<!-- end -->/g, (_all, name: string) => {
    const table = tables[name]
    if (table === undefined) throw new TypeError(`there is no table ${name}`)
    return `<!-- table ${name} -->\n${table}\n<!-- end -->`
  })
}
