/** Who is signed in: opaque ids, in the console's own store as hashes, so that all instances know them and a restart signs nobody out. */
import { createHmac, randomBytes } from 'node:crypto'
import { equalInConstantTime, sha256 } from '@lockkeeper/domain/digest'
import { isRefusal } from '@lockkeeper/domain/errors'
import type { DocumentStore } from '@lockkeeper/domain/ports'
import type { Clock, PersonId } from '@lockkeeper/domain'
import { sessionDocuments, type SessionDocument } from './collections.ts'
import { createSeenSessions, type SeenSessions } from './seen-sessions.ts'

export interface Session {
  readonly person: PersonId
  /** Goes into a header of every request that changes anything. */
  readonly csrf: string
  /** Epoch ms. */
  readonly startedAt: number
}

/** One browser that a person is signed in with. */
export interface SignIn { readonly startedAt: number, readonly usedAt: number, readonly current: boolean }

/** PortUnavailable where the store does not answer: nobody is signed in then, and nobody is signed out by it. */
export interface Sessions {
  /** The new session's id: 32 random bytes in base64url. Of a person's sessions the 20 newest stay. */
  start(person: PersonId): Promise<{ readonly id: string, readonly session: Session }>
  /** Undefined when unknown, idle for too long, or over. Each look counts as use. */
  find(id: string | undefined): Promise<Session | undefined>
  /** Which of them still stand, without being use: what streams that stay open ask, in one read for all. */
  standing(ids: readonly string[]): Promise<ReadonlySet<string>>
  end(id: string | undefined): Promise<void>
  /** Newest first. */
  ofPerson(person: PersonId, current: string): Promise<readonly SignIn[]>
  /** On every instance within `seenMs`; resolves with how many there were. */
  endAll(person: PersonId): Promise<number>
}

export interface SessionLimits {
  /** Ms without use, default 30 min. A minute less may do, because use is noted once a minute. */
  readonly idleMs: number
  /** Ms in all, default 8 h. */
  readonly mostMs: number
  /** Sessions of one person; the ones that began first make room. Default 20. */
  readonly perPerson: number
  /** Ms for which an instance goes by what it has read: an end elsewhere holds here after that. Default 2,000. */
  readonly seenMs: number
}

const SESSION_LIMITS: SessionLimits = { idleMs: 30 * 60_000, mostMs: 8 * 3_600_000, perPerson: 20, seenMs: 2_000 }
const NOTE_USE_MS = 60_000
/** Sessions of a person that are looked at; more cannot be there but for sign-ins at the same moment. */
const LISTED = 200

export function randomId(): string {
  return randomBytes(32).toString('base64url')
}

const refOf = (key: string) => ({ collection: sessionDocuments, id: key })

export function createSessions(documents: DocumentStore, clock: Clock, limits: SessionLimits = SESSION_LIMITS): Sessions {
  const { idleMs, mostMs, perPerson, seenMs } = limits
  const seen: SeenSessions = createSeenSessions(documents, clock, seenMs)
  const live = (found: SessionDocument | undefined): found is SessionDocument => found !== undefined && clock.now() - found.usedAt < idleMs && clock.now() - found.startedAt < mostMs
  const used = (found: SessionDocument, now: number): SessionDocument => ({ ...found, usedAt: now, deleteAt: Math.min(now + idleMs, found.startedAt + mostMs) })

  /** False where it was ended meanwhile. */
  async function noteUse(key: string): Promise<boolean> {
    const noted = await documents.transact([refOf(key)], ([before], now) => {
      if (before === undefined) return { writes: [], facts: [], result: undefined }
      const data = used(before.data as SessionDocument, now)
      return { writes: [{ kind: 'put', ref: refOf(key), data }], facts: [], result: data }
    })
    seen.put(key, isRefusal(noted) ? undefined : noted)
    return noted !== undefined
  }

  async function remove(keys: readonly string[]): Promise<number> {
    const refs = keys.map(refOf)
    const gone = refs.length === 0 ? 0 : await documents.transact(refs, (found) => {
      const there = refs.filter((_ref, index) => found[index] !== undefined)
      return { writes: there.map((ref) => ({ kind: 'delete', ref })), facts: [], result: there.length }
    })
    for (const key of keys) seen.put(key, undefined)
    return isRefusal(gone) ? 0 : gone
  }

  const listed = async (person: PersonId) => (await documents.query(sessionDocuments, { name: 'byPerson', equal: { person }, limit: LISTED })).docs

  return {
    async start(person) {
      const [id, now] = [randomId(), clock.now()]
      const data = used({ person, startedAt: now, usedAt: now, deleteAt: now }, now)
      await documents.transact([], () => ({ writes: [{ kind: 'create', ref: refOf(sha256(id)), data }], facts: [], result: undefined }))
      await remove((await listed(person)).slice(perPerson).map((doc) => doc.id))
      return { id, session: { person, csrf: csrfOf(id), startedAt: now } }
    },
    async find(id) {
      if (id === undefined) return undefined
      const key = sha256(id)
      const found = (await seen.read([key])).get(key)
      if (!live(found)) return undefined
      if (clock.now() - found.usedAt >= NOTE_USE_MS && !await noteUse(key)) return undefined
      return { person: found.person, csrf: csrfOf(id), startedAt: found.startedAt }
    },
    async standing(ids) {
      const found = await seen.read(ids.map(sha256))
      return new Set(ids.filter((id) => live(found.get(sha256(id)))))
    },
    async end(id) {
      if (id !== undefined) await remove([sha256(id)])
    },
    async ofPerson(person, current) {
      const key = sha256(current)
      return (await listed(person)).filter(({ data }) => live(data)).map(({ id, data: { startedAt, usedAt } }) => ({ startedAt, usedAt, current: id === key }))
    },
    endAll: async (person) => remove((await listed(person)).map(({ id }) => id)),
  }
}

/** Made of the id, which the browser alone has: the store holds nothing that a request could be forged with. */
function csrfOf(id: string): string {
  return createHmac('sha256', id).update('lockkeeper console csrf v1').digest('base64url')
}

export function csrfFits({ csrf }: Session, given: unknown): boolean {
  return typeof given === 'string' && equalInConstantTime(csrf, given)
}
