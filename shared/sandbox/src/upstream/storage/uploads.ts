/** Cloud Storage JSON API: media, multipart and resumable uploads, under /upload and /resumable/upload. */
import { randomBytes } from 'node:crypto'
import { invalid, notFound } from '../google-error.ts'
import type { Fields } from '../json-body.ts'
import { textAt } from '../json-body.ts'
import type { Answer, Exchange, Route } from '../routes.ts'
import type { World } from '../world.ts'
import { bucketOf } from './buckets.ts'
import { declaredSums } from './declared-sums.ts'
import { parseRelated } from './multipart.ts'
import { putObject } from './objects.ts'
import { checkPreconditions } from './preconditions.ts'
import { showObject } from './resources.ts'
import { receiveChunk } from './resumable.ts'

export function uploadRoutes(world: World): readonly Route[] {
  return ['/upload', '/resumable/upload'].flatMap((prefix): readonly Route[] => {
    const template = `${prefix}/storage/v1/b/{bucket}/o`
    return [
      { verb: 'POST', template, handle: (exchange) => upload(world, exchange) },
      { verb: 'PUT', template, handle: (exchange) => receiveChunk(world, exchange) },
      { verb: 'DELETE', template, handle: ({ query }) => {
        if (!world.storage.uploads.delete(query.get('upload_id') ?? '')) throw notFound('Upload session not found.')
        return { status: 499 }
      } },
    ]
  })
}

function upload(world: World, exchange: Exchange): Answer {
  bucketOf(world, exchange.params.bucket!)
  switch (exchange.query.get('uploadType')) {
    case 'media': return uploadMedia(world, exchange)
    case 'multipart': return uploadMultipart(world, exchange)
    case 'resumable': return exchange.query.has('upload_id') ? receiveChunk(world, exchange) : startSession(world, exchange)
    default: throw invalid(`Invalid value for uploadType: ${exchange.query.get('uploadType') ?? ''}`)
  }
}

function uploadMedia(world: World, { params, query, headers, body }: Exchange): Answer {
  const metadata = { contentType: headers['content-type'] ?? 'application/octet-stream', ...declaredSums(headers['x-goog-hash']) }
  const object = putObject(world, params.bucket!, query.get('name') ?? '', body, metadata, query)
  return { json: showObject(object, query.get('projection')) }
}

function uploadMultipart(world: World, { params, query, headers, body }: Exchange): Answer {
  const { metadata, contentType, content } = parseRelated(headers['content-type'], body)
  const name = textAt(metadata, 'name') ?? query.get('name') ?? ''
  const object = putObject(world, params.bucket!, name, content, { contentType: contentType ?? 'application/octet-stream', ...declaredSums(headers['x-goog-hash']), ...metadata }, query)
  return { json: showObject(object, query.get('projection')) }
}

function startSession(world: World, { params, query, headers, json, path, returnOrigin }: Exchange): Answer {
  const metadata: Fields = { ...(headers['x-upload-content-type'] === undefined ? {} : { contentType: headers['x-upload-content-type'] }), ...json() }
  const name = textAt(metadata, 'name') ?? query.get('name') ?? ''
  if (name === '') throw invalid('Required object name is missing.')
  const declared = headers['x-upload-content-length']
  if (declared !== undefined && !/^\d{1,15}$/.test(String(declared))) throw invalid('Invalid X-Upload-Content-Length.')
  checkPreconditions(query, bucketOf(world, params.bucket!).objects.get(name), 'change')
  const id = `sandbox-${randomBytes(24).toString('base64url')}`
  world.storage.uploads.set(id, { bucket: params.bucket!, name, metadata, query, size: declared === undefined ? undefined : Number(declared), chunks: [], persisted: 0 })
  const location = new URL(path, returnOrigin)
  location.search = new URLSearchParams({ uploadType: 'resumable', name, upload_id: id }).toString()
  return { headers: { location: location.href, 'x-guploader-uploadid': id, 'cache-control': 'no-cache, no-store, max-age=0, must-revalidate' } }
}
