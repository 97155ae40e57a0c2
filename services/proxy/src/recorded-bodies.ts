/** Bodies kept beside their records: masked by the call's own plan and for secrets always, whatever the agent may see. */
import type { Call, MaskPlan, Method } from '@lockkeeper/domain'
import { sha256 } from '@lockkeeper/domain/digest'
import { LockkeeperError } from '@lockkeeper/domain/errors'
import type { RecordBody } from '@lockkeeper/domain/records'
import { canInspect } from '@lockkeeper/masking'
import type { Maskers } from './maskers.ts'

/** Fields that hold a secret's value where no detector would know it. */
const SECRET_FIELDS: Readonly<Record<string, readonly string[]>> = { secretmanager: ['payload.data', '**.payload.data'] }
const plans = new WeakMap<MaskPlan, Map<string, MaskPlan>>()

export interface RecordedBodies { readonly maskers: Maskers, readonly limit: number }

/** Undefined: nothing is kept (too large, a secret, or content that cannot be inspected). */
export function recordedBody(bytes: Uint8Array, contentType: string | undefined, method: Method, plan: MaskPlan, { maskers, limit }: RecordedBodies): RecordBody | undefined {
  if (bytes.length === 0 || bytes.length > limit || method.returnsSecret) return undefined
  const inspect = canInspect(contentType, undefined)
  if (inspect === 'no') return undefined
  const masked = mask(bytes, inspect, maskers, recordPlan(plan, method.api))
  return masked === undefined ? undefined : { hash: sha256(masked), bytes: masked, contentType: contentType ?? '' }
}

/** The JSON that a call sends, as its record keeps it. */
export function recordedRequest({ body, method }: Call, plan: MaskPlan, parts: RecordedBodies): RecordBody | undefined {
  return body.kind === 'json' ? recordedBody(body.bytes, 'application/json', method, plan, parts) : undefined
}

function mask(bytes: Uint8Array, inspect: 'json' | 'text', maskers: Maskers, plan: MaskPlan): Uint8Array | undefined {
  const masker = maskers.of(plan)
  if (masker === undefined) throw new TypeError('the plan for records always names secrets')
  try {
    if (inspect === 'json') return masker.maskJson(bytes).bytes
    const text = masker.streamText()
    return Buffer.concat([...text.push(bytes), ...text.end()])
  } catch (error) {
    // What cannot be inspected is not kept; its call is recorded all the same.
    if (error instanceof LockkeeperError) return undefined
    throw error
  }
}

/** One object for each plan and API, so that its masker is compiled once. */
function recordPlan(plan: MaskPlan, api: string): MaskPlan {
  let byApi = plans.get(plan)
  if (byApi === undefined) plans.set(plan, byApi = new Map())
  let made = byApi.get(api)
  if (made === undefined) {
    made = { detectors: [...new Set([...plan.detectors, 'secrets'])].sort(), fields: [...new Set([...plan.fields, ...(SECRET_FIELDS[api] ?? [])])].sort() }
    byApi.set(api, made)
  }
  return made
}
