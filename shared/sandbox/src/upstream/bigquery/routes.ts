/** BigQuery v2: queries, jobs with their results, table data, and the lists of datasets and tables. */
import { randomUUID } from 'node:crypto'
import { GoogleError, invalid, notFound } from '../google-error.ts'
import { fieldsAt, textAt } from '../json-body.ts'
import type { Fields } from '../json-body.ts'
import type { Answer, Exchange, Route } from '../routes.ts'
import { PROJECT, pageOf } from '../world.ts'
import type { World } from '../world.ts'
import { answerQuery } from './answer-query.ts'
import type { QueryResult } from './answer-query.ts'
import { TABLES, wireRows } from './tables.ts'
import type { Table } from './tables.ts'

const BASE = '/bigquery/v2/projects/{project}'
const SELF = 'https://bigquery.googleapis.com/bigquery/v2'
const JOB = 'bigquery-job:'
const REQUEST = 'bigquery-request:'

export function bigqueryRoutes(world: World): readonly Route[] {
  return [
    { verb: 'POST', template: `${BASE}/queries`, handle: (exchange) => query(world, exchange) },
    { verb: 'GET', template: `${BASE}/queries/{job}`, handle: (exchange) => results(world, exchange) },
    { verb: 'POST', template: `${BASE}/jobs`, handle: (exchange) => ({ json: insertJob(world, exchange).job }) },
    { verb: 'GET', template: `${BASE}/jobs`, handle: () => ({ json: { kind: 'bigquery#jobList', jobs: [...world.passing.entries()].flatMap(([key, value]) => key.startsWith(JOB) ? [value.job] : []) } }) },
    { verb: 'GET', template: `${BASE}/jobs/{job}`, handle: (exchange) => ({ json: jobOf(world, exchange).job }) },
    { verb: 'POST', template: `${BASE}/jobs/{job}/cancel`, handle: (exchange) => ({ json: { kind: 'bigquery#jobCancelResponse', job: jobOf(world, exchange).job } }) },
    { verb: 'GET', template: `${BASE}/datasets`, handle: () => ({ json: { kind: 'bigquery#datasetList', datasets: datasets().map((id) => showDataset(id)) } }) },
    { verb: 'GET', template: `${BASE}/datasets/{dataset}`, handle: ({ params }) => ({ json: showDataset(datasetOf(params.dataset)) }) },
    { verb: 'GET', template: `${BASE}/datasets/{dataset}/tables`, handle: ({ params }) => {
      const tables = TABLES.filter(({ dataset }) => dataset === datasetOf(params.dataset))
      return { json: { kind: 'bigquery#tableList', totalItems: tables.length, tables: tables.map((table) => ({ kind: 'bigquery#table', id: `${PROJECT.id}:${table.dataset}.${table.id}`, tableReference: referenceOf(table), type: 'TABLE' })) } }
    } },
    { verb: 'GET', template: `${BASE}/datasets/{dataset}/tables/{table}`, handle: (exchange) => ({ json: showTable(tableOf(exchange)) }) },
    { verb: 'GET', template: `${BASE}/datasets/{dataset}/tables/{table}/data`, handle: (exchange) => {
      const table = tableOf(exchange)
      const { items, next } = pageOf(table.rows, exchange.query, 'maxResults', 1_000)
      return { json: { kind: 'bigquery#tableDataList', etag: 'sandbox', totalRows: String(table.rows.length), rows: wireRows(items), ...(next === undefined ? {} : { pageToken: next }) } }
    } },
  ]
}

/** jobs.query: answers at once; the same requestId again answers the same job. */
function query(world: World, exchange: Exchange): Answer {
  const body = exchange.json()
  const requestId = textAt(body, 'requestId')
  const before = requestId === undefined ? undefined : world.passing.get(REQUEST + requestId)
  if (before !== undefined) return { json: before }
  const result = answerQuery(textAt(body, 'query') ?? '', textAt(fieldsAt(body, 'defaultDataset'), 'datasetId'))
  if (body.dryRun === true) return { json: { kind: 'bigquery#queryResponse', jobComplete: true, totalBytesProcessed: '4096', schema: { fields: result.columns }, cacheHit: false } }
  const job = keepJob(world, randomUUID(), { query: { query: body.query, useLegacySql: body.useLegacySql === true } }, result)
  const asked = new URLSearchParams(textAt(body, 'maxResults') === undefined ? {} : { maxResults: textAt(body, 'maxResults')! })
  const answer = { kind: 'bigquery#queryResponse', ...showResults(result, job, asked), queryId: randomUUID() }
  if (requestId !== undefined) world.passing.set(REQUEST + requestId, answer)
  return { json: answer }
}

function insertJob(world: World, { json }: Exchange): Fields {
  const body = json()
  const configuration = fieldsAt(body, 'configuration')
  const wanted = fieldsAt(configuration, 'query')
  const sql = textAt(wanted, 'query')
  if (sql === undefined) throw invalid('Required parameter is missing: the sandbox runs query jobs only')
  const id = textAt(fieldsAt(body, 'jobReference'), 'jobId') ?? `job_${randomUUID()}`
  if (world.passing.has(JOB + id)) throw new GoogleError(409, 'duplicate', `Already Exists: Job ${PROJECT.id}:EU.${id}`)
  const result = answerQuery(sql, textAt(fieldsAt(wanted, 'defaultDataset'), 'datasetId'))
  keepJob(world, id, configuration, result)
  return world.passing.get(JOB + id)!
}

function keepJob(world: World, id: string, configuration: Fields, result: QueryResult): Fields {
  const now = String(world.clock.now())
  const job = {
    kind: 'bigquery#job', id: `${PROJECT.id}:EU.${id}`, etag: `sandbox-${world.tick()}`, selfLink: `${SELF}/projects/${PROJECT.id}/jobs/${id}?location=EU`,
    user_email: `gateway@${PROJECT.id}.iam.gserviceaccount.com`, configuration: { ...configuration, jobType: 'QUERY' }, jobReference: { projectId: PROJECT.id, jobId: id, location: 'EU' },
    statistics: { creationTime: now, startTime: now, endTime: now, totalBytesProcessed: '4096', query: { statementType: result.kind, totalBytesProcessed: '4096', ...(result.affected === undefined ? {} : { numDmlAffectedRows: String(result.affected) }) } },
    status: { state: 'DONE' },
  }
  world.passing.set(JOB + id, { job, result })
  return job
}

function jobOf(world: World, { params }: Exchange): { readonly job: Fields, readonly result: QueryResult } {
  const found = world.passing.get(JOB + (params.job ?? ''))
  if (found === undefined) throw notFound(`Not found: Job ${params.project}:${params.job}`)
  return found as { job: Fields, result: QueryResult } & Fields
}

function results(world: World, exchange: Exchange): Answer {
  const { job, result } = jobOf(world, exchange)
  return { json: { kind: 'bigquery#getQueryResultsResponse', etag: job.etag, ...showResults(result, job, exchange.query) } }
}

function showResults(result: QueryResult, job: Fields, asked: URLSearchParams): Fields {
  const { items, next } = asked.get('maxResults') === '0' ? { items: [], next: undefined } : pageOf(result.rows, asked, 'maxResults', 1_000)
  return {
    schema: { fields: result.columns }, jobReference: job.jobReference, totalRows: String(result.rows.length), jobComplete: true, cacheHit: false, totalBytesProcessed: '4096',
    ...(result.rows.length === 0 ? {} : { rows: wireRows(items) }), ...(next === undefined ? {} : { pageToken: next }),
    ...(result.affected === undefined ? {} : { numDmlAffectedRows: String(result.affected) }),
  }
}

const datasets = (): readonly string[] => [...new Set(TABLES.map(({ dataset }) => dataset))]

function datasetOf(id: string | undefined): string {
  if (id === undefined || !datasets().includes(id)) throw notFound(`Not found: Dataset ${PROJECT.id}:${id}`)
  return id
}

function tableOf({ params }: Exchange): Table {
  const found = TABLES.find(({ dataset, id }) => dataset === params.dataset && id === params.table)
  if (found === undefined) throw notFound(`Not found: Table ${PROJECT.id}:${params.dataset}.${params.table}`)
  return found
}

const referenceOf = ({ dataset, id }: Table): object => ({ projectId: PROJECT.id, datasetId: dataset, tableId: id })

function showDataset(id: string): object {
  const access = [{ role: 'OWNER', userByEmail: 'data.owner@sandbox.example.com' }, { role: 'READER', specialGroup: 'projectReaders' }]
  return { kind: 'bigquery#dataset', id: `${PROJECT.id}:${id}`, etag: 'sandbox', selfLink: `${SELF}/projects/${PROJECT.id}/datasets/${id}`, datasetReference: { projectId: PROJECT.id, datasetId: id }, location: 'EU', access }
}

function showTable(table: Table): object {
  return {
    kind: 'bigquery#table', etag: 'sandbox', id: `${PROJECT.id}:${table.dataset}.${table.id}`, selfLink: `${SELF}/projects/${PROJECT.id}/datasets/${table.dataset}/tables/${table.id}`,
    tableReference: referenceOf(table), schema: { fields: table.columns }, numRows: String(table.rows.length), numBytes: '4096', type: 'TABLE', location: 'EU',
  }
}
