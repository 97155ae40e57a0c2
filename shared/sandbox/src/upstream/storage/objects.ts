/** Cloud Storage JSON API: objects and their metadata. */
import { createHash } from 'node:crypto'
import { crc32cBase64 } from '../crc32c.ts'
import { GoogleError, conditionNotMet, invalid, notFound } from '../google-error.ts'
import { fieldsAt, isFields, listAt, merged, textAt } from '../json-body.ts'
import type { Fields } from '../json-body.ts'
import type { Answer, Exchange, Route } from '../routes.ts'
import type { World } from '../world.ts'
import { bucketOf } from './buckets.ts'
import { download } from './download.ts'
import { listObjects } from './listing.ts'
import { checkPreconditions } from './preconditions.ts'
import { etagOf, showObject } from './resources.ts'
import { MOST_STORED_BYTES } from './state.ts'
import type { StoredObject } from './state.ts'

/** What a writer may choose about an object (Objects resource, writable properties). */
const WRITABLE = ['contentType', 'cacheControl', 'contentDisposition', 'contentEncoding', 'contentLanguage', 'customTime', 'eventBasedHold', 'temporaryHold', 'metadata', 'storageClass'] as const

export function objectRoutes(world: World): readonly Route[] {
  const one = '/storage/v1/b/{bucket}/o/{object}'
  const show = (object: StoredObject, { query }: Exchange): Answer => ({
    json: showObject(object, query.get('projection')), headers: { etag: etagOf(object.generation, object.metageneration), 'cache-control': 'no-cache, no-store, max-age=0, must-revalidate' },
  })
  const read = (exchange: Exchange): Answer => {
    const object = objectOf(world, exchange.params.bucket!, exchange.params.object!, exchange.query)
    checkPreconditions(exchange.query, object, 'read')
    return exchange.query.get('alt') === 'media' ? download(object, exchange) : show(object, exchange)
  }
  return [
    { verb: 'GET', template: '/storage/v1/b/{bucket}/o', handle: (exchange) => listObjects(bucketOf(world, exchange.params.bucket!), exchange) },
    { verb: 'GET', template: one, handle: read },
    { verb: 'GET', template: `/download${one}`, handle: read },
    { verb: 'PATCH', template: one, handle: (exchange) => show(changeObject(world, exchange, merged), exchange) },
    { verb: 'PUT', template: one, handle: (exchange) => show(changeObject(world, exchange, (_old, fresh) => fresh), exchange) },
    { verb: 'DELETE', template: one, handle: (exchange) => deleteObject(world, exchange) },
    { verb: 'POST', template: `${one}/compose`, handle: (exchange) => show(compose(world, exchange), exchange) },
    { verb: 'POST', template: `${one}/copyTo/b/{toBucket}/o/{toObject}`, handle: (exchange) => show(copy(world, exchange), exchange) },
    { verb: 'POST', template: `${one}/rewriteTo/b/{toBucket}/o/{toObject}`, handle: (exchange) => {
      const object = copy(world, exchange)
      const size = String(object.content.length)
      return { json: { kind: 'storage#rewriteResponse', totalBytesRewritten: size, objectSize: size, done: true, resource: showObject(object, exchange.query.get('projection')) } }
    } },
  ]
}

function objectOf(world: World, bucket: string, name: string, query: URLSearchParams, generationArgument = 'generation'): StoredObject {
  const object = bucketOf(world, bucket).objects.get(name)
  const generation = query.get(generationArgument)
  if (object === undefined || (generation !== null && Number(generation) !== object.generation)) throw notFound(`No such object: ${bucket}/${name}`)
  return object
}

/** Writes a new generation. Preconditions and declared checksums are checked first; nothing changes when they fail. */
export function putObject(world: World, bucketName: string, name: string, content: Buffer, metadata: Fields, query: URLSearchParams, composed?: { readonly componentCount: number }): StoredObject {
  const bucket = bucketOf(world, bucketName)
  if (name === '' || Buffer.byteLength(name) > 1_024 || /[\r\n]/.test(name)) throw invalid(`Invalid object name: '${name}'`)
  checkPreconditions(query, bucket.objects.get(name), 'change')
  const sums = { crc32c: crc32cBase64(content), md5Hash: createHash('md5').update(content).digest('base64') }
  checkSum('CRC32C', textAt(metadata, 'crc32c'), sums.crc32c)
  checkSum('MD5 hash', textAt(metadata, 'md5Hash'), sums.md5Hash)
  const growth = content.length - (bucket.objects.get(name)?.content.length ?? 0)
  if (world.storage.storedBytes + growth > MOST_STORED_BYTES) throw new GoogleError(403, 'quotaExceeded', `The sandbox holds at most ${MOST_STORED_BYTES} bytes.`)
  world.storage.storedBytes += growth
  const now = world.timestamp()
  const object: StoredObject = {
    bucket: bucketName, name, content, generation: world.tick(), metageneration: 1, timeCreated: now, updated: now, chosen: writableOf(metadata),
    ...(composed === undefined ? sums : { crc32c: sums.crc32c, componentCount: composed.componentCount }),
  }
  bucket.objects.set(name, object)
  return object
}

function checkSum(what: string, declared: string | undefined, actual: string): void {
  if (declared !== undefined && declared !== actual) throw invalid(`Provided ${what} "${declared}" doesn't match calculated ${what} "${actual}".`)
}

function writableOf(metadata: Fields): Fields {
  if (metadata.metadata !== undefined && metadata.metadata !== null) fieldsAt(metadata, 'metadata')
  return Object.fromEntries(Object.entries(metadata).filter(([name]) => (WRITABLE as readonly string[]).includes(name)))
}

function changeObject(world: World, { params, query, json }: Exchange, change: (old: Fields, fresh: Fields) => Fields): StoredObject {
  const object = objectOf(world, params.bucket!, params.object!, query)
  checkPreconditions(query, object, 'change')
  const changed: StoredObject = { ...object, metageneration: object.metageneration + 1, updated: world.timestamp(), chosen: change(object.chosen, writableOf(json())) }
  bucketOf(world, object.bucket).objects.set(object.name, changed)
  return changed
}

function deleteObject(world: World, { params, query }: Exchange): Answer {
  const object = objectOf(world, params.bucket!, params.object!, query)
  checkPreconditions(query, object, 'change')
  bucketOf(world, object.bucket).objects.delete(object.name)
  world.storage.storedBytes -= object.content.length
  return { status: 204 }
}

function copy(world: World, { params, query, json }: Exchange): StoredObject {
  const source = objectOf(world, params.bucket!, params.object!, query, 'sourceGeneration')
  checkPreconditions(query, source, 'change', 'ifSource')
  const { crc32c: _crc, md5Hash: _md5, ...metadata } = json()
  return putObject(world, params.toBucket!, params.toObject!, source.content, { ...source.chosen, ...metadata }, query)
}

/** At most 32 sources; each may pin its generation. */
function compose(world: World, { params, query, json }: Exchange): StoredObject {
  const body = json()
  const sources = listAt(body, 'sourceObjects')
  if (sources.length === 0) throw invalid('You must provide at least one source component.')
  if (sources.length > 32) throw new GoogleError(400, 'invalid', 'The number of source components provided exceeds the maximum of 32.')
  const objects = sources.map((source) => {
    if (!isFields(source)) throw invalid('Invalid value at \'sourceObjects\': an object is expected.')
    const object = objectOf(world, params.bucket!, textAt(source, 'name') ?? '', new URLSearchParams())
    const pinned = textAt(source, 'generation') ?? textAt(fieldsAt(source, 'objectPreconditions'), 'ifGenerationMatch')
    if (pinned !== undefined && Number(pinned) !== object.generation) throw conditionNotMet()
    return object
  })
  const componentCount = objects.reduce((sum, object) => sum + (object.componentCount ?? 1), 0)
  return putObject(world, params.bucket!, params.object!, Buffer.concat(objects.map(({ content }) => content)), fieldsAt(body, 'destination'), query, { componentCount })
}
