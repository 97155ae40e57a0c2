/**
 * Transactions of this process stand in line for the documents that they read. Firestore would let them wait for each other's
 * locks, or abort all but one of them, and both costs a multiple of waiting here.
 */
import { ContendedDocuments } from '@lockkeeper/domain/documents'
import { PortUnavailable } from '@lockkeeper/domain/ports'

export class Lines {
  readonly #documents = new ContendedDocuments()

  /** Resolves with the way out once all are held; PortUnavailable when that takes longer than `timeoutMs`. */
  async enter(keys: readonly string[], timeoutMs: number): Promise<() => void> {
    if (keys.length === 0) return () => undefined
    const late = Promise.withResolvers<never>()
    const timer = setTimeout(() => late.reject(new PortUnavailable(`other transactions held documents for ${timeoutMs} ms: ${keys.join(', ').slice(0, 500)}`)), timeoutMs)
    const entered = this.#documents.enter(keys)
    try {
      return await Promise.race([entered, late.promise])
    } catch (error) {
      // Whoever gave up keeps its place until its turn comes, and leaves at once then.
      void entered.then(leave => leave(), () => undefined)
      throw error
    } finally {
      clearTimeout(timer)
    }
  }
}
