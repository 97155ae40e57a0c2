/** Locks as they are set and answered. */
import type { Lock } from '@lockkeeper/domain'
import { z } from 'zod'
import { epochMs } from './names.ts'

const named = z.string().min(1).max(512)

export const lockScope = z.discriminatedUnion('kind', [
  z.strictObject({ kind: z.literal('everything') }),
  z.strictObject({ kind: z.literal('agent'), agent: named }),
  z.strictObject({ kind: z.literal('run'), run: named }),
  z.strictObject({ kind: z.literal('target'), target: named }),
]).meta({ examples: [{ kind: 'agent', agent: 'acme/shop' }] })

export const lockSchema = z.strictObject({
  id: z.string().meta({ examples: ['lock_3fQ9aZ'] }), scope: lockScope, reason: z.string(), by: z.string(), at: epochMs, until: epochMs.optional().meta({ description: 'Absent: until it is lifted.' }),
} satisfies Readonly<Record<keyof Lock, z.ZodType>>).meta({ id: 'Lock', description: 'The kill switch for one scope.' })
