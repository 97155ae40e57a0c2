/** For tests: the approval service as the proxy sees it, decided by the test itself. */
import { attachHash, digestOf } from '@lockkeeper/domain/digest'
import { approvals, type ApprovalDocument } from '@lockkeeper/domain/collections'
import { refuse } from '@lockkeeper/domain/errors'
import type { CloudEvent } from '@lockkeeper/domain/events'
import { PortUnavailable, type AccessRequest, type ApprovalApi, type EventBus, type Outcome, type StoredAnswer } from '@lockkeeper/domain/ports'
import type { MemoryDocuments } from './memory-documents.ts'

export interface ApprovalDesk {
  readonly events: Pick<EventBus, 'publish'>
  readonly api: ApprovalApi
  readonly requests: readonly AccessRequest[]
  readonly outcomes: readonly Outcome[]
  readonly delivered: readonly string[]
  /** What every new request gets; undefined: it waits for `decide`. */
  verdict: 'approved' | 'denied' | undefined
  /** Methods of the service that are down. */
  down: readonly (keyof ApprovalApi)[]
  dialWithinMs: number
  decide(id: string, state: 'approved' | 'denied'): void
  state(id: string): ApprovalDocument['state'] | undefined
}

const RECEIPT_MS = 60_000

export function createApprovalDesk(documents: MemoryDocuments, now: () => number): ApprovalDesk {
  const requests: AccessRequest[] = []
  const outcomes: Outcome[] = []
  const delivered: string[] = []
  const answers = new Map<string, StoredAnswer>()
  const get = (id: string): ApprovalDocument => documents.get<ApprovalDocument>(approvals.name, id) as ApprovalDocument
  const change = (id: string, changes: Partial<ApprovalDocument>): void => documents.put(approvals.name, id, { ...get(id), ...changes })
  const check = (name: keyof ApprovalApi): void => {
    if (desk.down.includes(name)) throw new PortUnavailable(`${name} is down`)
  }
  /** As the service does: one live request for each attach key, unless rule or state are others by now. */
  const shared = new Map<string, string>()
  const isShared = ({ attach, decision, stateHash }: AccessRequest): boolean => {
    const live = shared.get(attachHash(attach))
    const standing = live === undefined ? undefined : get(live)
    return standing !== undefined && ['pending', 'approved', 'claimed'].includes(standing.state) && standing.decisionHash === decision.hash && standing.stateHash === stateHash
  }
  const take = ({ id, attach, agent, call, decision, stateHash, at }: AccessRequest): void => documents.put(approvals.name, id, {
    kind: 'approval', live: true, id, attachHash: attachHash(attach), digest: digestOf(call), decisionHash: decision.hash, state: desk.verdict ?? 'pending', method: call.method,
    issuer: attach.issuer, agent: agent.id, run: agent.run, target: call.target, resources: call.resources, at, expiresAt: at + 1_800_000, ...stateHash === undefined ? {} : { stateHash },
  } satisfies ApprovalDocument)
  const desk: ApprovalDesk = {
    requests, outcomes, delivered, verdict: undefined, down: [], dialWithinMs: 5000,
    events: {
      async publish(_topic, events) {
        for (const { data } of events as readonly CloudEvent<'access.requested', AccessRequest>[]) {
          if (isShared(data)) continue
          shared.set(attachHash(data.attach), data.id)
          requests.push(data)
          take(data)
        }
      },
    },
    decide: (id, state) => change(id, { state }),
    state: (id) => documents.get<ApprovalDocument>(approvals.name, id)?.state,
    api: {
      async claim({ approval, stateHash }) {
        check('claim')
        if (get(approval).state === 'approved' && get(approval).stateHash !== stateHash) {
          change(approval, { state: 'cancelled', refusal: 'STATE_CHANGED' })
          return refuse('STATE_CHANGED', 'the resource changed')
        }
        if (get(approval).state !== 'approved') return refuse('APPROVAL_PENDING', 'not free')
        change(approval, { state: 'claimed' })
        return { fence: 'fence-1', dialWithinMs: desk.dialWithinMs }
      },
      async complete({ approval, outcome }) {
        check('complete')
        outcomes.push(outcome)
        if (outcome.kind === 'not_sent') return change(approval, { state: 'approved' })
        if (outcome.kind === 'unknown') return change(approval, { state: 'unknown', refusal: 'OUTCOME_UNKNOWN' })
        if (outcome.answer !== undefined) answers.set(approval, outcome.answer)
        change(approval, { state: 'answered', receiptUntil: now() + RECEIPT_MS })
      },
      async receipt({ approval }) {
        check('receipt')
        return answers.get(approval) ?? refuse('RECEIPT_GONE', 'not kept')
      },
      async delivered({ approval }) {
        check('delivered')
        delivered.push(approval)
      },
    },
  }
  return desk
}
