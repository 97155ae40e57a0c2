/** The browser's passkeys, by @simplewebauthn/browser; the server gives challenges and nothing else. */
import { browserSupportsWebAuthn, startAuthentication, startRegistration } from '@simplewebauthn/browser'
import type { Assertion } from '../src/api-types.ts'

export const supportsPasskeys = browserSupportsWebAuthn

/** One dialog of the browser: the person touches, looks or types a PIN. */
export async function usePasskey({ challenge, rpId }: { readonly challenge: string, readonly rpId: string }): Promise<Assertion> {
  const { id, response } = await startAuthentication({ optionsJSON: { challenge, rpId, userVerification: 'required', timeout: 120_000 } })
  return { credential: id, clientData: response.clientDataJSON, authenticatorData: response.authenticatorData, signature: response.signature }
}

export interface NewPasskey { readonly id: string, readonly clientData: string, readonly attestation: string }

export async function makePasskey({ challenge, rpId, person, name, exclude }: { readonly challenge: string, readonly rpId: string, readonly person: string, readonly name: string, readonly exclude: readonly string[] }): Promise<NewPasskey> {
  const { id, response } = await startRegistration({
    optionsJSON: {
      challenge, rp: { id: rpId, name: 'Lockkeeper' }, user: { id: base64url(person), name: person, displayName: name },
      pubKeyCredParams: [{ type: 'public-key', alg: -8 }, { type: 'public-key', alg: -7 }, { type: 'public-key', alg: -257 }],
      authenticatorSelection: { residentKey: 'required', requireResidentKey: true, userVerification: 'required' }, attestation: 'none', timeout: 120_000,
      excludeCredentials: exclude.map((each) => ({ id: each, type: 'public-key' })),
    },
  })
  return { id, clientData: response.clientDataJSON, attestation: response.attestationObject }
}

function base64url(text: string): string {
  return btoa(String.fromCharCode(...new TextEncoder().encode(text))).replace(/\+/g, '-').replace(/\//g, '_').replace(/=/g, '')
}
