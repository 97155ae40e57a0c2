/**
 * Identity-Aware Proxy's signed header, `x-goog-iap-jwt-assertion`: signature, issuer, audience and times are checked, and whom it names
 * must be a known person. Source: Google Cloud, "Securing your app with signed headers".
 */
import { createServiceVerifier, type PeopleDirectory, type ServiceIssuerSettings } from '@lockkeeper/auth'
import type { Clock, Mode, Person } from '@lockkeeper/domain'
import { isRefusal, refuse } from '@lockkeeper/domain/errors'
import type { ProxyIdentity } from './api-session.ts'

export interface IapOptions {
  readonly audience: string
  readonly issuers: readonly ServiceIssuerSettings[]
  readonly people: PeopleDirectory
  /** Whose addresses count. */
  readonly persons: readonly Person[]
  readonly clock: Clock
  readonly mode: Mode
}

/** TypeError when no person has an e-mail address: nobody could ever come in. */
export function iapIdentity({ audience, issuers, people, persons, clock, mode }: IapOptions): ProxyIdentity {
  const allowed = persons.flatMap(({ identities }) => identities.flatMap((identity) => 'email' in identity ? [identity.email] : []))
  const verifier = createServiceVerifier({ audience, issuers, allowed, clock, mode })
  return async (assertion) => {
    if (assertion === undefined) return refuse('TOKEN_MISSING', 'The request did not come through Identity-Aware Proxy.')
    const caller = await verifier.verify(`Bearer ${assertion}`)
    if (isRefusal(caller)) return caller
    return people.byEmail(caller.email) ?? refuse('CALLER_REFUSED', 'Your address belongs to no known person here.')
  }
}
