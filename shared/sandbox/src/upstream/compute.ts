/** Compute Engine v1: a few instances with zone operations; requestId makes a repeat harmless, as the API promises. */
import { GoogleError, conditionNotMet, notFound } from './google-error.ts'
import { fieldsAt, textAt } from './json-body.ts'
import type { Fields } from './json-body.ts'
import type { Answer, Exchange, Route } from './routes.ts'
import { PROJECT, pageOf } from './world.ts'
import type { World } from './world.ts'

const ZONE = 'europe-west1-b'
const BASE = `https://www.googleapis.com/compute/v1/projects/${PROJECT.id}`
const PREFIX = 'instance:'
const OPERATION = 'compute-operation:'
const REQUEST = 'compute-request:'

export function addInstance(world: World, name: string): void {
  const zone = `${BASE}/zones/${ZONE}`
  world.resources.set(PREFIX + name, {
    kind: 'compute#instance', id: String(world.tick()), creationTimestamp: world.timestamp(), name, zone, status: 'RUNNING', machineType: `${zone}/machineTypes/e2-small`,
    labels: {}, labelFingerprint: fingerprint(world), metadata: { kind: 'compute#metadata', fingerprint: fingerprint(world), items: [{ key: 'owner', value: 'platform.team@sandbox.example.com' }] },
    networkInterfaces: [{ kind: 'compute#networkInterface', name: 'nic0', networkIP: '10.0.0.2', network: `${BASE}/global/networks/default` }], selfLink: `${zone}/instances/${name}`,
  })
}

export function computeRoutes(world: World): readonly Route[] {
  const all = '/compute/v1/projects/{project}/zones/{zone}/instances'
  const one = `${all}/{instance}`
  const operation = '/compute/v1/projects/{project}/zones/{zone}/operations/{operation}'
  const setStatus = (type: string, status: string) => (exchange: Exchange): Answer => once(world, exchange, type, (instance) => {
    world.resources.set(PREFIX + String(instance.name), { ...instance, status })
  })
  return [
    { verb: 'GET', template: '/compute/v1/projects/{project}/aggregated/instances', handle: () => ({
      json: { kind: 'compute#instanceAggregatedList', id: `projects/${PROJECT.id}/aggregated/instances`, items: { [`zones/${ZONE}`]: { instances: instances(world) } }, selfLink: `${BASE}/aggregated/instances` },
    }) },
    { verb: 'GET', template: all, handle: ({ query, params }) => {
      const { items, next } = pageOf(params.zone === ZONE ? instances(world) : [], query, 'maxResults', 500)
      return { json: { kind: 'compute#instanceList', id: `projects/${PROJECT.id}/zones/${params.zone}/instances`, items, ...(next === undefined ? {} : { nextPageToken: next }), selfLink: `${BASE}/zones/${params.zone}/instances` } }
    } },
    { verb: 'GET', template: one, handle: (exchange) => ({ json: instanceOf(world, exchange) }) },
    { verb: 'DELETE', template: one, handle: (exchange) => once(world, exchange, 'delete', (instance) => { world.resources.delete(PREFIX + String(instance.name)) }) },
    { verb: 'POST', template: `${one}/stop`, handle: setStatus('stop', 'TERMINATED') },
    { verb: 'POST', template: `${one}/start`, handle: setStatus('start', 'RUNNING') },
    { verb: 'POST', template: `${one}/setLabels`, handle: (exchange) => once(world, exchange, 'setLabels', (instance) => {
      const body = exchange.json()
      if (textAt(body, 'labelFingerprint') !== instance.labelFingerprint) throw conditionNotMet()
      world.resources.set(PREFIX + String(instance.name), { ...instance, labels: fieldsAt(body, 'labels'), labelFingerprint: fingerprint(world) })
    }) },
    { verb: 'GET', template: '/compute/v1/projects/{project}/zones/{zone}/operations', handle: (exchange) => operations(world, exchange) },
    { verb: 'GET', template: operation, handle: (exchange) => finished(world, exchange) },
    { verb: 'POST', template: `${operation}/wait`, handle: (exchange) => finished(world, exchange) },
  ]
}

function instances(world: World): readonly Fields[] {
  return [...world.resources].flatMap(([key, value]) => key.startsWith(PREFIX) ? [value] : [])
}

function instanceOf(world: World, { params }: Exchange): Fields {
  const found = params.zone === ZONE ? world.resources.get(PREFIX + (params.instance ?? '')) : undefined
  if (found === undefined) throw notFound(`The resource 'projects/${params.project}/zones/${params.zone}/instances/${params.instance}' was not found`)
  return found
}

/** Does the change and answers its operation; the same requestId again answers the same operation and does nothing. */
function once(world: World, exchange: Exchange, type: string, change: (instance: Fields) => void): Answer {
  const requestId = exchange.query.get('requestId')
  if (requestId !== null && !/^[\da-f]{8}(?:-[\da-f]{4}){3}-[\da-f]{12}$/i.test(requestId)) throw new GoogleError(400, 'invalid', `Invalid value for field 'requestId': '${requestId}'.`)
  const before = requestId === null ? undefined : world.passing.get(REQUEST + requestId)
  if (before !== undefined) return { json: before }
  const instance = instanceOf(world, exchange)
  change(instance)
  const name = `operation-${world.tick()}`
  const operation = {
    ...requestId === null ? {} : { clientOperationId: requestId },
    kind: 'compute#operation', id: String(world.tick()), name, zone: `${BASE}/zones/${ZONE}`, operationType: type, targetLink: instance.selfLink, targetId: instance.id,
    status: 'RUNNING', progress: 0, insertTime: world.timestamp(), startTime: world.timestamp(), selfLink: `${BASE}/zones/${ZONE}/operations/${name}`,
  }
  world.passing.set(OPERATION + name, operation)
  if (requestId !== null) world.passing.set(REQUEST + requestId, operation)
  return { json: operation }
}

function finished(world: World, { params }: Exchange): Answer {
  const found = world.passing.get(OPERATION + (params.operation ?? ''))
  if (found === undefined) throw notFound(`The resource '${params.operation}' was not found`)
  return { json: { ...found, status: 'DONE', progress: 100, endTime: world.timestamp() } }
}

/** Filters by `field="value"` (AIP-160), one of them. */
function operations(world: World, { params, query }: Exchange): Answer {
  const filter = query.get('filter')
  const [, field = '', wanted = ''] = /^(\w+)\s*=\s*"([^"]*)"$/.exec(filter ?? '') ?? []
  if (filter !== null && filter !== '' && field === '') throw new GoogleError(400, 'invalid', `Invalid value for field 'filter': '${filter}'.`)
  const all = [...world.passing.entries()].flatMap(([key, value]) => key.startsWith(OPERATION) && (field === '' || value[field] === wanted) ? [value] : [])
  const { items, next } = pageOf(params.zone === ZONE ? all : [], query, 'maxResults', 500)
  return { json: { kind: 'compute#operationList', id: `projects/${PROJECT.id}/zones/${params.zone}/operations`, ...(items.length === 0 ? {} : { items }), ...(next === undefined ? {} : { nextPageToken: next }) } }
}

function fingerprint(world: World): string {
  return Buffer.from(world.tick().toString(36)).toString('base64')
}
