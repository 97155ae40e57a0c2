/** Approval requests as this instance sees them: one watch for all held calls, however many there are. */
import type { Clock } from '@lockkeeper/domain'
import { approvals, type ApprovalDocument } from '@lockkeeper/domain/collections'
import type { DocumentStore } from '@lockkeeper/domain/ports'
import { watchSet } from './watched-set.ts'

export interface ApprovalsView {
  readonly ready: Promise<void>
  age(): number
  refresh(): Promise<boolean>
  /** The newest request under an attach key. */
  find(attachHash: string): ApprovalDocument | undefined
  pendingOf(agent: string): number
  /** Resolves at the next change under the key, or with `undefined` when `signal` fires. */
  changed(attachHash: string, signal: AbortSignal): Promise<ApprovalDocument | undefined>
  close(): void
}

export function viewApprovals(documents: Pick<DocumentStore, 'watch' | 'query'>, clock: Clock): ApprovalsView {
  const byAttach = new Map<string, ApprovalDocument>()
  const byId = new Map<string, ApprovalDocument>()
  const waiters = new Map<string, Set<(approval: ApprovalDocument) => void>>()
  const set = watchSet<ApprovalDocument>({
    documents, collection: approvals, clock,
    onChange(id, approval) {
      if (approval === undefined) return drop(id)
      byId.set(id, approval)
      const newest = byAttach.get(approval.attachHash)
      if (newest !== undefined && newest.id !== id && newest.at > approval.at) return
      byAttach.set(approval.attachHash, approval)
      const waiting = waiters.get(approval.attachHash)
      waiters.delete(approval.attachHash)
      waiting?.forEach((tell) => tell(approval))
    },
  })
  const drop = (id: string): void => {
    const old = byId.get(id)
    byId.delete(id)
    if (old !== undefined && byAttach.get(old.attachHash)?.id === id) byAttach.delete(old.attachHash)
  }
  return {
    ready: set.ready, age: set.age, refresh: set.refresh, close: set.close,
    find: (attachHash) => byAttach.get(attachHash),
    pendingOf(agent) {
      let count = 0
      for (const approval of byId.values()) if (approval.agent === agent && approval.state === 'pending') count++
      return count
    },
    changed(attachHash, signal) {
      const { promise, resolve } = Promise.withResolvers<ApprovalDocument | undefined>()
      if (signal.aborted) return Promise.resolve(undefined)
      const waiting = waiters.get(attachHash) ?? new Set()
      waiters.set(attachHash, waiting)
      const stop = (): void => {
        waiting.delete(resolve)
        if (waiting.size === 0 && waiters.get(attachHash) === waiting) waiters.delete(attachHash)
        resolve(undefined)
      }
      waiting.add(resolve)
      signal.addEventListener('abort', stop, { once: true })
      return promise.finally(() => signal.removeEventListener('abort', stop))
    },
  }
}
