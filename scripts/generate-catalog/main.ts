/**
 * Writes shared/catalog/generated: one sorted JSON file per API and version, and hosts.json.
 * Run `node scripts/generate-catalog/main.ts` after raising the pin in documents.ts, and read the difference before committing it.
 */
import { mkdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { methodsOf, readDocuments, SOURCE, type DiscoveryDocument, type DiscoveryMethod } from './documents.ts'
import { schemasOf } from './schemas.ts'
import { alsoOf, templateOf } from './templates.ts'

const APIS = [
  'apikeys.v2', 'bigquery.v2', 'cloudresourcemanager.v1', 'cloudresourcemanager.v3', 'compute.v1', 'firestore.v1', 'iam.v1', 'iamcredentials.v1',
  'logging.v2', 'pubsub.v1', 'run.v1', 'run.v2', 'secretmanager.v1', 'serviceusage.v1', 'storage.v1', 'sts.v1',
]
/** Arguments that real clients send and the API takes, but its document leaves out. */
const UNDOCUMENTED: readonly { readonly api: string, readonly beside: string, readonly name: string, readonly why: string }[] = [
  { api: 'compute', beside: 'maxResults', name: 'returnPartialSuccess', why: 'gcloud sends it with every list' },
]
const OUT = join(import.meta.dirname, '../../shared/catalog/generated')

function queryOf(method: DiscoveryMethod): string {
  const names = Object.entries(method.parameters ?? {}).filter(([, parameter]) => parameter.location === 'query')
    .map(([name, parameter]) => parameter.repeated === true ? `${name}*` : name)
  const added = UNDOCUMENTED.filter((row) => method.id.startsWith(`${row.api}.`) && names.includes(row.beside)).map((row) => row.name)
  return [...new Set([...names, ...added])].sort().join(' ')
}

function methodRow(method: DiscoveryMethod, base: string): Readonly<Record<string, string>> {
  const query = queryOf(method)
  const uploads = Object.values(method.mediaUpload?.protocols ?? {}).map((protocol) => templateOf(method, base, protocol.path)).sort().join(' ')
  const also = alsoOf(method)
  return {
    http: `${method.httpMethod} ${templateOf(method, base)}`,
    ...(also === undefined ? {} : { also }),
    ...(query === '' ? {} : { query }),
    ...(method.request === undefined ? {} : { body: method.request.$ref }),
    ...(method.response === undefined ? {} : { answer: method.response.$ref }),
    ...(uploads === '' ? {} : { upload: uploads }),
    ...(method.supportsMediaDownload === true ? { download: `/download${templateOf(method, base)}` } : {}),
  }
}

function apiTable(document: DiscoveryDocument): object {
  const base = `/${document.servicePath}`
  const methods = [...methodsOf(document)].sort((a, b) => (a.id < b.id ? -1 : 1))
  return {
    source: SOURCE,
    api: document.name,
    version: document.version,
    revision: document.revision,
    host: new URL(document.rootUrl).host,
    methods: Object.fromEntries(methods.map((method) => [method.id, methodRow(method, base)])),
    schemas: schemasOf(document.schemas, methods.flatMap((method) => method.request === undefined ? [] : [method.request.$ref])),
  }
}

/**
 * Regional hosts by form: `us-central1-run.googleapis.com` (before) and `run.us-central1.rep.googleapis.com` (rep). Any other form
 * (`batch-firestore.…`) is left out: a host that is not listed is refused.
 */
function hostRow(documents: readonly DiscoveryDocument[], service: string): Readonly<Record<string, string>> {
  const before = new Set<string>()
  const rep = new Set<string>()
  for (const { endpointUrl } of documents.flatMap((document) => document.endpoints ?? [])) {
    const host = new URL(endpointUrl).host
    if (host.endsWith(`-${service}.googleapis.com`)) before.add(host.slice(0, -`-${service}.googleapis.com`.length))
    else if (host.startsWith(`${service}.`) && host.endsWith('.rep.googleapis.com')) rep.add(host.slice(service.length + 1, -'.rep.googleapis.com'.length))
  }
  return { before: [...before].sort().join(' '), rep: [...rep].sort().join(' ') }
}

const documents = readDocuments(APIS)
mkdirSync(OUT, { recursive: true })
for (const document of documents) {
  writeFileSync(join(OUT, `${document.name}.${document.version}.json`), `${JSON.stringify(apiTable(document), null, 1)}\n`)
}
const services = [...new Set(documents.map((document) => new URL(document.rootUrl).host.split('.')[0] ?? ''))].sort()
const hosts = Object.fromEntries(services.map((service) => [service, hostRow(documents.filter((document) => document.rootUrl === `https://${service}.googleapis.com/`), service)]))
writeFileSync(join(OUT, 'hosts.json'), `${JSON.stringify(hosts, null, 1)}\n`)
process.stdout.write(`catalog: ${documents.length} APIs, ${documents.flatMap(methodsOf).length} methods written to shared/catalog/generated\n`)
