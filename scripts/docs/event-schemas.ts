/** What infra/ takes from the sources about messaging: the topology, and a JSON Schema of the data of every event type. */
import { z } from 'zod'
import { EVENT_DATA, type EventType } from '../../shared/domain/src/events.ts'
import { EVENT_TYPES, schemaName } from '../../shared/domain/src/event-schemas.ts'
import { TOPOLOGY } from '../../shared/domain/src/topology.ts'
import { accessRequestSchema } from '../../services/approval/src/access-request.ts'

/** Read by hand in shared/transparency-log, which checks signatures and chain as well: here only its shape. */
const recordBatch = z.strictObject({ header: z.string(), lines: z.array(z.string()), bodies: z.array(z.tuple([z.string(), z.string(), z.string()])) })

const SCHEMAS: Readonly<Record<EventType, z.ZodType>> = { 'access.requested': accessRequestSchema, 'record.batch': recordBatch, ...EVENT_DATA }

/** File from the root → content. */
export function messagingFiles(): readonly (readonly [file: string, content: string])[] {
  const schemas = EVENT_TYPES.map((type) => [`infra/schemas/${schemaName(type)}.json`, asJson({ ...z.toJSONSchema(SCHEMAS[type], { io: 'input' }), title: `Data of ${type}` })] as const)
  return [['infra/topology.json', asJson(TOPOLOGY)], ...schemas]
}

function asJson(value: unknown): string {
  return `${JSON.stringify(value, null, 2)}\n`
}
