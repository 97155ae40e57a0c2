/** The use of a passkey, written in the same transaction as what it proves. */
import { refuse, type Refusal } from '@lockkeeper/domain/errors'
import type { Doc, Ref, Write } from '@lockkeeper/domain/ports'
import type { PasskeyDocument } from './collections.ts'
import { nextUse, passkeyRef, type PasskeyFinding } from './passkey-proof.ts'

/** What the transaction has to read; empty for proofs of other kinds. */
export function passkeyRefs(found: PasskeyFinding | undefined): readonly Ref[] {
  return found === undefined ? [] : [passkeyRef(found.passkey.credential)]
}

/** `doc`: the document of `passkeyRefs`. TOKEN_INVALID where the passkey is gone or its counter stands still. */
export function passkeyWrites(found: PasskeyFinding | undefined, doc: Doc | undefined, now: number): readonly Write[] | Refusal {
  if (found === undefined) return []
  const next = nextUse(doc?.data as PasskeyDocument | undefined, found.counter, now)
  return next === undefined ? refuse('TOKEN_INVALID', 'The passkey was removed meanwhile, or its counter went back, as a copy\'s would.') : [{ kind: 'put', ref: passkeyRef(next.credential), data: next }]
}
