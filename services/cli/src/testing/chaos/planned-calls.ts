/** Tests only: the mix of calls of a chaos run. Every call has a marker of its own in its path, by which upstream, log and agent can be compared. */
import type { RuleDocument } from '@lockkeeper/policy-engine'

/** `asked`: a change that an approver approves; `declined`: one that they deny; `denied`: policy says no. */
export type CallKind = 'read' | 'change' | 'asked' | 'declined' | 'denied'

export interface PlannedCall {
  readonly marker: string
  readonly kind: CallKind
  readonly verb: string
  /** Host and path. */
  readonly place: string
  readonly body?: unknown
}

/** The same numbers for the same seed (mulberry32). */
export interface Random {
  /** From 0 up to, but not including, `bound`. */
  below(bound: number): number
}

export function seeded(seed: number): Random {
  let state = seed >>> 0
  return {
    below(bound) {
      state = (state + 0x6d2b79f5) >>> 0
      let mixed = Math.imul(state ^ (state >>> 15), state | 1)
      mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61)
      return ((mixed ^ (mixed >>> 14)) >>> 0) % bound
    },
  }
}

/** Out of 20. */
const SHARES: readonly (readonly [CallKind, number])[] = [['read', 11], ['change', 4], ['asked', 3], ['declined', 1], ['denied', 1]]
const MARKER = /chaos-(read|change|asked|declined|denied)-\d+/

export const CHAOS_RULES: readonly RuleDocument[] = [
  { name: 'allow', methods: ['*'], effect: 'allow' },
  { name: 'ask', methods: ['pubsub.projects.topics.publish'], effect: 'approve', approval: { reviewers: ['group:approvers'] } },
  { name: 'keep', methods: ['storage.objects.delete'], effect: 'deny' },
]

export function planCalls(count: number, random: Random): readonly PlannedCall[] {
  return Array.from({ length: count }, (_, index) => callOf(kindOf(random.below(20)), index))
}

/** The marker in a path or a resource's name. */
export function markerIn(text: string): { readonly marker: string, readonly kind: CallKind } | undefined {
  const found = MARKER.exec(text)
  return found === null ? undefined : { marker: found[0], kind: found[1] as CallKind }
}

function kindOf(drawn: number): CallKind {
  let left = drawn
  for (const [kind, share] of SHARES) {
    if (left < share) return kind
    left -= share
  }
  return 'read'
}

function callOf(kind: CallKind, index: number): PlannedCall {
  const marker = `chaos-${kind}-${index}`
  switch (kind) {
    case 'read': return { marker, kind, verb: 'GET', place: `storage.googleapis.com/storage/v1/b/chaos/o/${marker}` }
    case 'change': return { marker, kind, verb: 'PUT', place: `pubsub.googleapis.com/v1/projects/sandbox-project/topics/${marker}`, body: {} }
    case 'denied': return { marker, kind, verb: 'DELETE', place: `storage.googleapis.com/storage/v1/b/chaos/o/${marker}` }
    case 'asked': case 'declined': return { marker, kind, verb: 'POST', place: `pubsub.googleapis.com/v1/projects/sandbox-project/topics/${marker}:publish`, body: { messages: [{ data: 'eA==' }] } }
  }
}
