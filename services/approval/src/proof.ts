/**
 * Proof that a person decided, checked here and nowhere else (invariant 7). Publishing to the topic is no right to approve:
 * a decision without a signature, an ID token or a click that is accepted here changes nothing.
 */
import { verify, type KeyObject } from 'node:crypto'
import { sha256 } from '@lockkeeper/domain/digest'
import { isRefusal, LockkeeperError, refuse, type Refusal } from '@lockkeeper/domain/errors'
import type { EventData, GrantPattern, PasskeyAssertion } from '@lockkeeper/domain/events'
import { fromPlain, isJsonObject, parseStrict, serialise, toPlain } from '@lockkeeper/domain/json'
import type { Mode, PersonId } from '@lockkeeper/domain'
import { patternHash, patternText } from './grant-pattern.ts'
import { groupsIn, type GroupClaim } from './group-claims.ts'
import { checkAssertion, decisionChallenge, staleness, type PasskeyFinding, type PasskeyTrust } from './passkey-proof.ts'
import { checkSlackClick, type SlackClick, type SlackTrust } from './slack-proof.ts'

export type SubmittedDecision = EventData<'decision.submitted'>

/** A terminal's public key (Ed25519) and the persons that it may speak for. */
export interface TerminalKey {
  readonly publicKey: KeyObject
  readonly persons: readonly PersonId[]
}

/** TypeError for a key of another kind, and in real mode for one that speaks for several persons: it could make a quorum alone. */
export function checkTerminalKeys(keys: readonly TerminalKey[], mode: Mode): void {
  for (const { publicKey, persons } of keys) {
    if (publicKey.type !== 'public' || publicKey.asymmetricKeyType !== 'ed25519') throw new TypeError('a terminal key must be a public Ed25519 key')
    if (mode === 'real' && persons.length > 1) throw new TypeError('in real mode a terminal key speaks for one person')
  }
}

/** Checks an ID token whose `nonce` must be the given one; a Refusal with ISSUER_UNAVAILABLE is tried again. */
export type VerifyIdToken = (token: string, nonce: string) => Promise<{ readonly id: PersonId } | Refusal>

/** What a decision says, as far as a proof must cover it. */
export interface Decision {
  /** Id of the request, or of the review that is closed. */
  readonly approval: string
  readonly verdict: 'approve' | 'deny'
  readonly digest: string
  readonly grant?: GrantPattern
  readonly breakGlass?: true
}

/**
 * The nonce of an approver's ID token, different for each thing that can be decided, so that who carries the one cannot make another of it.
 * It names the request beside the digest: another agent's request for the very same call is not the one that the person looked at.
 * A review is closed by the digest that `closingDecision` gives it.
 */
export function idTokenNonce({ approval, verdict, digest, grant, breakGlass }: Decision): string {
  const what = `${approval}:${digest}`
  if (verdict === 'deny') return `deny:${what}`
  if (breakGlass === true) return `break-glass:${what}`
  if (grant !== undefined) return `grant:${patternHash(grant)}:${what}`
  return digest === `review:${approval}` ? digest : `approve:${what}`
}

export interface Proven {
  readonly person: PersonId
  readonly kind: 'terminal' | 'idToken' | 'slack' | 'passkey'
  /** Names the proof: the same one is refused a second time. */
  readonly fingerprint: string
  /** Epoch ms at which it was made. */
  readonly madeAt: number
  /** Epoch ms at which the person last showed themselves to their identity provider, where its token says so (`auth_time`). */
  readonly authAt?: number
  /** Groups of ours that the person's identity provider names, through `groupClaims`. */
  readonly groups?: readonly string[]
  /** The passkey that made it: its use is written together with what follows from it. */
  readonly passkey?: PasskeyFinding
}

/** A signed decision is that old at most, and this far ahead of our clock. */
const FRESH_MS = 60_000
const AHEAD_MS = 5_000

const VERSION = 'lockkeeper-decision-v1'

/** What a terminal signs with Ed25519: canonical JSON of the decision, its person and its time (epoch ms). */
export function terminalDecisionBytes(decision: Decision & { readonly reason?: string, readonly person: string, readonly at: number }): Uint8Array {
  const { approval, digest, verdict, reason, person, at, grant, breakGlass = false } = decision
  const more = grant === undefined && !breakGlass ? [] : [grant === undefined ? null : patternText(grant), breakGlass]
  return Buffer.from(serialise(fromPlain([VERSION, approval, digest, verdict, reason ?? null, person, at, ...more])))
}

export interface ProofChecks {
  readonly terminalKeys: readonly TerminalKey[]
  readonly verifyIdToken?: VerifyIdToken
  /** Which claims of ID tokens name groups. Default: none. */
  readonly groupClaims?: readonly GroupClaim[]
  /** Whose clicks count; without it none does. */
  readonly slack?: SlackTrust
  /** Where passkeys are used; without it none counts. */
  readonly passkeys?: PasskeyTrust
}

/**
 * Who decided, or TOKEN_INVALID with why the proof is none. ISSUER_UNAVAILABLE and CREDENTIAL_UNAVAILABLE: what it is checked
 * with cannot be had now. Rejects with PortUnavailable likewise.
 */
export async function checkProof(decision: SubmittedDecision, checks: ProofChecks, now: number): Promise<Proven | Refusal> {
  const { proof } = decision
  switch (proof.kind) {
    case 'terminal': return checkTerminal(decision, proof, checks.terminalKeys, now)
    case 'idToken': return checkIdToken(decision, proof.token, checks)
    case 'slack': return checkSlack(decision, proof, checks.slack, now)
    case 'passkey': return checkPasskey(decision, proof, checks.passkeys, now)
  }
}

async function checkSlack({ proof: _proof, approval, digest, verdict, reason, ...more }: SubmittedDecision, click: SlackClick, trust: SlackTrust | undefined, now: number): Promise<Proven | Refusal> {
  if (trust === undefined) return invalid('no Slack app is configured')
  // A click says this much and no more: whatever else a decision asks for was not signed.
  if (Object.keys(more).length > 0) return invalid('it asks for more than a click can say')
  try {
    const found = await checkSlackClick({ approval, digest, verdict, ...reason === undefined ? {} : { reason } }, click, trust, now)
    return 'why' in found ? invalid(found.why) : { ...found, kind: 'slack' }
  } catch (cause) {
    if (cause instanceof LockkeeperError) return cause.refusal
    throw cause
  }
}

async function checkPasskey(decision: SubmittedDecision, { at, assertion }: { readonly at: number, readonly assertion: PasskeyAssertion }, trust: PasskeyTrust | undefined, now: number): Promise<Proven | Refusal> {
  if (trust === undefined) return invalid('passkeys are not used here')
  const stale = staleness(at, now)
  if (stale !== undefined) return invalid(stale)
  const found = await checkAssertion(assertion, decisionChallenge({ ...decision, at }), trust)
  return 'why' in found ? invalid(found.why) : { person: found.passkey.person, kind: 'passkey', fingerprint: found.fingerprint, madeAt: at, passkey: found }
}

function checkTerminal(decision: SubmittedDecision, proof: { readonly person: string, readonly at: number, readonly signature: string }, keys: readonly TerminalKey[], now: number): Proven | Refusal {
  const { person, at, signature } = proof
  if (!Number.isSafeInteger(at)) return invalid('the time of the decision is no time')
  if (now - at > FRESH_MS) return invalid('the signed decision is over a minute old')
  if (at - now > AHEAD_MS) return invalid('the signed decision lies in the future')
  const bytes = terminalDecisionBytes({ ...decision, person, at })
  const raw = Buffer.from(signature, 'base64url')
  if (raw.length !== 64 || raw.toString('base64url') !== signature) return invalid('the signature is not 64 bytes in base64url')
  const signer = keys.find(({ publicKey, persons }) => persons.some((id) => id === person) && verify(null, bytes, publicKey, raw))
  if (signer === undefined) return invalid('no terminal key that speaks for this person made the signature')
  return { person: person as PersonId, kind: 'terminal', fingerprint: sha256(bytes), madeAt: at }
}

async function checkIdToken(decision: SubmittedDecision, token: string, { verifyIdToken, groupClaims = [] }: ProofChecks): Promise<Proven | Refusal> {
  if (verifyIdToken === undefined) return invalid('no issuer of approver tokens is configured')
  if (token.length > 16_384) return invalid('the token is too long')
  const person = await verifyIdToken(token, idTokenNonce(decision))
  if (isRefusal(person)) return person
  const claims = claimsOf(token)
  const issuedAt = issuedAtOf(claims)
  if (issuedAt === undefined) return invalid('the token does not say when it was issued')
  // The signed part alone: a second signature over the same claims is the same proof.
  const signed = token.slice(0, token.lastIndexOf('.'))
  const groups = groupsIn(claims, groupClaims)
  return { person: person.id, kind: 'idToken', fingerprint: sha256(signed), madeAt: issuedAt, ...groups.length === 0 ? {} : { groups }, ...typeof claims['auth_time'] === 'number' ? { authAt: claims['auth_time'] * 1000 } : {} }
}

/** Claims of a token that has been verified already. */
function claimsOf(token: string): Readonly<Record<string, unknown>> {
  const payload = parseStrict(Buffer.from(token.split('.')[1] ?? '', 'base64url'))
  return isRefusal(payload) || !isJsonObject(payload) ? {} : toPlain(payload) as Readonly<Record<string, unknown>>
}

/** Ms of the claim `iat`. */
function issuedAtOf({ iat }: Readonly<Record<string, unknown>>): number | undefined {
  return typeof iat === 'number' && Number.isFinite(iat) ? iat * 1000 : undefined
}

function invalid(why: string): Refusal {
  return refuse('TOKEN_INVALID', `The decision's proof was refused: ${why}.`)
}
