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

/** An answer as the agent got it: masked by the call's plan already, so only what the log adds to the plan is masked. */
export function recordedAnswer(bytes: Uint8Array, contentType: string | undefined, method: Method, plan: MaskPlan, parts: RecordedBodies): RecordBody | undefined {
  return recordedBody(bytes, contentType, method, plan, true, parts)
}

/** Undefined: nothing is kept (too large, a secret, or content that cannot be inspected). `isMasked`: by the plan. */
function recordedBody(bytes: Uint8Array, contentType: string | undefined, method: Method, plan: MaskPlan, isMasked: boolean, { maskers, limit }: RecordedBodies): RecordBody | undefined {
  if (bytes.length === 0 || bytes.length > limit || method.returnsSecret) return undefined
  const inspect = canInspect(contentType, undefined)
  if (inspect === 'no') return undefined
  const own = recordPlan(plan, method.api)
  const raw = sha256(bytes)
  if (isMasked && own === plan) return { hash: raw, bytes, contentType: contentType ?? '' }
  const known = recent.get(own)?.get(raw)
  if (known !== undefined) return known
  const masked = mask(bytes, inspect, maskers, own)
  if (masked === undefined) return undefined
  const body = { hash: masked === bytes ? raw : sha256(masked), bytes: masked, contentType: contentType ?? '' }
  remember(own, raw, body)
  return body
}

/** Polls read the same answer again and again; the newest small ones are not masked anew for the log. */
const recent = new WeakMap<MaskPlan, Map<string, RecordBody>>()
const RECENT_BODIES = 256
const RECENT_BYTES = 16 * 1024

function remember(plan: MaskPlan, raw: string, body: RecordBody): void {
  if (body.bytes.length > RECENT_BYTES) return
  let bodies = recent.get(plan)
  if (bodies === undefined) recent.set(plan, bodies = new Map())
  const [oldest] = bodies.size >= RECENT_BODIES ? bodies.keys() : []
  if (oldest !== undefined) bodies.delete(oldest)
  bodies.set(raw, body)
}

/** The JSON that a call sends, as its record keeps it. */
export function recordedRequest({ body, method }: Call, plan: MaskPlan, parts: RecordedBodies): RecordBody | undefined {
  return body.kind === 'json' ? recordedBody(body.bytes, 'application/json', method, plan, false, parts) : undefined
}

/** JSON that the gateway itself read, for people to look at; undefined where nothing of it may be shown. */
export function maskedForPeople(bytes: Uint8Array, method: Method, plan: MaskPlan, maskers: Maskers): Uint8Array | undefined {
  return method.returnsSecret ? undefined : mask(bytes, 'json', maskers, recordPlan(plan, method.api))
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
    const fields = SECRET_FIELDS[api] ?? []
    const covered = plan.detectors.includes('secrets') && fields.every((field) => plan.fields.includes(field))
    made = covered ? plan : { detectors: [...new Set([...plan.detectors, 'secrets'])].sort(), fields: [...new Set([...plan.fields, ...fields])].sort() }
    byApi.set(api, made)
  }
  return made
}
