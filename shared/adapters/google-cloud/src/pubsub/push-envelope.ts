/** What Pub/Sub posts to a push endpoint (cloud.google.com/pubsub/docs/push#receive_push), read strictly. */
import { isRefusal } from '@lockkeeper/domain/errors'
import { isJsonObject, JsonNumber, parseStrict, type Json } from '@lockkeeper/domain/json'
import type { Received } from './deliveries.ts'

/** Pub/Sub's 10 MB in base64, and the attributes. */
export const MAX_PUSH_BYTES = 16 * 1024 * 1024
const MAX_ATTRIBUTES = 100
const MESSAGE_ID = /^[\w-]{1,64}$/

/** `subscription`: the full name that must stand in it. Fields that Pub/Sub may add one day are not read. */
export function readPushEnvelope(body: Uint8Array, subscription: string): Received | { readonly problem: string } {
  const parsed = parseStrict(body, { maxDepth: 8 })
  if (isRefusal(parsed)) return { problem: parsed.message }
  if (!isJsonObject(parsed)) return { problem: 'it is no object' }
  if (parsed['subscription'] !== subscription) return { problem: 'it is of another subscription' }
  const message = parsed['message']
  if (!isJsonObject(message)) return { problem: 'it has no message' }
  const { messageId, message_id: alias, data = '' } = message
  if (typeof messageId !== 'string' || !MESSAGE_ID.test(messageId) || (alias !== undefined && alias !== messageId)) return { problem: 'it has not one message id' }
  if (typeof data !== 'string') return { problem: 'its data is no text' }
  const decoded = Buffer.from(data, 'base64')
  // Node's decoder skips what it does not know; the one text of the bytes (RFC 4648, section 4) must be what was sent.
  if (decoded.toString('base64') !== data) return { problem: 'its data is not base64' }
  const attributes = readAttributes(message['attributes'])
  const attempt = readAttempt(parsed['deliveryAttempt'])
  if (attributes === undefined || attempt === undefined) return { problem: 'its attributes or its attempt are malformed' }
  return { messageId, data: decoded, attributes, attempt }
}

function readAttributes(value: Json | undefined): Readonly<Record<string, string>> | undefined {
  if (value === undefined) return {}
  if (!isJsonObject(value)) return undefined
  const entries = Object.entries(value)
  if (entries.length > MAX_ATTRIBUTES || entries.some(([, text]) => typeof text !== 'string')) return undefined
  return Object.fromEntries(entries) as Record<string, string>
}

/** Absent where the subscription has no dead-letter policy. */
function readAttempt(value: Json | undefined): number | undefined {
  if (value === undefined) return 1
  if (!(value instanceof JsonNumber) || !/^\d{1,9}$/.test(value.text)) return undefined
  return Math.max(1, Number(value.text))
}
