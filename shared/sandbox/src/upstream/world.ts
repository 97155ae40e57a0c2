/** What the upstream holds in memory. Each API module owns its part; policies and operations are shared by several. */
import type { Clock } from '@lockkeeper/domain'
import { BoundedMap } from './bounded-map.ts'
import { createPolicies } from './policies.ts'
import type { Policies } from './policies.ts'
import { createStorageState } from './storage/state.ts'
import type { StorageState } from './storage/state.ts'
import type { Fields } from './json-body.ts'

export const PROJECT = { id: 'sandbox-project', number: '480012345678', name: 'Sandbox' } as const

const MOST_PASSING = 5_000

export interface World {
  readonly clock: Clock
  readonly policies: Policies
  readonly storage: StorageState
  /** Service accounts by e-mail, secrets, services, instances, topics and the like by full resource name. */
  readonly resources: Map<string, Fields>
  /** Jobs, operations and answers to request ids; the oldest are forgotten. */
  readonly passing: BoundedMap<Fields>
  /** Names a new thing: grows with every call, never repeats; of the size of Google's generations. */
  tick(): number
  /** RFC 3339. */
  timestamp(): string
}

export function createWorld(clock: Clock): World {
  let last = 0
  const tick = (): number => {
    last = Math.max(last + 1, clock.now() * 1_000)
    return last
  }
  return {
    clock, tick,
    policies: createPolicies(tick),
    storage: createStorageState(),
    resources: new Map(),
    passing: new BoundedMap(MOST_PASSING),
    timestamp: () => new Date(clock.now()).toISOString(),
  }
}

/** `nextPageToken` and one page of a list; tokens are opaque offsets. */
export function pageOf<T>(items: readonly T[], query: URLSearchParams, sizeName: string, most: number): { readonly items: readonly T[], readonly next: string | undefined } {
  const asked = Number(query.get(sizeName) ?? most)
  const size = Number.isInteger(asked) && asked > 0 ? Math.min(asked, most) : most
  const start = Number(Buffer.from(query.get('pageToken') ?? '', 'base64url').toString('utf8').replace('offset:', '')) || 0
  const end = start + size
  return { items: items.slice(start, end), next: end < items.length ? Buffer.from(`offset:${end}`).toString('base64url') : undefined }
}
