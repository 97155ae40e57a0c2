/** Tests only: the facts of the approval service as they happen, each to be waited for once. */
import { TOPICS, type EventData } from '@lockkeeper/domain/events'
import type { EventBus } from '@lockkeeper/domain/ports'

export type ApprovalFactType = 'approval.requested' | 'approval.approved' | 'approval.denied' | 'approval.expired' | 'approval.cancelled' | 'approval.claimed' | 'approval.completed'
export interface ApprovalFact extends EventData<'approval.expired'> { readonly type: ApprovalFactType }

export interface ApprovalFacts {
  /** The oldest fact of this type about this agent that was not given out yet; waits up to 8 s for it. */
  next(type: ApprovalFactType, agent: string): Promise<ApprovalFact>
  close(): Promise<void>
}

const WAIT_MS = 8_000

export function watchApprovalFacts(events: EventBus): ApprovalFacts {
  const facts: ApprovalFact[] = []
  const waiting = new Set<() => void>()
  const subscription = events.subscribe({ topic: TOPICS.approvals, name: 'scenario' }, async ({ event }) => {
    facts.push({ ...event.data as EventData<'approval.expired'>, type: event.type as ApprovalFactType })
    for (const look of waiting) look()
  })
  return {
    next(type, agent) {
      const { promise, resolve, reject } = Promise.withResolvers<ApprovalFact>()
      const look = (): void => {
        const index = facts.findIndex((fact) => fact.type === type && fact.agent === agent)
        if (index === -1) return
        end()
        resolve(facts.splice(index, 1)[0] as ApprovalFact)
      }
      const timer = setTimeout(() => {
        end()
        reject(new Error(`no ${type} of ${agent} within ${WAIT_MS} ms; there are: ${facts.map((fact) => `${fact.type} of ${fact.agent}`).join(', ')}`))
      }, WAIT_MS)
      const end = (): void => {
        clearTimeout(timer)
        waiting.delete(look)
      }
      waiting.add(look)
      look()
      return promise
    },
    close: () => subscription.close(),
  }
}
