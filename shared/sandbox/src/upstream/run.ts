/** Cloud Run: services of v2 with long-running operations, and the v1 (Knative) list that gcloud asks for. */
import { randomUUID } from 'node:crypto'
import { GoogleError, concurrentPolicyChange, notFound } from './google-error.ts'
import { fieldsAt, merged, textAt } from './json-body.ts'
import type { Fields } from './json-body.ts'
import type { Answer, Exchange, Route } from './routes.ts'
import { PROJECT, pageOf } from './world.ts'
import type { World } from './world.ts'

const REGION = 'europe-west1'
const PREFIX = 'run:'
const OPERATION = 'run-operation:'

export function addService(world: World, id: string, template: Fields = {}): void {
  const name = `projects/${PROJECT.id}/locations/${REGION}/services/${id}`
  const now = world.timestamp()
  world.resources.set(PREFIX + name, {
    name, uid: randomUUID(), generation: '1', createTime: now, updateTime: now, creator: 'release.bot@sandbox.example.com', lastModifier: 'release.bot@sandbox.example.com',
    ingress: 'INGRESS_TRAFFIC_ALL', launchStage: 'GA', template: { containers: [{ image: `${REGION}-docker.pkg.dev/${PROJECT.id}/apps/${id}:1` }], ...template },
    uri: `https://${id}-sandbox.a.run.app`, terminalCondition: { type: 'Ready', state: 'CONDITION_SUCCEEDED' }, etag: `"${world.tick().toString(36)}"`,
  })
}

export function runRoutes(world: World): readonly Route[] {
  const all = '/v2/projects/{project}/locations/{location}/services'
  const one = `${all}/{service}`
  const policyKey = (exchange: Exchange): string => `//run.googleapis.com/${String(serviceOf(world, exchange).name)}`
  return [
    { verb: 'GET', template: all, handle: ({ query }) => {
      const { items, next } = pageOf(services(world), query, 'pageSize', 100)
      return { json: { services: items, ...(next === undefined ? {} : { nextPageToken: next }) } }
    } },
    { verb: 'GET', template: one, handle: (exchange) => ({ json: serviceOf(world, exchange) }) },
    { verb: 'PATCH', template: one, handle: (exchange) => patch(world, exchange) },
    { verb: 'DELETE', template: one, handle: (exchange) => {
      const service = serviceOf(world, exchange)
      checkEtag(service, exchange.query.get('etag') ?? undefined)
      if (validatesOnly(exchange)) return checked(exchange, service)
      world.resources.delete(PREFIX + String(service.name))
      return { json: startOperation(world, exchange, { ...service, deleteTime: world.timestamp() }) }
    } },
    { verb: 'GET', template: `${one}:getIamPolicy`, handle: (exchange) => ({ json: world.policies.get(policyKey(exchange)) }) },
    { verb: 'POST', template: `${one}:setIamPolicy`, handle: (exchange) => ({ json: world.policies.set(policyKey(exchange), fieldsAt(exchange.json(), 'policy'), concurrentPolicyChange) }) },
    { verb: 'GET', template: '/v2/projects/{project}/locations/{location}/operations/{operation}', handle: (exchange) => poll(world, exchange) },
    ...['/v1/projects/{project}/locations/{location}/services', '/apis/serving.knative.dev/v1/namespaces/{project}/services'].map((template): Route => ({
      verb: 'GET', template, handle: () => ({ json: { apiVersion: 'serving.knative.dev/v1', kind: 'ServiceList', metadata: { selfLink: template, resourceVersion: '1' }, items: services(world).map(knativeOf) } }),
    })),
  ]
}

function services(world: World): readonly Fields[] {
  return [...world.resources].flatMap(([key, value]) => key.startsWith(PREFIX) ? [value] : [])
}

function serviceOf(world: World, { params }: Exchange): Fields {
  const name = `projects/${params.project}/locations/${params.location}/services/${params.service}`
  const found = world.resources.get(PREFIX + name)
  if (found === undefined) throw notFound(`Resource '${params.service}' of kind 'SERVICE' in region '${params.location}' in project '${params.project}' does not exist.`)
  return found
}

function checkEtag(service: Fields, etag: string | undefined): void {
  if (etag !== undefined && etag !== service.etag) throw new GoogleError(409, 'aborted', 'Conflict for resource: the etag does not match.', { status: 'ABORTED' })
}

function patch(world: World, exchange: Exchange): Answer {
  const service = serviceOf(world, exchange)
  const body = exchange.json()
  checkEtag(service, textAt(body, 'etag'))
  const { name: _name, uid: _uid, etag: _etag, ...changes } = body
  if (!/^\S*$/.test(textAt(changes, 'ingress') ?? '')) throw new GoogleError(400, 'invalid', 'Violation in UpdateServiceRequest.service.ingress: the value is none of its names.', { status: 'INVALID_ARGUMENT' })
  if (validatesOnly(exchange)) return checked(exchange, service)
  const changed = { ...merged(service, changes), generation: String(Number(service.generation) + 1), updateTime: world.timestamp(), etag: `"${world.tick().toString(36)}"` }
  world.resources.set(PREFIX + String(service.name), changed)
  return { json: startOperation(world, exchange, changed) }
}

function validatesOnly({ query }: Exchange): boolean {
  return query.get('validateOnly') === 'true'
}

/** AIP-163: what a call would answer that changes nothing; there is nothing to poll. */
function checked({ params }: Exchange, response: Fields): Answer {
  return { json: { name: `projects/${params.project}/locations/${params.location}/operations/${randomUUID()}`, done: true, response: { '@type': 'type.googleapis.com/google.cloud.run.v2.Service', ...response } } }
}

/** Not done at first; the first poll finds it done. */
function startOperation(world: World, { params }: Exchange, response: Fields): Fields {
  const name = `projects/${params.project}/locations/${params.location}/operations/${randomUUID()}`
  const metadata = { '@type': 'type.googleapis.com/google.cloud.run.v2.Service', name: response.name }
  world.passing.set(OPERATION + name, { name, metadata, done: true, response: { '@type': 'type.googleapis.com/google.cloud.run.v2.Service', ...response } })
  return { name, metadata, done: false }
}

function poll(world: World, { params }: Exchange): Answer {
  const found = world.passing.get(`${OPERATION}projects/${params.project}/locations/${params.location}/operations/${params.operation}`)
  if (found === undefined) throw notFound('Operation not found.')
  return { json: found }
}

function knativeOf(service: Fields): Fields {
  return {
    apiVersion: 'serving.knative.dev/v1', kind: 'Service',
    metadata: { name: String(service.name).split('/').at(-1), namespace: PROJECT.number, uid: service.uid, creationTimestamp: service.createTime, labels: { 'cloud.googleapis.com/location': REGION }, annotations: { 'serving.knative.dev/creator': service.creator } },
    spec: { template: { spec: service.template } },
    status: { url: service.uri, conditions: [{ type: 'Ready', status: 'True' }] },
  }
}
