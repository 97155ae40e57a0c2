/** The generated tables: one per API and version, loaded when first asked for. The imports are literal so that a bundler sees them. */
export interface MethodRow {
  /** `GET /storage/v1/b/{bucket}`. */
  readonly http: string
  /** A second template of the same method. */
  readonly also?: string
  /** Query arguments by name; `*` marks those that may be given more than once. */
  readonly query?: string
  /** Schema of the request body. */
  readonly body?: string
  /** Schema of the answer. */
  readonly answer?: string
  /** Templates that take the content of an upload. */
  readonly upload?: string
  /** Template that gives the content of a download. */
  readonly download?: string
}

/** A type is `string`, `int`, `number`, `boolean`, `enum`, `any`, `#Name`, or `list:` / `map:` before a type. */
export type FieldTable = Readonly<Record<string, string>>
export type SchemaTable = Readonly<Record<string, FieldTable | string>>

export interface ApiTable {
  readonly api: string
  readonly version: string
  readonly host: string
  readonly methods: Readonly<Record<string, MethodRow>>
  readonly schemas: SchemaTable
}

interface Loaded { readonly default: ApiTable }

const LOADERS: readonly { readonly service: string, readonly load: () => Promise<Loaded> }[] = [
  { service: 'apikeys', load: () => import('../generated/apikeys.v2.json', { with: { type: 'json' } }) },
  { service: 'bigquery', load: () => import('../generated/bigquery.v2.json', { with: { type: 'json' } }) },
  { service: 'cloudresourcemanager', load: () => import('../generated/cloudresourcemanager.v1.json', { with: { type: 'json' } }) },
  { service: 'cloudresourcemanager', load: () => import('../generated/cloudresourcemanager.v3.json', { with: { type: 'json' } }) },
  { service: 'compute', load: () => import('../generated/compute.v1.json', { with: { type: 'json' } }) },
  { service: 'firestore', load: () => import('../generated/firestore.v1.json', { with: { type: 'json' } }) },
  { service: 'iam', load: () => import('../generated/iam.v1.json', { with: { type: 'json' } }) },
  { service: 'iamcredentials', load: () => import('../generated/iamcredentials.v1.json', { with: { type: 'json' } }) },
  { service: 'logging', load: () => import('../generated/logging.v2.json', { with: { type: 'json' } }) },
  { service: 'pubsub', load: () => import('../generated/pubsub.v1.json', { with: { type: 'json' } }) },
  { service: 'run', load: () => import('../generated/run.v1.json', { with: { type: 'json' } }) },
  { service: 'run', load: () => import('../generated/run.v2.json', { with: { type: 'json' } }) },
  { service: 'secretmanager', load: () => import('../generated/secretmanager.v1.json', { with: { type: 'json' } }) },
  { service: 'serviceusage', load: () => import('../generated/serviceusage.v1.json', { with: { type: 'json' } }) },
  { service: 'storage', load: () => import('../generated/storage.v1.json', { with: { type: 'json' } }) },
  { service: 'sts', load: () => import('../generated/sts.v1.json', { with: { type: 'json' } }) },
]

export const SERVICES: readonly string[] = [...new Set(LOADERS.map((loader) => loader.service))]

/** The tables of one service (`run` has two versions), oldest version first. */
export async function loadTables(service: string): Promise<readonly ApiTable[]> {
  const loaders = LOADERS.filter((loader) => loader.service === service)
  return (await Promise.all(loaders.map((loader) => loader.load()))).map((loaded) => loaded.default)
}
