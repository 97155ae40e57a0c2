/**
 * What the agent asked for so far in this run, as far as this service saw it: calls that waited for a person. Calls that policy allows
 * or denies by itself never come here; the session in the audit log has them all.
 */
import { approvals, type ApprovalDocument } from '@lockkeeper/domain/collections'
import type { ApprovalState } from '@lockkeeper/domain'
import type { DocumentStore } from '@lockkeeper/domain/ports'
import { clip, visible } from './shown-text.ts'

/** Requests of one state that are looked at; more of them are said to be more. */
const MAX_REQUESTS = 200
const MAX_LINES = 10

const TOLD: readonly (readonly [ApprovalState, string])[] = [['answered', 'run'], ['unknown', 'of unknown outcome'], ['denied', 'denied'], ['expired', 'expired'], ['claimed', 'being run'], ['pending', 'waiting']]

export interface RunOf { readonly id: string, readonly issuer: string, readonly agent: string, readonly run: string }

/** `3 × storage.objects.delete: 2 run, 1 denied`, most frequent method first, at most 10 lines. Empty: it is the first. */
export async function runHistory(documents: DocumentStore, { id, issuer, agent, run }: RunOf): Promise<readonly string[]> {
  const pages = await Promise.all(TOLD.map(([state]) => documents.query(approvals, { name: 'byAgentState', equal: { issuer, agent, state }, limit: MAX_REQUESTS })))
  const byMethod = new Map<string, number[]>()
  for (const [index, { docs }] of pages.entries()) {
    for (const { data } of docs) {
      const one = data as ApprovalDocument
      if (one.run !== run || one.id === id) continue
      const counts = byMethod.get(one.method) ?? TOLD.map(() => 0)
      counts[index] = (counts[index] ?? 0) + 1
      byMethod.set(one.method, counts)
    }
  }
  const lines = [...byMethod].map(([method, counts]) => ({ method, counts, all: counts.reduce((sum, count) => sum + count, 0) })).sort((left, right) => right.all - left.all || (left.method < right.method ? -1 : 1))
  const shown = lines.slice(0, MAX_LINES).map(({ method, counts, all }) => `${all} × ${clip(visible(method), 200)}: ${counts.flatMap((count, index) => count === 0 ? [] : [`${count} ${TOLD[index]?.[1] ?? ''}`]).join(', ')}`)
  return [
    ...shown, ...lines.length > MAX_LINES ? [`… and ${lines.length - MAX_LINES} more methods`] : [],
    ...pages.some(({ docs }) => docs.length === MAX_REQUESTS) ? ['… and older requests that were not counted'] : [],
  ]
}
