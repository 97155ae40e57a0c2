/** The upstream credential, which only the gateway holds. From the cache without waiting wherever it can be. */
import type { Call } from '@lockkeeper/domain'
import { LockkeeperError, refuse, type Refusal } from '@lockkeeper/domain/errors'
import type { CredentialSource } from '@lockkeeper/domain/ports'
import type { CredentialReach } from '@lockkeeper/domain/records'
import type { Parts } from '../parts.ts'
import type { Credential, Passage, Witnesses } from '../passage.ts'

export function mintCredential(passage: Passage & Pick<Witnesses, 'classified' | 'granted'>, _parts: Parts): Credential | Refusal | Promise<Credential | Refusal> {
  const { call, target } = passage.classified
  if (passage.granted.kind === 'receipt') return { authorization: undefined, principal: 'none' } as Credential
  const { principal } = target.credential
  passage.facts.principal = principal
  const reach = reachOf(target.credential, call)
  if (reach !== undefined) passage.facts.credential = reach
  try {
    const value = target.credential.authorization(call)
    return value instanceof Promise
      ? value.then((authorization) => ({ authorization, principal }) as Credential, unavailable)
      : { authorization: value, principal } as Credential
  } catch (error) {
    return unavailable(error)
  }
}

/** Undefined: no credential is sent. */
export function reachOf(source: CredentialSource, call: Call): CredentialReach | undefined {
  return source.kind === 'none' ? undefined : source.reach?.(call) ?? 'whole'
}

function unavailable(error: unknown): Refusal {
  if (!(error instanceof LockkeeperError)) throw error
  return refuse('CREDENTIAL_UNAVAILABLE', { message: 'The gateway cannot obtain its upstream credential. Nothing was sent; try again in a moment.', detail: error.message })
}
