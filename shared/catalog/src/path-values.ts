/** The values that a path gives to its route's parameters: decoded, checked, and free of colons that could be custom verbs. */
import { refuse, isRefusal, type Refusal } from '@lockkeeper/domain/errors'
import type { Route } from './method-entries.ts'
import { decodeSegment } from './path-encoding.ts'
import { isDeep } from './template.ts'

const OBJECT_HOLDERS: ReadonlySet<string> = new Set(['o', 'folders', 'managedFolders'])
/** Names that are one segment with encoded slashes, elsewhere than in Cloud Storage: a binding holds a full resource name, a log `run.googleapis.com/stdout`. */
const ENCODED_NAMES: Readonly<Record<string, string>> = { cloudresourcemanager: 'tagBindings', logging: 'logs' }
/** `example.com:shop`: a project of the time before organisations. */
const DOMAIN_PROJECT = /^[a-z0-9-]+(?:\.[a-z0-9-]+)+:[a-z0-9-]+$/

/** True for segments that hold a whole name of their own, its slashes encoded. */
function holdsObject(route: Route, place: number): boolean {
  const before = route.template.segments[place - 1] ?? ''
  return route.entry.service === 'storage' ? OBJECT_HOLDERS.has(before) : ENCODED_NAMES[route.entry.service] === before
}

/** Index in the template of the segment at `place` of a path with `count` segments. */
function templatePlace(route: Route, place: number, count: number): number {
  const { segments } = route.template
  const deep = segments.findIndex(isDeep)
  if (deep < 0 || place <= deep) return place
  return place < count - (segments.length - deep - 1) ? deep : place - (count - segments.length)
}

/** Decodes the parameters' segments in place; literals were compared as they stand. */
export function decodeValues(route: Route, values: string[], count: number): Refusal | undefined {
  for (let place = 0; place < count; place++) {
    const own = templatePlace(route, place, count)
    if (!(route.template.segments[own] ?? '').startsWith('*')) continue
    const value = decodeSegment(values[place] ?? '', holdsObject(route, own))
    if (isRefusal(value)) return value
    values[place] = value
  }
  return undefined
}

/** Refuses a colon in a name of an API that has custom verbs, unless it can be nothing else. */
export function checkColons(route: Route, values: readonly string[], count: number, customVerbs: ReadonlySet<string>): Refusal | undefined {
  if (customVerbs.size === 0) return undefined
  for (let place = 0; place < count; place++) {
    const value = values[place] ?? ''
    const colon = value.lastIndexOf(':')
    if (colon < 0 || holdsObject(route, templatePlace(route, place, count))) continue
    const before = values[place - 1] ?? ''
    if ((before === 'projects' || before === 'namespaces') && DOMAIN_PROJECT.test(value)) continue
    if (isDocumentPart(values, place) && !customVerbs.has(value.slice(colon + 1))) continue
    return refuse('REQUEST_AMBIGUOUS', 'The path holds a colon in a name, where a custom verb could be meant.')
  }
  return undefined
}

function isDocumentPart(values: readonly string[], place: number): boolean {
  return values[1] === 'projects' && values[3] === 'databases' && values[5] === 'documents' && place > 5
}

/** `arguments` of the path parameters. */
export function readParameters(route: Route, values: readonly string[], count: number, arguments_: Record<string, string>): void {
  const { segments, parameters } = route.template
  const shift = count - segments.length
  const deep = shift === 0 ? -1 : segments.findIndex(isDeep)
  for (const { name, from, to } of parameters) {
    if (deep < 0 && to - from === 1) {
      arguments_[name] = values[from] ?? ''
      continue
    }
    const start = deep >= 0 && from > deep ? from + shift : from
    const end = deep >= 0 && to > deep ? to + shift : to
    arguments_[name] = values.slice(start, end).join('/')
  }
}
