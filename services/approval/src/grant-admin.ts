/** Grants as operators see them: what each may still do, what was done under it, and its end at a word. */
import { isRefusal, refuse, type Refusal } from '@lockkeeper/domain/errors'
import type { DocumentStore } from '@lockkeeper/domain/ports'
import type { Log } from '@lockkeeper/service-kit'
import { grants, grantUses, type GrantDocument, type GrantUseDocument } from './collections.ts'
import { endGrant, grantRef } from './grants.ts'
import { visible } from './shown-text.ts'

export interface GrantView extends Pick<GrantDocument, 'id' | 'approval' | 'agent' | 'run' | 'method' | 'target' | 'rule' | 'summary' | 'mode' | 'pattern' | 'at' | 'until' | 'revoked'> {
  readonly state: 'live' | 'used' | 'ended' | 'revoked'
  /** Uses taken, of `pattern.uses`. */
  readonly used: number
  /** Persons who gave it. */
  readonly by: readonly string[]
}

export interface GrantPage { readonly grants: readonly GrantView[], readonly cursor?: string }

export interface GrantAdmin {
  /** Newest first. `all`: also those that are over. `limit` 1 to 200, default 50. */
  listGrants(filter?: { readonly all?: boolean, readonly limit?: number, readonly cursor?: string }): Promise<GrantPage>
  /** With its latest uses, at most 100; NOT_FOUND where there is none. */
  showGrant(id: string): Promise<{ readonly grant: GrantView, readonly uses: readonly GrantUseDocument[] } | Refusal>
  /** Nothing is claimed under it any more from this moment on, on any instance: each claim asks. Idempotent. NOT_FOUND where there is none. */
  revokeGrant(request: { readonly id: string, readonly by: string, readonly reason: string }): Promise<GrantView | Refusal>
}

const ID = /^grt_[A-Za-z0-9]{3,60}$/

export function createGrantAdmin(documents: DocumentStore, now: () => number, log: Log): GrantAdmin {
  const usesOf = (grant: string, limit: number) => documents.query(grantUses, { name: 'byGrant', equal: { grant }, limit })

  async function viewOf(grant: GrantDocument): Promise<GrantView> {
    const used = (await usesOf(grant.id, 1)).docs[0]?.data.use ?? 0
    const { id, approval, agent, run, method, target, rule, summary, mode, pattern, at, until, revoked, votes } = grant
    const state = revoked !== undefined ? 'revoked' : now() >= until ? 'ended' : used >= pattern.uses ? 'used' : 'live'
    return { id, state, approval, agent, run, method, target, rule, summary, mode, pattern, at, until, used, by: votes.map(({ person }) => person), ...revoked === undefined ? {} : { revoked } }
  }

  return {
    async listGrants({ all = false, limit = 50, cursor } = {}) {
      const page = await documents.query(grants, {
        ...all ? { name: 'all', equal: { kind: 'grant' } } : { name: 'byLive', equal: { live: true }, from: now() },
        limit: Math.min(200, Math.max(1, Math.trunc(limit))), ...cursor === undefined ? {} : { cursor },
      })
      const views = await Promise.all(page.docs.map(({ data }) => viewOf(data)))
      return { grants: views.filter(({ state }) => all || state === 'live'), ...page.cursor === undefined ? {} : { cursor: page.cursor } }
    },

    async showGrant(id) {
      const [doc] = ID.test(id) ? await documents.read([grantRef(id)]) : []
      if (doc === undefined) return notFound(id)
      const [grant, uses] = await Promise.all([viewOf(doc.data), usesOf(id, 100)])
      return { grant, uses: uses.docs.map(({ data }) => data) }
    },

    async revokeGrant({ id, by, reason }) {
      if (by.trim() === '' || reason.trim() === '') return refuse('REQUEST_INVALID', 'A revocation names who and why.')
      if (!ID.test(id)) return notFound(id)
      const revoked = await documents.transact<GrantDocument>([grantRef(id)], ([doc], at) => {
        const before = doc?.data as GrantDocument | undefined
        if (before === undefined) return notFound(id)
        const { writes, facts, ended = before } = endGrant(doc, by.slice(0, 200), reason.slice(0, 1000), at)
        return { writes, facts, result: ended }
      })
      if (isRefusal(revoked)) return revoked
      log.info({ grant: id, by }, 'a grant was revoked')
      return viewOf(revoked)
    },
  }
}

function notFound(id: string): Refusal {
  return refuse('NOT_FOUND', `There is no grant ${visible(id.slice(0, 64))}.`)
}
