/** Resources that a request names: in its path, and in the few arguments that name one. */
import { isRefusal, type Refusal } from '@lockkeeper/domain/errors'
import type { Route } from './method-entries.ts'
import { checkObjectName } from './path-encoding.ts'
import { resourceName, withOwnProject } from './resource-names.ts'

/** APIs whose templates leave the kind of container open (`{parent=X/X}` with `*` for X). */
const OPEN_CONTAINERS: ReadonlySet<string> = new Set(['logging', 'serviceusage'])
const OWN_CONTAINER = /^\/\/[a-z]+(\.googleapis\.com\/(?:projects|folders|organizations)\/[^/]+)$/
const CONTAINER = /^(?:projects|folders|organizations)\/[^/]+$/

export function namedResources(route: Route, values: readonly string[], count: number, location: string, arguments_: Readonly<Record<string, string>>): readonly string[] | Refusal {
  const { service, method } = route.entry
  const { resources } = route
  if (resources.length === 0) return fromArguments(service, arguments_)
  const names = resources.map((parts) => resourceName(parts, values, count, location))
  if (method.id === 'storage.objects.insert') return insertedObject(names, arguments_['name'])
  if (OPEN_CONTAINERS.has(service)) return names.map((name) => name.replace(OWN_CONTAINER, '//cloudresourcemanager$1'))
  return service === 'iam' || service === 'iamcredentials' ? names.flatMap(withOwnProject) : names
}

/** An upload names its object as an argument, or in its metadata (see `bodyResources`). */
function insertedObject(names: readonly string[], object: string | undefined): readonly string[] | Refusal {
  if (object === undefined || object === '') return names
  const checked = checkObjectName(object)
  return isRefusal(checked) ? checked : names.map((name) => `${name}/objects/${checked}`)
}

function fromArguments(service: string, arguments_: Readonly<Record<string, string>>): readonly string[] {
  const project = service === 'storage' ? arguments_['project'] : undefined
  const container = project === undefined ? arguments_['parent'] : `projects/${project}`
  return container !== undefined && CONTAINER.test(container) ? [`//cloudresourcemanager.googleapis.com/${container}`] : []
}
