/** Secret Manager v1: secrets, their versions and payloads with checksums. */
import { crc32c } from './crc32c.ts'
import { GoogleError, alreadyThere, concurrentPolicyChange, invalid, notFound } from './google-error.ts'
import { fieldsAt, textAt } from './json-body.ts'
import type { Fields } from './json-body.ts'
import type { Answer, Exchange, Route } from './routes.ts'
import { PROJECT, pageOf } from './world.ts'
import type { World } from './world.ts'

const PREFIX = 'secret:'

export function addSecret(world: World, id: string, values: readonly string[], labels: Fields = {}): void {
  const secret = { name: `projects/${PROJECT.number}/secrets/${id}`, replication: { automatic: {} }, createTime: world.timestamp(), labels, etag: `"${world.tick().toString(16)}"` }
  world.resources.set(PREFIX + id, { secret, versions: values.map((value) => ({ data: Buffer.from(value).toString('base64'), createTime: world.timestamp() })) })
}

export function secretManagerRoutes(world: World): readonly Route[] {
  const all = '/v1/projects/{project}/secrets'
  const one = `${all}/{secret}`
  const policyKey = (exchange: Exchange): string => `//secretmanager.googleapis.com/${String(fieldsAt(secretOf(world, exchange), 'secret').name)}`
  return [
    { verb: 'GET', template: all, handle: ({ query }) => {
      const secrets = [...world.resources].flatMap(([key, value]) => key.startsWith(PREFIX) ? [value.secret] : [])
      const { items, next } = pageOf(secrets, query, 'pageSize', 25_000)
      return { json: { secrets: items, totalSize: secrets.length, ...(next === undefined ? {} : { nextPageToken: next }) } }
    } },
    { verb: 'POST', template: all, handle: (exchange) => createSecret(world, exchange) },
    { verb: 'GET', template: one, handle: (exchange) => ({ json: secretOf(world, exchange).secret }) },
    { verb: 'DELETE', template: one, handle: (exchange) => {
      secretOf(world, exchange)
      world.resources.delete(PREFIX + exchange.params.secret!)
      return { json: {} }
    } },
    { verb: 'POST', template: `${one}:addVersion`, handle: (exchange) => addVersion(world, exchange) },
    { verb: 'GET', template: `${one}:getIamPolicy`, handle: (exchange) => ({ json: world.policies.get(policyKey(exchange)) }) },
    { verb: 'POST', template: `${one}:setIamPolicy`, handle: (exchange) => ({ json: world.policies.set(policyKey(exchange), fieldsAt(exchange.json(), 'policy'), concurrentPolicyChange) }) },
    { verb: 'GET', template: `${one}/versions`, handle: (exchange) => {
      const { secret, versions } = secretOf(world, exchange)
      const shown = (versions as readonly Fields[]).map((version, index) => showVersion(secret as Fields, index, version)).toReversed()
      return { json: { versions: shown, totalSize: shown.length } }
    } },
    { verb: 'GET', template: `${one}/versions/{version}:access`, handle: (exchange) => {
      const { name, version } = versionOf(world, exchange)
      const data = String(version.data)
      return { json: { name, payload: { data, dataCrc32c: String(crc32c(Buffer.from(data, 'base64'))) } } }
    } },
    { verb: 'GET', template: `${one}/versions/{version}`, handle: (exchange) => {
      const { secret, index, version } = versionOf(world, exchange)
      return { json: showVersion(secret, index, version) }
    } },
  ]
}

function createSecret(world: World, { query, json }: Exchange): Answer {
  const id = query.get('secretId') ?? ''
  if (!/^[\w-]{1,255}$/.test(id)) throw invalid(`Secret id ${id} is not valid.`)
  if (world.resources.has(PREFIX + id)) throw alreadyThere(`Secret [projects/${PROJECT.number}/secrets/${id}] already exists.`)
  addSecret(world, id, [], fieldsAt(json(), 'labels'))
  return { json: world.resources.get(PREFIX + id)?.secret }
}

function secretOf(world: World, { params }: Exchange): Fields {
  const found = world.resources.get(PREFIX + (params.secret ?? ''))
  if (found === undefined) throw notFound(`Secret [projects/${PROJECT.number}/secrets/${params.secret}] not found.`)
  return found
}

function showVersion(secret: Fields, index: number, version: Fields): Fields {
  return { name: `${String(secret.name)}/versions/${index + 1}`, createTime: version.createTime, state: 'ENABLED', replicationStatus: { automatic: {} }, etag: `"${index + 1}"` }
}

function versionOf(world: World, exchange: Exchange): { readonly secret: Fields, readonly index: number, readonly name: string, readonly version: Fields } {
  const found = secretOf(world, exchange)
  const versions = found.versions as readonly Fields[]
  const asked = exchange.params.version ?? ''
  const index = asked === 'latest' ? versions.length - 1 : Number(asked) - 1
  const version = versions[index]
  const secret = found.secret as Fields
  if (version === undefined) throw notFound(`Secret Version [${String(secret.name)}/versions/${asked}] not found.`)
  return { secret, index, name: `${String(secret.name)}/versions/${index + 1}`, version }
}

function addVersion(world: World, exchange: Exchange): Answer {
  const found = secretOf(world, exchange)
  const payload = fieldsAt(exchange.json(), 'payload')
  const data = Buffer.from(textAt(payload, 'data') ?? '', 'base64')
  if (data.length === 0 || data.length > 65_536) throw invalid('The payload must have 1 to 65,536 bytes.')
  const declared = textAt(payload, 'dataCrc32c')
  if (declared !== undefined && declared !== String(crc32c(data))) throw new GoogleError(400, 'invalid', 'Payload data does not match dataCrc32c.')
  const versions = [...found.versions as readonly Fields[], { data: data.toString('base64'), createTime: world.timestamp() }]
  world.resources.set(PREFIX + exchange.params.secret!, { ...found, versions })
  return { json: showVersion(found.secret as Fields, versions.length - 1, versions.at(-1)!) }
}
