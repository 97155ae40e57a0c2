/** An ID token that was just fetched for the gateway itself: is it the one that was asked for, and until when does it live? */
import type { Minted } from './refreshed-credential.ts'

/**
 * Reads audience and expiry; the signature is the upstream's to check. Throws when the token is for another audience:
 * user accounts get tokens for their own client only, and Cloud Run would refuse them without saying why.
 */
export function readIdToken(token: string | undefined, audience: string): Minted {
  const payload = token?.split('.')[1]
  if (token === undefined || payload === undefined) throw new Error('what came is no ID token')
  const { aud, exp } = parsePayload(payload)
  if (aud !== audience) throw new Error('the ID token is for another audience; this kind of account cannot choose one: name a service account to impersonate')
  if (typeof exp !== 'number') throw new Error('the ID token has no expiry')
  return { token, expiresAt: exp * 1000 }
}

function parsePayload(payload: string): { readonly aud?: unknown, readonly exp?: unknown } {
  try {
    const claims: unknown = JSON.parse(Buffer.from(payload, 'base64url').toString())
    return typeof claims === 'object' && claims !== null ? claims : {}
  } catch {
    // The parser's message would quote the token.
    throw new Error('the ID token cannot be read')
  }
}
