/**
 * The registry of event data: which type stands in which topic, with which schema, in which version. Golden fixtures hold one event of
 * every version that ever was; a schema that refuses one of them is a breaking change and needs a new version beside the old.
 */
import type { z } from 'zod'
import { EVENT_DATA, EVENT_TOPICS, type CloudEvent, type EventType } from './events.ts'

/** Types whose data has a newer version than 1. A version that is here once stays readable for ever. */
const NEWER_VERSIONS: Readonly<Partial<Record<EventType, number>>> = {}

export const EVENT_TYPES = Object.keys(EVENT_TOPICS) as readonly EventType[]

/** Name of the current schema of a type, and of its file under infra/schemas. */
export function schemaName(type: EventType): string {
  return `${type}.v${NEWER_VERSIONS[type] ?? 1}`
}

export type DataSchemas = Readonly<Partial<Record<EventType, z.ZodType>>>

/** Why an event cannot stand in the topic, or undefined. Types that the house does not declare pass: whoever takes them knows them. */
export function eventProblem(topic: string, event: CloudEvent, schemas: DataSchemas = EVENT_DATA): string | undefined {
  if (!Object.hasOwn(EVENT_TOPICS, event.type)) return undefined
  const type = event.type as EventType
  if (EVENT_TOPICS[type] !== topic) return `${type} stands in topic ${EVENT_TOPICS[type]}`
  return dataProblem(type, event.data, schemas)
}

/** Places and kinds of the first faults, never values: data may hold an approver's token. */
export function dataProblem(type: EventType, data: unknown, schemas: DataSchemas = EVENT_DATA): string | undefined {
  const result = schemas[type]?.safeParse(data)
  if (result === undefined || result.success) return undefined
  return `its data is not that of ${schemaName(type)}: ${result.error.issues.slice(0, 5).map(({ path, code }) => `${path.join('.') || 'data'}: ${code}`).join('; ')}`
}
