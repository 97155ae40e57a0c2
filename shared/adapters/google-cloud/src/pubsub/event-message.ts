/**
 * CloudEvents in Pub/Sub's protocol binding, binary mode: the data is the message, every attribute of the event one of the message's
 * with `ce-` before its name, `datacontenttype` as `content-type` (googleapis/google-cloudevents, docs/spec/pubsub.md, section 3.1).
 * Structured mode is refused: whoever publishes here is this house, and one form is read in one way.
 */
import { isRefusal } from '@lockkeeper/domain/errors'
import type { CloudEvent } from '@lockkeeper/domain/events'
import { parseStrict } from '@lockkeeper/domain/json'

export interface EventMessage {
  readonly data: Buffer
  readonly attributes: Readonly<Record<string, string>>
}

/** As in the embedded edition; Pub/Sub itself takes 10 MB (cloud.google.com/pubsub/quotas). */
export const MAX_EVENT_BYTES = 8 * 1024 * 1024
const MAX_ATTRIBUTE_BYTES = 1024
const JSON_TYPE = 'application/json'
const TIME = /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(?:\.\d{1,9})?(?:Z|[+-]\d\d:\d\d)$/
/** CloudEvents 1.0, section 3.1: what an extension may be called. */
const EXTENSION = /^[a-z0-9]{1,20}$/
const REQUIRED = ['id', 'source', 'type', 'time'] as const

/** TypeError for what is no event of the house, is over 8 MiB or has an attribute over 1,024 bytes. */
export function toMessage(event: CloudEvent): EventMessage {
  const { data, datacontenttype, ...context } = event
  if (event.specversion !== '1.0' || REQUIRED.some((name) => typeof event[name] !== 'string' || event[name] === '')) throw new TypeError('an event needs specversion 1.0, id, source, type and time')
  if (datacontenttype !== JSON_TYPE || data === undefined) throw new TypeError(`event ${event.id} carries no JSON data`)
  const attributes: Record<string, string> = { 'content-type': JSON_TYPE }
  for (const [name, value] of Object.entries<unknown>(context)) {
    if (value === undefined) continue
    if (typeof value !== 'string' || value === '' || !EXTENSION.test(name) || !value.isWellFormed()) throw new TypeError(`attribute ${name} of event ${event.id} is no text`)
    if (Buffer.byteLength(value) > MAX_ATTRIBUTE_BYTES) throw new TypeError(`attribute ${name} of event ${event.id} is over ${MAX_ATTRIBUTE_BYTES} bytes`)
    attributes[`ce-${name}`] = value
  }
  const bytes = Buffer.from(JSON.stringify(data))
  if (bytes.length > MAX_EVENT_BYTES) throw new TypeError(`event ${event.id} is over ${MAX_EVENT_BYTES} bytes`)
  return { data: bytes, attributes }
}

export type ReadEvent = { readonly event: CloudEvent } | { readonly problem: string }

/** The event, or why the message can never be one. */
export function readEvent(data: Uint8Array, attributes: Readonly<Record<string, string>>): ReadEvent {
  const contentType = attributes['content-type']
  if (contentType !== JSON_TYPE) return { problem: contentType?.startsWith('application/cloudevents') === true ? 'it is in structured mode' : 'its content-type is not application/json' }
  const context: Record<string, string> = {}
  for (const [name, value] of Object.entries(attributes)) {
    if (!name.startsWith('ce-')) continue
    const key = name.slice(3)
    if (!EXTENSION.test(key) || key === 'data' || typeof value !== 'string') return { problem: 'it has an attribute that no event has' }
    context[key] = value
  }
  if (context['datacontenttype'] !== undefined) return { problem: 'it says its content type twice' }
  if (context['specversion'] !== '1.0') return { problem: 'it is no CloudEvent 1.0' }
  const missing = REQUIRED.find((name) => (context[name] ?? '') === '')
  if (missing !== undefined) return { problem: `it has no ${missing}` }
  if (!TIME.test(context['time'] ?? '') || Number.isNaN(Date.parse(context['time'] ?? ''))) return { problem: 'its time is none' }
  const parsed = parseStrict(data)
  if (isRefusal(parsed)) return { problem: `its data is no plain JSON: ${parsed.message}` }
  // What the strict reader accepts has one reading; this gives it as the plain objects that the embedded edition delivers.
  const plain: unknown = JSON.parse(Buffer.from(data.buffer, data.byteOffset, data.length).toString('utf8'))
  return { event: { ...context, datacontenttype: JSON_TYPE, data: plain } as unknown as CloudEvent }
}

/** For showing what could not be read: whatever of an event there is, its data as text. Never given to a handler. */
export function describeUnreadable(data: Uint8Array, attributes: Readonly<Record<string, string>>, messageId: string): CloudEvent {
  const text = Buffer.from(data.subarray(0, 4096)).toString('utf8').toWellFormed()
  return {
    specversion: '1.0', id: attributes['ce-id'] ?? messageId, source: attributes['ce-source'] ?? 'unknown', type: attributes['ce-type'] ?? 'unreadable',
    time: attributes['ce-time'] ?? new Date(0).toISOString(), datacontenttype: JSON_TYPE, data: { unreadable: text, bytes: data.length },
  }
}
