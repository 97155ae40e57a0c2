/**
 * A key by which the API knows the call again: put in before anybody is asked, so that a lost answer can be looked for
 * (find-outcome.ts). It belongs to one approval: two approvals of the same call have two keys, and both run. It is made under a key
 * of the gateway's own, because agents learn an approval's id before its call runs and could use up what they can compute.
 */
import { createHmac } from 'node:crypto'
import type { Catalog } from '@lockkeeper/catalog'
import type { Call } from '@lockkeeper/domain'
import { isRefusal } from '@lockkeeper/domain/errors'
import { isJsonObject, serialise, type JsonObject } from '@lockkeeper/domain/json'
import type { Classified } from '../passage.ts'

type Checks = Pick<Catalog, 'match' | 'checkBody'>

/** The call with its key; the same object where its method takes none, or the agent has put in its own. */
export function withDedupeKey(classified: Classified, approval: string, sessionKey: Uint8Array, catalog: Checks): Classified {
  const { method } = classified.call
  if (method.api === 'compute' && method.dedupeKey === 'requestId') return withRequestId(classified, keyOf(approval, sessionKey), catalog)
  if (method.id === 'bigquery.jobs.insert') return withJobId(classified, `lockkeeper_${keyOf(approval, sessionKey)}`, catalog)
  return classified
}

/** Whether the key is the gateway's: then what the API knows by it is this call and no other. */
export function hasOwnKey({ bound = [] }: Call): boolean {
  return bound.some((place) => place === 'requestId' || place === 'body.jobReference' || place === 'body.jobReference.jobId')
}

/** A UUID of version 8 (RFC 9562, section 5.8), as compute's `requestId` has to be one. */
function keyOf(approval: string, sessionKey: Uint8Array): string {
  const bytes = createHmac('sha256', sessionKey).update(`lockkeeper-dedupe-v1 ${approval}`).digest().subarray(0, 16)
  bytes[6] = (bytes[6] as number) & 0x0f | 0x80
  bytes[8] = (bytes[8] as number) & 0x3f | 0x80
  const hex = bytes.toString('hex')
  return [hex.slice(0, 8), hex.slice(8, 12), hex.slice(12, 16), hex.slice(16, 20), hex.slice(20)].join('-')
}

function withRequestId(classified: Classified, key: string, catalog: Checks): Classified {
  const { call } = classified
  if (call.arguments['requestId'] !== undefined) return classified
  const match = catalog.match({ host: call.host, verb: call.method.verb, path: call.path, query: `${call.query === '' ? '' : `${call.query}&`}requestId=${key}` })
  if (isRefusal(match) || match.method !== call.method || match.arguments['requestId'] !== key) return classified
  return filled(classified, { ...call, query: match.query, arguments: { ...call.arguments, requestId: key } }, 'requestId')
}

/** Jobs with uploaded data are sent as they come, and have none. */
function withJobId(classified: Classified, jobId: string, catalog: Checks): Classified {
  const { call } = classified
  const { body } = call
  if (body.kind !== 'json') return classified
  const reference = body.value['jobReference']
  if (reference !== undefined && (!isJsonObject(reference) || reference['jobId'] !== undefined)) return classified
  const projectId = call.arguments['projectId']
  if (projectId === undefined) return classified
  const next: JsonObject = { ...body.value, jobReference: reference === undefined ? { projectId, jobId } : { ...reference, jobId } }
  const checked = catalog.checkBody(call.method, next)
  if (isRefusal(checked)) return classified
  return filled(classified, { ...call, body: { kind: 'json', value: checked, bytes: Buffer.from(serialise(checked)) } }, reference === undefined ? 'body.jobReference' : 'body.jobReference.jobId')
}

function filled(classified: Classified, call: Call, place: string): Classified {
  return { ...classified, call: { ...call, bound: [...call.bound ?? [], place] } }
}
