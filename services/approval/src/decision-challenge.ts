/** What a proof of exactly one decision has to carry. */
import { decisionChallenge } from './passkey-proof.ts'
import { idTokenNonce } from './proof.ts'

export interface DecisionChallenge {
  readonly digest: string
  /** `nonce` of an ID token. */
  readonly nonce: string
  /** Challenge of a passkey, and the time that it covers. */
  readonly passkey: { readonly challenge: string, readonly at: number }
}

/** `at`: epoch ms. */
export function challengeOf(decision: Omit<Parameters<typeof decisionChallenge>[0], 'at'>, at: number): DecisionChallenge {
  return { digest: decision.digest, nonce: idTokenNonce(decision), passkey: { challenge: decisionChallenge({ ...decision, at }), at } }
}
