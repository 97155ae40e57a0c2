/** Small schemas that several operations of the approval service share. */
import { ERRORS, type ErrorReason } from '@lockkeeper/domain/errors'
import { z } from 'zod'

export const epochMs = z.int().nonnegative().meta({ description: 'Epoch ms.', examples: [1_795_521_600_000] })
export const mode = z.enum(['sandbox', 'real'])
export const stateName = z.enum(['pending', 'approved', 'denied', 'expired', 'cancelled', 'claimed', 'answered', 'unknown'])
export const texts = z.array(z.string())
export const errorReason = z.enum(Object.keys(ERRORS) as [ErrorReason, ...ErrorReason[]]).meta({ id: 'ErrorReason', description: 'See docs/errors.md.' })

/** One id in a path. Which ids there are is not said here: an unknown one is NOT_FOUND. */
export const byId = z.strictObject({ id: z.string().min(1).max(256).meta({ description: 'Id of what is asked about.', examples: ['apr_7RkXo2m'] }) })

export const flag = z.enum(['true', 'false']).transform((text) => text === 'true')
/** A page of a list. */
export const page = {
  limit: z.coerce.number().int().min(1).max(200).optional().meta({ description: 'Of one page at most.' }),
  cursor: z.string().max(2048).optional().meta({ description: 'As the page before gave it.' }),
}
export const cursor = z.string().optional().meta({ description: 'Give it to go on. Absent: this was the last page.' })

/** Over the network the verified caller stands here, whatever is written. */
export const by = z.string().min(1).max(200).optional().meta({ description: 'Who acts. Needed on the admin socket; over the network it is the verified caller, whatever is written here.', examples: ['ana'] })
export const reason = z.string().min(1).max(1000).meta({ examples: ['the run was stopped'] })
