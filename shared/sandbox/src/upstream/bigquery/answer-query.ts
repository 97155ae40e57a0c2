/** Just enough SQL for a sandbox: whole-table reads with LIMIT, COUNT(*) and chosen columns; changes of rows are counted, not done. */
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

const SELECT = /^\s*SELECT\s+(?<what>.+?)\s+FROM\s+`?(?<table>[\w.-]+)`?(?:\s+WHERE\s+.+?)?(?:\s+ORDER\s+BY\s+[\w\s,]+?)?(?:\s+LIMIT\s+(?<limit>\d{1,9}))?\s*;?\s*$/is
const CHANGE = /^\s*(?<verb>INSERT\s+INTO|UPDATE|DELETE\s+FROM)\s+`?(?<table>[\w.-]+)`?/i

export function answerQuery(sql: string, defaultDataset: string | undefined): QueryResult {
  const change = CHANGE.exec(sql)?.groups
  if (change !== undefined) {
    const table = tableNamed(change.table ?? '', defaultDataset)
    const kind = (change.verb ?? '').split(/\s/)[0]!.toUpperCase() as 'INSERT' | 'UPDATE' | 'DELETE'
    return { columns: [], rows: [], kind, affected: kind === 'INSERT' ? 1 : table.rows.length }
  }
  const select = SELECT.exec(sql)?.groups
  if (select === undefined) {
    if (/^\s*SELECT\s+1\s*;?\s*$/i.test(sql)) return { kind: 'SELECT', columns: [{ name: 'f0_', type: 'INTEGER', mode: 'NULLABLE' }], rows: [['1']] }
    throw invalidQuery('Syntax error: the sandbox understands SELECT columns FROM table [LIMIT n], COUNT(*) and plain changes of rows')
  }
  const table = tableNamed(select.table ?? '', defaultDataset)
  const rows = select.limit === undefined ? table.rows : table.rows.slice(0, Number(select.limit))
  return choose(table, rows, (select.what ?? '').trim())
}

function choose(table: Table, rows: Table['rows'], what: string): QueryResult {
  if (what === '*') return { kind: 'SELECT', columns: table.columns, rows }
  if (/^COUNT\(\s*\*\s*\)/i.test(what)) return { kind: 'SELECT', columns: [{ name: 'f0_', type: 'INTEGER', mode: 'NULLABLE' }], rows: [[String(table.rows.length)]] }
  const indexes = what.split(',').map((name) => {
    const index = table.columns.findIndex((column) => column.name === name.trim())
    if (index < 0) throw invalidQuery(`Unrecognized name: ${name.trim()}`)
    return index
  })
  return { kind: 'SELECT', columns: indexes.map((index) => table.columns[index]!), rows: rows.map((row) => indexes.map((index) => row[index] ?? null)) }
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
  return new GoogleError(400, 'invalidQuery', message)
}
