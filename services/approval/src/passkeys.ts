/** Passkeys of persons: made with a one-time code that `up` prints in its own terminal, used to sign in and to decide. */
import { randomBytes } from 'node:crypto'
import { equalInConstantTime } from '@lockkeeper/domain/digest'
import { isRefusal, refuse, type Refusal } from '@lockkeeper/domain/errors'
import { passkeyAssertion } from '@lockkeeper/domain/events'
import type { PersonId } from '@lockkeeper/domain'
import type { DocumentStore } from '@lockkeeper/domain/ports'
import type { Log } from '@lockkeeper/service-kit'
import { z } from 'zod'
import { passkeys, type PasskeyDocument } from './collections.ts'
import { checkAssertion, codeChallenge, nextUse, passkeyRef, registrationChallenge, signInChallenge, staleness, type PasskeyTrust } from './passkey-proof.ts'
import type { People } from './routing.ts'

export type PasskeyView = Pick<PasskeyDocument, 'id' | 'person' | 'label' | 'at' | 'usedAt'>

export interface Passkeys {
  /** Those of one person, newest first, at most 50. */
  listPasskeys(person: string): Promise<readonly PasskeyView[]>
  /** A code with which the person may make one passkey within the hour. In this process only: never over HTTP. TypeError for no known person. */
  openCode(person: PersonId): string
  /** What the browser needs to make a passkey. TOKEN_INVALID for a wrong or used code. */
  beginRegistration(request: unknown): Promise<RegistrationStart | Refusal>
  /** Keeps the new passkey; the code is used up. */
  finishRegistration(request: unknown): Promise<PasskeyView | Refusal>
  /** Who used a passkey to sign in under this nonce. The nonce is single-use where it was made: at the console. */
  signIn(request: unknown): Promise<{ readonly person: PersonId } | Refusal>
  /** A code for a further passkey of the person who proves to be one. */
  codeByPasskey(request: unknown): Promise<{ readonly code: string, readonly person: PersonId } | Refusal>
  /** NOT_FOUND where that person has no such passkey. */
  removePasskey(request: { readonly id: string, readonly person: string }): Promise<PasskeyView | Refusal>
}

export interface RegistrationStart {
  readonly person: PersonId
  readonly name: string
  readonly rpId: string
  readonly challenge: string
  /** Passkeys that the person has already. */
  readonly exclude: readonly string[]
}

interface Parts {
  readonly documents: DocumentStore
  readonly people: People
  readonly trust: PasskeyTrust | undefined
  readonly now: () => number
  readonly log: Log
}

const CODE_MS = 3_600_000
const MOST_CODES = 20
const MOST_WRONG = 20
const MOST_PASSKEYS = 20
/** No letters that are read for others. */
const ALPHABET = 'ABCDEFGHJKMNPQRSTVWXYZ23456789'
const CODE_LENGTH = 20

const base64url = (most: number) => z.string().max(most).regex(/^[\w-]+$/)
const code = z.string().min(1).max(64).transform((text) => text.toUpperCase().replace(/[\s-]/g, ''))
export const beginning = z.strictObject({ code })
export const finishing = z.strictObject({
  code, label: z.string().trim().min(1).max(64),
  credential: z.strictObject({ id: base64url(1400), clientData: base64url(4096), attestation: base64url(16_384) }),
})
export const signingIn = z.strictObject({ nonce: z.string().min(20).max(64), at: z.int(), assertion: passkeyAssertion })
export const asking = z.strictObject({ at: z.int(), assertion: passkeyAssertion, person: z.string().max(64) })

interface OpenCode { readonly code: string, readonly person: PersonId, readonly until: number }

export function createPasskeys({ documents, people, trust, now, log }: Parts): Passkeys {
  let codes: readonly OpenCode[] = []
  let wrong = 0

  const listOf = async (person: string): Promise<readonly PasskeyDocument[]> => (await documents.query(passkeys, { name: 'byPerson', equal: { person }, limit: 50 })).docs.map(({ data }) => data)

  function openCode(person: PersonId): string {
    if (people.byId(person) === undefined) throw new TypeError(`${person} is no known person`)
    const text = makeCode()
    codes = [...codes.filter((each) => each.person !== person && each.until > now()), { code: text, person, until: now() + CODE_MS }].slice(-MOST_CODES)
    return text.replace(/(.{5})(?=.)/g, '$1-')
  }

  /** The code stays open: only a passkey that was made uses it up. */
  function personOfCode(given: string): PersonId | Refusal {
    const found = codes.filter((each) => equalInConstantTime(each.code, given) && each.until > now())[0]
    if (found !== undefined) return found.person
    wrong += 1
    if (wrong >= MOST_WRONG && codes.length > 0) {
      codes = []
      log.error({}, 'too many wrong one-time codes: all that were open are void')
    }
    return invalid('The one-time code is wrong, used or over an hour old. Start the gateway again for a new one.')
  }

  async function beginRegistration(request: unknown): Promise<RegistrationStart | Refusal> {
    const parsed = beginning.safeParse(request)
    if (!parsed.success) return malformed(parsed.error)
    if (trust === undefined) return notHere()
    const person = personOfCode(parsed.data.code)
    if (isRefusal(person)) return person
    const known = await listOf(person)
    return { person, name: people.byId(person)?.name ?? person, rpId: trust.rpId, challenge: registrationChallenge(person, parsed.data.code), exclude: known.map(({ credential }) => credential) }
  }

  async function finishRegistration(request: unknown): Promise<PasskeyView | Refusal> {
    const parsed = finishing.safeParse(request)
    if (!parsed.success) return malformed(parsed.error)
    if (trust === undefined) return notHere()
    const { code: given, label, credential } = parsed.data
    const person = personOfCode(given)
    if (isRefusal(person)) return person
    const known = people.byId(person)
    if (known === undefined || known.disabled === true) return refuse('POLICY_DENIED', 'The person is unknown or disabled.')
    if ((await listOf(person)).length >= MOST_PASSKEYS) return refuse('POLICY_DENIED', `A person has at most ${MOST_PASSKEYS} passkeys. Remove one first.`)
    const made = await verifyRegistration(credential, registrationChallenge(person, given), trust)
    if ('why' in made) return invalid(`The new passkey was refused: ${made.why}.`)
    const at = now()
    const passkey: PasskeyDocument = { kind: 'passkey', id: passkeyRef(credential.id).id, person, label, credential: credential.id, publicKey: made.publicKey, counter: made.counter, at }
    // Of two registrations with one code, only the first finds it.
    if (isRefusal(personOfCode(given))) return invalid('The one-time code was used meanwhile.')
    codes = codes.filter((each) => each.code !== given)
    const stored = await documents.transact<PasskeyDocument>([passkeyRef(credential.id)], ([doc]) => doc !== undefined
      ? refuse('REQUEST_INVALID', 'This passkey is registered already.')
      : { writes: [{ kind: 'create', ref: passkeyRef(credential.id), data: passkey }], facts: [], result: passkey })
    if (isRefusal(stored)) return stored
    log.warn({ person, passkey: passkey.id }, 'a passkey was registered')
    return viewOf(stored)
  }

  /** Checks the assertion and writes down that the passkey was used. */
  async function use(assertion: z.output<typeof passkeyAssertion>, challenge: string, at: number): Promise<PasskeyDocument | Refusal> {
    if (trust === undefined) return notHere()
    const stale = staleness(at, now())
    if (stale !== undefined) return invalid(`The passkey was refused: ${stale}.`)
    const found = await checkAssertion(assertion, challenge, trust)
    if ('why' in found) return invalid(`The passkey was refused: ${found.why}.`)
    return documents.transact<PasskeyDocument>([passkeyRef(assertion.credential)], ([doc], time) => {
      const next = nextUse(doc?.data as PasskeyDocument | undefined, found.counter, time)
      if (next === undefined) return invalid('The passkey was refused: its counter went back, as a copy\'s would.')
      return { writes: [{ kind: 'put', ref: passkeyRef(assertion.credential), data: next }], facts: [], result: next }
    })
  }

  async function signIn(request: unknown): Promise<{ readonly person: PersonId } | Refusal> {
    const parsed = signingIn.safeParse(request)
    if (!parsed.success) return malformed(parsed.error)
    const { nonce, at, assertion } = parsed.data
    const used = await use(assertion, signInChallenge(nonce, at), at)
    return isRefusal(used) ? used : { person: used.person }
  }

  async function codeByPasskey(request: unknown): Promise<{ readonly code: string, readonly person: PersonId } | Refusal> {
    const parsed = asking.safeParse(request)
    if (!parsed.success) return malformed(parsed.error)
    const { at, assertion, person } = parsed.data
    const used = await use(assertion, codeChallenge(person, at), at)
    if (isRefusal(used)) return used
    return used.person === person ? { code: openCode(used.person), person: used.person } : invalid('The passkey is another person\'s.')
  }

  async function removePasskey({ id, person }: { readonly id: string, readonly person: string }): Promise<PasskeyView | Refusal> {
    const ref = { collection: passkeys, id }
    const removed = await documents.transact<PasskeyDocument>([ref], ([doc]) => {
      const passkey = doc?.data as PasskeyDocument | undefined
      if (passkey?.person !== person) return refuse('NOT_FOUND', 'There is no such passkey of yours.')
      return { writes: [{ kind: 'delete', ref }], facts: [], result: passkey }
    })
    if (isRefusal(removed)) return removed
    log.warn({ person, passkey: id }, 'a passkey was removed')
    return viewOf(removed)
  }

  return { listPasskeys: async (person) => (await listOf(person)).map(viewOf), openCode, beginRegistration, finishRegistration, signIn, codeByPasskey, removePasskey }
}

/** About 98 bits. */
function makeCode(): string {
  let text = ''
  // Bytes past the last whole round of the alphabet would favour its first letters.
  const fair = 256 - 256 % ALPHABET.length
  while (text.length < CODE_LENGTH) for (const byte of randomBytes(CODE_LENGTH)) if (byte < fair && text.length < CODE_LENGTH) text += ALPHABET[byte % ALPHABET.length]
  return text
}

async function verifyRegistration({ id, clientData, attestation }: z.output<typeof finishing>['credential'], challenge: string, { rpId, origins }: PasskeyTrust): Promise<{ readonly publicKey: string, readonly counter: number } | { readonly why: string }> {
  const { verifyRegistrationResponse } = await import('@simplewebauthn/server')
  try {
    const { verified, registrationInfo } = await verifyRegistrationResponse({
      response: { id, rawId: id, type: 'public-key', clientExtensionResults: {}, response: { clientDataJSON: clientData, attestationObject: attestation } },
      expectedChallenge: challenge, expectedOrigin: [...origins()], expectedRPID: rpId, requireUserVerification: true,
    })
    if (!verified || registrationInfo.credential.id !== id) return { why: 'it does not verify' }
    return { publicKey: Buffer.from(registrationInfo.credential.publicKey).toString('base64url'), counter: registrationInfo.credential.counter }
  } catch (error) {
    // The library throws for whatever is wrong with what was sent.
    return { why: (error as Error).message.slice(0, 200) }
  }
}

function viewOf({ id, person, label, at, usedAt }: PasskeyDocument): PasskeyView {
  return { id, person, label, at, ...usedAt === undefined ? {} : { usedAt } }
}

function invalid(message: string): Refusal {
  return refuse('TOKEN_INVALID', message)
}

function notHere(): Refusal {
  return refuse('REQUEST_INVALID', 'Passkeys are not used in this edition.')
}

function malformed(error: z.ZodError): Refusal {
  return refuse('REQUEST_INVALID', error.issues.slice(0, 5).map(({ path, message }) => `${path.join('.')}: ${message}`).join('; '))
}
