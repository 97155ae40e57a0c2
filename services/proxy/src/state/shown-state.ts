/** What people may see of a state that the gateway has read. */
import type { MaskPlan, Method } from '@lockkeeper/domain'
import { isRefusal } from '@lockkeeper/domain/errors'
import { isJsonObject, parseStrict, serialise, type JsonObject } from '@lockkeeper/domain/json'
import type { Maskers } from '../maskers.ts'
import { maskedForPeople } from '../recorded-bodies.ts'

/** A larger state is compared, and not shown. */
const MAX_SHOWN_BYTES = 256 * 1024

/** Masked by the rule's plan and for secrets always; undefined where nothing of it may be shown. */
export function shownToPeople(value: JsonObject, reader: Method, plan: MaskPlan, maskers: Maskers): JsonObject | undefined {
  const bytes = Buffer.from(serialise(value))
  const masked = bytes.length > MAX_SHOWN_BYTES ? undefined : maskedForPeople(bytes, reader, plan, maskers)
  const shown = masked === undefined ? undefined : parseStrict(masked)
  return shown === undefined || isRefusal(shown) || !isJsonObject(shown) ? undefined : shown
}
