/**
 * Sessions of resumable uploads. The agent gets an id of the gateway's own: the upstream's session, sealed together with who may
 * use it. Nothing is stored, so every instance can open it, and an upstream session URL never reaches the agent.
 */
import { createCipheriv, createDecipheriv, randomBytes } from 'node:crypto'
import type { Agent, Clock } from '@lockkeeper/domain'
import { refuse, type Refusal } from '@lockkeeper/domain/errors'

export interface UploadSession {
  readonly target: string
  /** Host and method id of the start that was judged: a part goes there and counts as that method. */
  readonly host: string
  readonly method: string
  /** Path and query of the upstream session. */
  readonly path: string
  readonly query: string
  /** Resources and decision of the start that was judged. */
  readonly resources: readonly string[]
  readonly decisionHash: string
  readonly approval?: string
  /** Declared size in bytes, where the start declared one. */
  readonly size?: number
}

interface Sealed extends UploadSession { readonly issuer: string, readonly agent: string, readonly run: string, readonly until: number }

export interface UploadSessions {
  seal(session: UploadSession, agent: Agent): string
  /** SESSION_UNKNOWN for a foreign, altered or ended one, or one of another host or method where they are named: which of them is not told. */
  open(id: string, agent: Agent, target: string, at?: { readonly host: string, readonly method: string }): UploadSession | Refusal
}

/** Cloud Storage keeps a session for a week; the gateway's own grant ends sooner. */
const LIFETIME_MS = 24 * 60 * 60 * 1000
const MAX_ID_LENGTH = 8 * 1024

export function createUploadSessions(key: Uint8Array, clock: Clock): UploadSessions {
  if (key.length !== 32) throw new TypeError('the session key must have 32 bytes')
  return {
    seal(session, agent) {
      const content: Sealed = { ...session, issuer: agent.issuer, agent: agent.id, run: agent.run, until: clock.now() + LIFETIME_MS }
      const nonce = randomBytes(12)
      const cipher = createCipheriv('aes-256-gcm', key, nonce)
      const body = Buffer.concat([cipher.update(JSON.stringify(content), 'utf8'), cipher.final()])
      return Buffer.concat([nonce, cipher.getAuthTag(), body]).toString('base64url')
    },
    open(id, agent, target, at) {
      const content = unseal(id, key)
      const here = content !== undefined && (at === undefined || (at.host === content.host && at.method === content.method))
      const fits = here && content.issuer === agent.issuer && content.agent === agent.id && content.run === agent.run && content.target === target && clock.now() < content.until
      return fits ? content : refuse('SESSION_UNKNOWN', 'The upload session is unknown, ended, or belongs to another agent or run. Nothing was sent; start the upload again.')
    },
  }
}

function unseal(id: string, key: Uint8Array): Sealed | undefined {
  if (id.length > MAX_ID_LENGTH) return undefined
  const bytes = Buffer.from(id, 'base64url')
  // The decoder skips what it does not know: one session has one id.
  if (bytes.length < 29 || bytes.toString('base64url') !== id) return undefined
  const decipher = createDecipheriv('aes-256-gcm', key, bytes.subarray(0, 12), { authTagLength: 16 })
  decipher.setAuthTag(bytes.subarray(12, 28))
  try {
    return JSON.parse(Buffer.concat([decipher.update(bytes.subarray(28)), decipher.final()]).toString('utf8')) as Sealed
  } catch {
    // Altered or sealed by another key: the caller answers SESSION_UNKNOWN for both.
    return undefined
  }
}
