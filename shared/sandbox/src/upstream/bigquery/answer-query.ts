/** Just enough SQL for a sandbox: reads of one table with WHERE column = value and LIMIT, COUNT(*); changes of rows are counted, not done. */
import { GoogleError } from '../google-error.ts'
import { TABLES } from './tables.ts'
import type { Column, Table } from './tables.ts'

export interface QueryResult {
  readonly columns: readonly Column[]
  readonly rows: Table['rows']
  readonly kind: 'SELECT' | 'INSERT' | 'UPDATE' | 'DELETE'
  /** Rows that a change would touch. */
  readonly affected?: number
}

const MOST_TEXT = 10_000
/** All over text whose white space is single spaces. */
const CHANGE = /^(INSERT INTO|UPDATE|DELETE FROM) `?([\w.-]+)`?/i
const SELECT = /^SELECT ([^;]+?) FROM `?([\w.-]+)`?((?: .*)?)$/i
const WHERE = /^ WHERE (\w+) ?= ?(?:'([^']*)'|([\d.]+))/i
const LIMIT = /^ LIMIT (\d{1,9})$/i
const COUNT: Column = { name: 'f0_', type: 'INTEGER', mode: 'NULLABLE' }

/** Throws invalidQuery for what it does not understand: nothing is left out in silence. */
export function answerQuery(sql: string, defaultDataset: string | undefined): QueryResult {
  if (sql.length > MOST_TEXT) throw invalidQuery(`the sandbox reads at most ${MOST_TEXT} characters`)
  const text = sql.replace(/\s+/g, ' ').trim().replace(/ ?;$/, '')
  if (/^SELECT 1$/i.test(text)) return { kind: 'SELECT', columns: [COUNT], rows: [['1']] }
  const [, verb, changed] = CHANGE.exec(text) ?? []
  if (verb !== undefined && changed !== undefined) {
    const kind = verb.split(' ')[0]!.toUpperCase() as 'INSERT' | 'UPDATE' | 'DELETE'
    const table = tableNamed(changed, defaultDataset)
    return { columns: [], rows: [], kind, affected: kind === 'INSERT' ? 1 : table.rows.length }
  }
  const [, what, name, rest = ''] = SELECT.exec(text) ?? []
  if (what === undefined || name === undefined) throw invalidQuery('the sandbox understands SELECT columns FROM table [WHERE column = value] [LIMIT n], COUNT(*) and plain changes of rows')
  const table = tableNamed(name, defaultDataset)
  return choose(table, rowsOf(table, rest), what.trim())
}

function rowsOf(table: Table, rest: string): Table['rows'] {
  const where = WHERE.exec(rest)
  const found = where === null ? table.rows : table.rows.filter((row) => row[columnAt(table, where[1] ?? '')] === (where[2] ?? where[3]))
  const after = rest.slice(where?.[0].length ?? 0)
  const limit = LIMIT.exec(after)?.[1]
  if (after !== '' && limit === undefined) throw invalidQuery(`unexpected${after}`)
  return limit === undefined ? found : found.slice(0, Number(limit))
}

function choose(table: Table, rows: Table['rows'], what: string): QueryResult {
  if (what === '*') return { kind: 'SELECT', columns: table.columns, rows }
  if (/^COUNT\( ?\* ?\)$/i.test(what)) return { kind: 'SELECT', columns: [COUNT], rows: [[String(rows.length)]] }
  const indexes = what.split(',').map((name) => columnAt(table, name.trim()))
  return { kind: 'SELECT', columns: indexes.map((index) => table.columns[index]!), rows: rows.map((row) => indexes.map((index) => row[index] ?? null)) }
}

function columnAt(table: Table, name: string): number {
  const index = table.columns.findIndex((column) => column.name === name)
  if (index < 0) throw invalidQuery(`Unrecognized name: ${name}`)
  return index
}

function tableNamed(name: string, defaultDataset: string | undefined): Table {
  const parts = name.split('.')
  const id = parts.at(-1)
  const dataset = parts.at(-2) ?? defaultDataset
  const found = TABLES.find((table) => table.id === id && table.dataset === dataset)
  if (found === undefined) throw new GoogleError(404, 'notFound', `Not found: Table ${name} was not found in location EU`)
  return found
}

function invalidQuery(message: string): GoogleError {
  return new GoogleError(400, 'invalidQuery', `Syntax error: ${message}`)
}
