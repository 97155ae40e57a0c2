import assert from 'node:assert/strict'
import { readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'

const ROOT = join(import.meta.dirname, '../..')
const MODULE = 'terraform/modules/observability'
const read = (path: string): string => readFileSync(join(ROOT, path), 'utf8')

interface LogAlert { readonly title: string, readonly services: readonly string[], readonly messages: readonly string[], readonly severity: string, readonly rows: readonly string[], readonly doNow: string }
type OtherRow = { readonly alerts: readonly string[] } | { readonly none: string }

/** What a service can say: its own sources and those of the libraries that speak in its name. */
function sourcesOf(service: string): string {
  const folders = [`services/${service}/src`, 'shared/service-kit/src', 'shared/adapters/google-cloud/src']
  return folders.flatMap((folder) => readdirSync(join(ROOT, folder), { recursive: true, encoding: 'utf8' }).filter((file) => file.endsWith('.ts') && !file.endsWith('.test.ts')).map((file) => read(join(folder, file)))).join('\n').replaceAll(String.raw`\'`, '\'')
}

const TRIED_AGAIN = ' failed; it is tried again'

/** As a text of its own, or put together by the approval service's `failed(what)`. */
function says(sources: string, message: string): boolean {
  if (sources.includes(`'${message}'`)) return true
  return message.endsWith(TRIED_AGAIN) && sources.includes(`${'${what}'}${TRIED_AGAIN}`) && sources.includes(`failed('${message.slice(0, -TRIED_AGAIN.length)}')`)
}

describe('alerts: what terraform watches for is what happens', () => {
  const alerts = Object.entries(JSON.parse(read(`${MODULE}/log-alerts.json`)) as Readonly<Record<string, LogAlert>>)
  const others = Object.entries(JSON.parse(read(`${MODULE}/other-rows.json`)) as Readonly<Record<string, OtherRow>>)
  const table = [...read('docs/failure-table.md').matchAll(/^\| \*\*(.+?)\*\*/gm)].map(([, row]) => row as string)

  const services = [...new Set(alerts.flatMap(([, alert]) => alert.services))]
  let sources: ReadonlyMap<string, string>
  before(() => { sources = new Map(services.map((service) => [service, sourcesOf(service)])) })
  const said = (service: string, message: string): boolean => says(sources.get(service) ?? '', message)

  it('every line that an alert waits for is written by one of the services that it names', () => {
    for (const [name, alert] of alerts) for (const message of alert.messages) assert.ok(alert.services.some((service) => said(service, message)), `${name}: nobody says "${message}"`)
  })

  it('every service that an alert names can say one of its lines', () => {
    for (const [name, alert] of alerts) for (const service of alert.services) assert.ok(alert.messages.some((message) => said(service, message)), `${name}: ${service} says none of it`)
  })

  it('every row of the failure table has an alert or a reason why not, and none has two places', () => {
    const rows = new Set(alerts.flatMap(([, alert]) => alert.rows))
    assert.deepEqual(table.filter((row) => !rows.has(row) && !others.some(([other]) => other === row)), [])
    assert.deepEqual([...rows, ...others.map(([row]) => row)].filter((row) => !table.includes(row)), [])
    assert.deepEqual(others.map(([row]) => row).filter((row) => rows.has(row)), [])
  })

  it('alerts that rows speak of are there', () => {
    const modules = ['metric-alerts.tf', 'log-alerts.tf', 'slo.tf'].map((file) => read(`${MODULE}/${file}`)).join('\n')
    for (const [row, how] of others) {
      for (const alert of 'alerts' in how ? how.alerts : []) {
        const [kind, name = ''] = alert.split(' ')
        const there = kind === 'said' ? alerts.some(([own]) => own === name) : kind === 'absent' ? read(`${MODULE}/variables.tf`).includes(`"${name}"`) : modules.includes(`${name} = {`)
        assert.ok(there, `${row}: ${alert}`)
      }
    }
  })

  it('every measure of our own that the dashboard shows is in the docs, and some source measures it', () => {
    const shown = [...read(`${MODULE}/dashboard.tf`).matchAll(/workload\.googleapis\.com\/([\w.]+)/g)].map(([, metric]) => metric as string)
    const proxy = sourcesOf('proxy')
    assert.ok(shown.length > 0)
    for (const metric of shown) assert.ok(read('docs/operations.md').includes(`\`${metric}\``) && proxy.includes(`'${metric}'`), metric)
  })

  it('every alert says what to do', () => {
    for (const [name, { doNow, severity, title }] of alerts) assert.ok(doNow.length > 20 && title.length > 10 && ['CRITICAL', 'WARNING'].includes(severity), name)
  })
})
