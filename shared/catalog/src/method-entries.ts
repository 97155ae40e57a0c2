/** Turns a generated table into methods with all flags, and into the routes that lead to them. */
import type { Call, Method } from '@lockkeeper/domain'
import { isChange } from './flags/change.ts'
import { isLongRunning } from './flags/operations.ts'
import { readerOf } from './flags/reader.ts'
import { dedupeKeyOf, preconditionOf } from './flags/repeat.ts'
import { listedRisk } from './flags/risk.ts'
import { mintsCredential, returnsSecret } from './flags/secrets.ts'
import { resourceParts, type ResourcePart } from './resource-names.ts'
import type { ApiTable, MethodRow, SchemaTable } from './tables.ts'
import { parseTemplate, type Template } from './template.ts'

export interface MethodEntry {
  readonly method: Method
  readonly row: MethodRow
  readonly template: Template
  readonly service: string
  /** Query arguments in Discovery's spelling; true where one may be given more than once. */
  readonly query: ReadonlyMap<string, boolean>
  readonly body: string | undefined
  readonly schemas: SchemaTable
}

/** One template that leads to a method; uploads and downloads have templates of their own. */
export interface Route {
  readonly verb: string
  readonly template: Template
  readonly entry: MethodEntry
  readonly place: 'plain' | 'upload' | 'upload-resumable' | 'upload-session' | 'download'
  /** One list of parts per resource that the path names. */
  readonly resources: readonly (readonly ResourcePart[])[]
}

export type Media = Call['media']

export function buildEntries(table: ApiTable): readonly MethodEntry[] {
  const parsed = Object.entries(table.methods).map(([id, row]) => {
    const [verb = '', path = ''] = row.http.split(' ')
    return { id, row, verb, template: parseTemplate(path), change: isChange(id, verb) }
  })
  const byId = new Map(parsed.map((item) => [item.id, item]))
  return parsed.map(({ id, row, verb, template, change }) => {
    const query = queryOf(row)
    const shape = { id, change, query: new Set(query.keys()), body: row.body, schemas: table.schemas }
    const method: Method = {
      id, host: table.host, api: table.api, version: table.version, verb, template: template.text, change,
      risk: change && mintsCredential(id) ? 'critical' : listedRisk(id)?.risk ?? (change ? 'change' : 'read'),
      mintsCredential: mintsCredential(id),
      returnsSecret: returnsSecret(id),
      longRunning: isLongRunning(id, change, row.answer),
      ...optional('dedupeKey', dedupeKeyOf(shape)),
      ...optional('precondition', preconditionOf(shape)),
      ...optional('reader', readerOf({ id, change, template }, byId)),
    }
    return { method, row, template, service: table.host.split('.')[0] ?? '', query, body: row.body, schemas: table.schemas }
  })
}

function optional<K extends string>(key: K, value: string | undefined): { readonly [P in K]?: string } {
  return value === undefined ? {} : { [key]: value } as { readonly [P in K]?: string }
}

function queryOf(row: MethodRow): ReadonlyMap<string, boolean> {
  const names = (row.query ?? '').split(' ').filter(Boolean)
  return new Map(names.map((name) => name.endsWith('*') ? [name.slice(0, -1), true] as const : [name, false] as const))
}

export function routesOf(entry: MethodEntry): readonly Route[] {
  const route = (verb: string, text: string, place: Route['place']): Route => {
    const template = parseTemplate(text)
    return { verb, template, entry, place, resources: resourceParts(entry.service, template) }
  }
  const { method, row } = entry
  const routes = [route(method.verb, method.template, 'plain')]
  if (row.also !== undefined) routes.push(route(method.verb, row.also, 'plain'))
  if (row.download !== undefined) routes.push(route(method.verb, row.download, 'download'))
  const uploads = row.upload?.split(' ') ?? []
  const resumable = uploads.some((text) => text.startsWith('/resumable/'))
  for (const text of uploads) {
    routes.push(route(method.verb, text, text.startsWith('/resumable/') ? 'upload-resumable' : 'upload'))
    if (resumable) routes.push(route('PUT', text, 'upload-session'))
  }
  return routes
}
