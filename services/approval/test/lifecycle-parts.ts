/** What the rules of the lifecycle matrix share. */
import { randomUUID } from 'node:crypto'

export const SLACK_SECRET = '8f742231b10e8888abcd99yyyzzz85a5'
/** What the catalog of these worlds knows as critical. */
export const CRITICAL_METHOD = 'storage.buckets.delete'

/** An agent of its own for each rule, so that no rule meets another's calls. */
export function someone(): { readonly id: string } {
  return { id: `agent-${randomUUID().slice(0, 8)}` }
}
