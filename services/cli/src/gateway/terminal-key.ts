/**
 * The key of this terminal: made at start, kept in memory only, gone when `up` ends. What it signs proves that somebody pressed a
 * key here, or used the admin socket where the isolation level keeps agents away from it (invariant 7).
 */
import { generateKeyPairSync, sign, type KeyObject } from 'node:crypto'
import type { Clock } from '@lockkeeper/domain'
import { terminalDecisionBytes, type SubmittedDecision } from '@lockkeeper/approval'

export interface TerminalKeyPair {
  readonly publicKey: KeyObject
  /** A `decision.submitted` payload with its proof. */
  decide(decision: Omit<SubmittedDecision, 'proof'>, person: string): SubmittedDecision
}

export function createTerminalKey(clock: Clock): TerminalKeyPair {
  const { publicKey, privateKey } = generateKeyPairSync('ed25519')
  return {
    publicKey,
    decide(decision, person) {
      const at = clock.now()
      const signature = sign(null, terminalDecisionBytes({ ...decision, person, at }), privateKey).toString('base64url')
      return { ...decision, proof: { kind: 'terminal', person, at, signature } }
    },
  }
}
