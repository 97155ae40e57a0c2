/** Full resource names (AIP-122) from the segments of a path, the same for every grammar in which an API names the resource. */
import { isDeep, type Template } from './template.ts'

/** A text, the index of a path segment, or the index from which all segments are taken. */
export type ResourcePart = string | number | { readonly rest: number }

/** What takes the place of the location in `namespaces/P/services/S`, which is said by the host alone. */
const HOST_LOCATION = '\u0000location'

const RENAMED: Readonly<Record<string, Readonly<Record<string, string>>>> = {
  storage: { b: 'projects/_/buckets', o: 'objects' },
  bigquery: { queries: 'jobs' },
}
/** Between source and destination of a copy or move. */
const TWO_RESOURCES: ReadonlySet<string> = new Set(['copyTo', 'rewriteTo', 'moveTo', 'renameTo'])
const CONTAINERS: ReadonlySet<string> = new Set(['projects', 'folders', 'organizations'])

/** One list of parts per resource. A path without parameters names none. */
export function resourceParts(service: string, template: Template): readonly (readonly ResourcePart[])[] {
  const { segments } = template
  const base = segments.findIndex((segment) => /^v\d/.test(segment)) + 1
  const last = segments.findLastIndex((segment) => segment.startsWith('*'))
  if (last < base) return []
  const places = range(base, last + 1)
  const split = places.find((place) => TWO_RESOURCES.has(segments[place] ?? ''))
  if (split === undefined) return [partsOf(service, template, places)]
  const second = range(split + 1, last + 1)
  const bucket = segments[split + 1] === 'b' ? [] : range(base, base + 2)
  return [partsOf(service, template, range(base, split)), partsOf(service, template, [...bucket, ...second])]
}

function range(from: number, to: number): readonly number[] {
  return Array.from({ length: to - from }, (_, index) => from + index)
}

function partsOf(service: string, template: Template, places: readonly number[]): readonly ResourcePart[] {
  const { segments } = template
  const words = places.map((place) => segments[place] ?? '')
  if (words[0] === 'namespaces') return [`//${service}.googleapis.com/projects/`, places[1] ?? 0, '/locations/', HOST_LOCATION, ...pathParts('', template, places.slice(2))]
  const host = words.length === 2 && CONTAINERS.has(words[0] ?? '') ? 'cloudresourcemanager' : hostOf(service, words)
  return [`//${host}.googleapis.com`, ...pathParts(service, template, places)]
}

/** Service accounts belong to IAM, whichever API speaks of them. */
function hostOf(service: string, words: readonly string[]): string {
  return service === 'iamcredentials' && words.includes('serviceAccounts') ? 'iam' : service
}

function pathParts(service: string, template: Template, places: readonly number[]): readonly ResourcePart[] {
  const { segments } = template
  return places.flatMap((place): ResourcePart[] => {
    const segment = segments[place] ?? ''
    if (isDeep(segment)) return ['/', { rest: place }]
    if (segment !== '*') return [`/${RENAMED[service]?.[segment] ?? segment}`]
    // What follows `**2` (a collection) is taken with it.
    const deep = segments.findIndex(isDeep)
    return deep >= 0 && place > deep ? [] : ['/', place]
  })
}

/** The name itself. `values` are the decoded segments. */
export function resourceName(parts: readonly ResourcePart[], values: readonly string[], count: number, location: string): string {
  let name = ''
  for (const part of parts) {
    if (part === HOST_LOCATION) name += location
    else if (typeof part === 'string') name += part
    else if (typeof part === 'number') name += values[part] ?? ''
    else name += values.slice(part.rest, count).join('/')
  }
  return name
}

const SERVICE_ACCOUNT = /^(\/\/iam\.googleapis\.com\/projects\/)([^/]+)(\/serviceAccounts\/[^/@]+@([^/]+))(\/.*)?$/
const ACCOUNT_DOMAIN = /^([a-z0-9-]+)(?:\.([a-z0-9.-]+))?\.iam\.gserviceaccount\.com$/
/**
 * A service account is named by its address; the project before it may be `-` (gcloud's habit) or another one. The project
 * of the address counts; where the path names another project both names are given, so that a rule about either applies.
 */
export function withOwnProject(name: string): readonly string[] {
  const found = SERVICE_ACCOUNT.exec(name)
  if (found === null) return [name]
  const [, head = '', project = '', account = '', domain = '', rest = ''] = found
  const [, own, organisation] = ACCOUNT_DOMAIN.exec(domain) ?? []
  if (own === undefined) return [name]
  const ownProject = organisation === undefined ? own : `${organisation}:${own}`
  if (project === ownProject) return [name]
  const real = `${head}${ownProject}${account}${rest}`
  return project === '-' ? [real] : [name, real]
}
