/** What a read of the gateway's own found (own-read.ts makes it). */
import type { Method } from '@lockkeeper/domain'
import type { JsonObject } from '@lockkeeper/domain/json'

export interface OwnRead {
  readonly reader: Method
  /** Undefined: there is no such resource. */
  readonly value: JsonObject | undefined
  /** HTTP status of the answer. */
  readonly status?: number
  /** Record of the read, and epoch ms. */
  readonly record: string
  readonly at: number
}
