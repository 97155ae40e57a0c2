/** Names a state that was read: two reads of the same state have the same hash, and an approval is bound to it. Pure. */
import type { Method } from '@lockkeeper/domain'
import { sha256 } from '@lockkeeper/domain/digest'
import { serialise, type Json, type JsonObject } from '@lockkeeper/domain/json'
import { textAt } from './bind-call.ts'
import type { OwnRead } from './resource-read.ts'
import { stateRuleOf } from './state-rules.ts'

/** One of the same name that was deleted and made anew is another one. */
const BORN = ['uid', 'uniqueId', 'timeCreated', 'createTime', 'creationTime', 'creationTimestamp']

/** Change by themselves, without anybody changing the resource. */
const RESTLESS: ReadonlySet<string> = new Set([
  'lastStartTimestamp', 'lastStopTimestamp', 'lastSuspendedTimestamp', 'lastAttachTimestamp', 'lastDetachTimestamp', 'resourceStatus', 'upcomingMaintenance',
  'numBytes', 'numRows', 'numLongTermBytes', 'streamingBuffer', 'lastAuthenticatedTime', 'observedGeneration', 'conditions',
])

/** By the versions that the API's own preconditions compare, else by the etag, else by all that was read and stays as it is by itself. */
export function stateHashOf(method: Method, { value }: OwnRead): string {
  if (value === undefined) return sha256('no such resource')
  const born = BORN.map((name) => textAt(value, [name]) ?? '')
  const { bind } = stateRuleOf(method)
  const versions = bind.map(({ from }) => textAt(value, from.split('.')))
  if (versions.length > 0 && versions.every((version) => version !== undefined && version !== '')) return sha256(JSON.stringify(['versions', born, versions]))
  const etag = textAt(value, ['etag'])
  if (etag !== undefined && etag !== '') return sha256(JSON.stringify(['etag', born, etag]))
  return sha256(JSON.stringify(['whole', serialise(lasting(value))]))
}

function lasting(value: JsonObject): JsonObject {
  const kept: Record<string, Json> = Object.create(null) as Record<string, Json>
  for (const [name, member] of Object.entries(value)) if (!RESTLESS.has(name)) kept[name] = member
  return kept
}
