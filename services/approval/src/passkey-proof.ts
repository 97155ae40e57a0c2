/**
 * A passkey's assertion as proof (invariant 7): WebAuthn Level 3, section 7.2. The challenge is a hash over all that the person says, so
 * that an assertion for one thing proves no other; each purpose has challenges of its own.
 */
import { sha256 } from '@lockkeeper/domain/digest'
import type { EventData, PasskeyAssertion } from '@lockkeeper/domain/events'
import { fromPlain, serialise } from '@lockkeeper/domain/json'
import type { Person } from '@lockkeeper/domain'
import type { DocumentStore, Ref } from '@lockkeeper/domain/ports'
import { passkeys, type PasskeyDocument } from './collections.ts'
import { patternText } from './grant-pattern.ts'

/** Where passkeys are made and used. */
export interface PasskeyPlace {
  /** Relying party id: the console's host name, `localhost` in the embedded edition. */
  readonly rpId: string
  /** Origins of the console's page, asked for at each check: a free port is known late. */
  readonly origins: () => readonly string[]
}

export interface PasskeyTrust extends PasskeyPlace {
  readonly documents: DocumentStore
  readonly personOf: (id: string) => Person | undefined
}

/** Who used which passkey. `counter` is to be written with what follows from it, see `nextUse`. */
export interface PasskeyFinding { readonly passkey: PasskeyDocument, readonly counter: number, readonly fingerprint: string }

/** An assertion is that old at most: the person may look for a finger or a phone meanwhile. */
const PASSKEY_FRESH_MS = 300_000
const PASSKEY_AHEAD_MS = 5_000

const VERSION = 'lockkeeper-passkey-v1'
const challenge = (purpose: string, parts: readonly unknown[]): string => sha256(serialise(fromPlain([VERSION, purpose, ...parts])))

/** What a passkey signs to decide; `at` in epoch ms, the server's. 32 bytes in base64url. */
export function decisionChallenge({ approval, digest, verdict, reason, grant, breakGlass, at }: Omit<EventData<'decision.submitted'>, 'proof'> & { readonly at: number }): string {
  return challenge('decision', [approval, digest, verdict, reason ?? null, grant === undefined ? null : patternText(grant), breakGlass === true, at])
}

/** What a passkey signs to sign in. */
export function signInChallenge(nonce: string, at: number): string {
  return challenge('sign-in', [nonce, at])
}

/** What a passkey signs so that its person may add another one. */
export function codeChallenge(person: string, at: number): string {
  return challenge('code', [person, at])
}

/** What a new passkey is made with: the one-time code binds it to its person. */
export function registrationChallenge(person: string, code: string): string {
  return challenge('registration', [person, sha256(code)])
}

export function passkeyRef(credential: string): Ref<PasskeyDocument> {
  return { collection: passkeys, id: sha256(credential) }
}

export function staleness(at: number, now: number): string | undefined {
  if (!Number.isSafeInteger(at)) return 'the time of the assertion is no time'
  if (now - at > PASSKEY_FRESH_MS) return 'the assertion is over five minutes old'
  return at - now > PASSKEY_AHEAD_MS ? 'the assertion lies in the future' : undefined
}

/** `why` says what is wrong. Rejects with PortUnavailable when passkeys cannot be read. */
export async function checkAssertion(given: PasskeyAssertion, wanted: string, { rpId, origins, documents, personOf }: PasskeyTrust): Promise<PasskeyFinding | { readonly why: string }> {
  const [doc] = await documents.read([passkeyRef(given.credential)])
  if (doc === undefined) return { why: 'no such passkey is registered' }
  const passkey = doc.data
  const person = personOf(passkey.person)
  if (person === undefined || person.disabled === true) return { why: 'the passkey\'s owner is no known person, or a disabled one' }
  const { verifyAuthenticationResponse } = await import('@simplewebauthn/server')
  try {
    const { verified, authenticationInfo } = await verifyAuthenticationResponse({
      response: { id: given.credential, rawId: given.credential, type: 'public-key', clientExtensionResults: {}, response: { clientDataJSON: given.clientData, authenticatorData: given.authenticatorData, signature: given.signature } },
      expectedChallenge: wanted, expectedOrigin: [...origins()], expectedRPID: rpId, requireUserVerification: true,
      credential: { id: passkey.credential, publicKey: new Uint8Array(Buffer.from(passkey.publicKey, 'base64url')), counter: passkey.counter },
    })
    if (!verified) return { why: 'the passkey did not sign it' }
    // The signed bytes alone: a second signature over them is the same proof.
    return { passkey, counter: authenticationInfo.newCounter, fingerprint: sha256(serialise(fromPlain([VERSION, given.credential, given.authenticatorData, given.clientData]))) }
  } catch (error) {
    // The library throws for whatever is wrong with what was sent; its words hold no secret.
    return { why: (error as Error).message.slice(0, 200) }
  }
}

/** The passkey once used; undefined where its counter went back or stood still, which a copy of it would do. */
export function nextUse(stored: PasskeyDocument | undefined, counter: number, at: number): PasskeyDocument | undefined {
  if (stored === undefined || ((stored.counter > 0 || counter > 0) && counter <= stored.counter)) return undefined
  return { ...stored, counter, usedAt: at }
}
