/**
 * What was begun in a browser and ends with a second request, perhaps at another instance: sign-ins, decisions at an identity provider.
 * Single-use, short, bound to the browser that began it, and bounded: whoever is not signed in can begin one.
 */
import { createHmac } from 'node:crypto'
import { equalInConstantTime, sha256 } from '@lockkeeper/domain/digest'
import { isRefusal, refuse, type Refusal } from '@lockkeeper/domain/errors'
import type { DocumentStore } from '@lockkeeper/domain/ports'
import type { Clock } from '@lockkeeper/domain'
import { begunDocuments, type BegunDocument } from './collections.ts'

export interface Begun {
  /** `key` comes back with the second request, `browser` is the secret in that browser's cookie. OVERLOADED when too many are begun at once. */
  put(key: string, browser: string, value: object): Promise<Refusal | undefined>
  /** Once, whoever asks: it is gone afterwards. Undefined when unknown, over, or begun in another browser. PortUnavailable as the store. */
  take<T extends object>(key: string, browser: string | undefined): Promise<T | undefined>
}

export interface BegunLimits {
  /** Ms until it is over. Default 10 min. */
  readonly mostMs: number
  /** What one instance lets begin at once, and again each second. Default 200 and 20. */
  readonly burst: number
  readonly perSecond: number
}

const LIMITS: BegunLimits = { mostMs: 600_000, burst: 200, perSecond: 20 }

export function createBegun(documents: DocumentStore, clock: Clock, { mostMs, burst, perSecond }: BegunLimits = LIMITS): Begun {
  const allowance = { left: burst, at: clock.monotonic() }
  const refOf = (key: string) => ({ collection: begunDocuments, id: sha256(key) })

  function mayBegin(): boolean {
    const now = clock.monotonic()
    allowance.left = Math.min(burst, allowance.left + (now - allowance.at) / 1000 * perSecond)
    allowance.at = now
    if (allowance.left < 1) return false
    allowance.left -= 1
    return true
  }

  return {
    async put(key, browser, value) {
      if (!mayBegin()) return refuse('OVERLOADED', 'Too many sign-ins are begun here at once. Nothing was decided; try again in a few seconds.')
      const data: BegunDocument = { browser: sha256(browser), value, deleteAt: clock.now() + mostMs }
      await documents.transact([], () => ({ writes: [{ kind: 'create', ref: refOf(key), data }], facts: [], result: undefined }))
      return undefined
    },
    async take<T extends object>(key: string, browser: string | undefined) {
      const ref = refOf(key)
      const found = await documents.transact([ref], ([before]) => ({ writes: before === undefined ? [] : [{ kind: 'delete', ref }], facts: [], result: before?.data as BegunDocument | undefined }))
      if (found === undefined || isRefusal(found) || clock.now() >= found.deleteAt) return undefined
      return browser !== undefined && equalInConstantTime(found.browser, sha256(browser)) ? found.value as T : undefined
    },
  }
}

/**
 * PKCE's code verifier (RFC 7636, 4.1: 43 characters) of a round, made of the browser's secret: the store does not hold what a stolen
 * code could be redeemed with.
 */
export function codeVerifier(browser: string): string {
  return createHmac('sha256', browser).update('lockkeeper console pkce v1').digest('base64url')
}
