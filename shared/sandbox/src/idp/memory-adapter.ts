/** What oidc-provider remembers of sign-ins under way, in this process; its contract is documented in its own docs ("adapter"). */
import type { Clock } from '@lockkeeper/domain'

type Payload = Readonly<Record<string, unknown>> & { readonly uid?: string, readonly grantId?: string, consumed?: number }

/** The oldest make room. */
const MOST = 1_000

/** A class, as the provider wants one: an instance for each kind of thing, all over one map. */
export function memoryAdapter(clock: Clock): new (kind: string) => object {
  const kept = new Map<string, Payload>()
  return class {
    readonly #kind: string
    constructor(kind: string) {
      this.#kind = kind
    }
    #key(id: string): string {
      return `${this.#kind}:${id}`
    }
    async upsert(id: string, payload: Payload): Promise<void> {
      kept.delete(this.#key(id))
      for (const oldest of kept.keys()) {
        if (kept.size < MOST) break
        kept.delete(oldest)
      }
      kept.set(this.#key(id), payload)
    }
    async find(id: string): Promise<Payload | undefined> {
      return kept.get(this.#key(id))
    }
    async findByUid(uid: string): Promise<Payload | undefined> {
      return [...kept].find(([key, payload]) => key.startsWith(`${this.#kind}:`) && payload.uid === uid)?.[1]
    }
    async findByUserCode(): Promise<undefined> {}
    async consume(id: string): Promise<void> {
      const found = kept.get(this.#key(id))
      if (found !== undefined) found.consumed = Math.floor(clock.now() / 1000)
    }
    async destroy(id: string): Promise<void> {
      kept.delete(this.#key(id))
    }
    async revokeByGrantId(grantId: string): Promise<void> {
      for (const [key, payload] of kept) if (payload.grantId === grantId) kept.delete(key)
    }
  }
}
