/** Operations about passkeys, for the console of the embedded edition. */
import { operation } from '@lockkeeper/service-kit/server'
import { z } from 'zod'
import { asking, beginning, finishing, signingIn, type PasskeyView, type RegistrationStart } from '../passkeys.ts'
import type { Members } from './approval-schemas.ts'
import { byId, epochMs } from './names.ts'

const person = z.string().min(1).max(64).meta({ description: 'Id of a person.', examples: ['ana'] })
const CODE = 'ABCDE-FGHJK-MNPQR-STVWX'
const ASSERTION = { credential: 'Y3JlZGVudGlhbA', clientData: 'e30', authenticatorData: 'ZGF0YQ', signature: 'c2lnbmF0dXJl' }
const AT = 1_795_521_600_000

const passkeySchema = z.strictObject({ id: z.string(), person: z.string(), label: z.string(), at: epochMs, usedAt: epochMs.optional() } satisfies Members<PasskeyView>).meta({ id: 'Passkey', description: 'A passkey of a person; no part of its key.' })

export const listPasskeys = operation({
  id: 'listPasskeys', method: 'get', path: '/v1/passkeys', tag: 'passkeys', summary: 'Lists the passkeys of one person, newest first.', query: z.strictObject({ person }),
  answer: { description: 'The passkeys, at most 50.', schema: z.strictObject({ passkeys: z.array(passkeySchema) }), example: { passkeys: [{ id: 'p1', person: 'ana', label: 'laptop', at: AT }] } },
})

export const challengePasskey = operation({
  id: 'challengePasskey', method: 'post', path: '/v1/passkeys/challenges', tag: 'passkeys', summary: 'Says what a passkey signs to sign in, or to get a code for another passkey.',
  body: { schema: z.discriminatedUnion('purpose', [z.strictObject({ purpose: z.literal('sign-in'), nonce: z.string().min(20).max(64) }), z.strictObject({ purpose: z.literal('code'), person })]), example: { purpose: 'code', person: 'ana' } },
  answer: { description: 'The challenge, and the time that it covers.', schema: z.strictObject({ at: epochMs, challenge: z.string() }), example: { at: AT, challenge: '2sXh0m3rJ4Yw6kq1cB8uVt5ZpLd7Nf9aGeRiKoTxQyE' } },
})

export const beginRegistration = operation({
  id: 'beginRegistration', method: 'post', path: '/v1/passkeys/registrations', tag: 'passkeys', summary: 'Says what a browser needs to make a passkey.', body: { schema: beginning, example: { code: CODE } },
  answer: { description: 'What the browser is given.', schema: z.strictObject({ person: z.string(), name: z.string(), rpId: z.string(), challenge: z.string(), exclude: z.array(z.string()) } satisfies Members<RegistrationStart>) }, refusals: ['TOKEN_INVALID'],
})

export const finishRegistration = operation({
  id: 'finishRegistration', method: 'post', path: '/v1/passkeys', tag: 'passkeys', summary: 'Keeps a new passkey; the one-time code is used up.',
  body: { schema: finishing, example: { code: CODE, label: 'laptop', credential: { id: 'Y3JlZGVudGlhbA', clientData: 'e30', attestation: 'YXR0ZXN0YXRpb24' } } },
  answer: { description: 'The passkey.', schema: passkeySchema }, refusals: ['TOKEN_INVALID', 'POLICY_DENIED'],
})

export const signIn = operation({
  id: 'signInByPasskey', method: 'post', path: '/v1/passkeys/sign-ins', tag: 'passkeys', summary: 'Says who used a passkey to sign in under a nonce.', body: { schema: signingIn, example: { nonce: 'bm9uY2Utb2YtdGhlLWNvbnNvbGU', at: AT, assertion: ASSERTION } },
  answer: { description: 'The person.', schema: z.strictObject({ person: z.string() }), example: { person: 'ana' } }, refusals: ['TOKEN_INVALID'],
})

export const codeByPasskey = operation({
  id: 'codeByPasskey', method: 'post', path: '/v1/passkeys/codes', tag: 'passkeys', summary: 'Gives a one-time code for a further passkey to who proves to be the person.', body: { schema: asking, example: { person: 'ana', at: AT, assertion: ASSERTION } },
  answer: { description: 'The code.', schema: z.strictObject({ code: z.string(), person: z.string() }), example: { code: CODE, person: 'ana' } }, refusals: ['TOKEN_INVALID'],
})

export const removePasskey = operation({
  id: 'removePasskey', method: 'post', path: '/v1/passkeys/{id}/remove', tag: 'passkeys', summary: 'Removes a passkey of the person.', params: byId, body: { schema: z.strictObject({ person }), example: { person: 'ana' } },
  answer: { description: 'The passkey that was removed.', schema: passkeySchema }, refusals: ['NOT_FOUND'],
})
