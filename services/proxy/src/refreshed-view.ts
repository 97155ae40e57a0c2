/** One strong read for a view that is too old to go by, within a second (invariant 11). */
import { PortUnavailable } from '@lockkeeper/domain/ports'

const REFRESH_WITHIN_MS = 1000

/** Resolves when the read has ended, failed or taken too long: look at the view's age then. `detail`: why it failed. */
export async function refreshed(view: { refresh(): Promise<void> }): Promise<{ readonly detail?: string }> {
  const { promise: late, resolve } = Promise.withResolvers<void>()
  const timer = setTimeout(resolve, REFRESH_WITHIN_MS)
  try {
    await Promise.race([view.refresh(), late])
    return {}
  } catch (error) {
    if (!(error instanceof PortUnavailable)) throw error
    return { detail: error.message }
  } finally {
    clearTimeout(timer)
  }
}
