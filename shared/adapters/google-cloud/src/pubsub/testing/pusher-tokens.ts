/** Tests only: an issuer in Google's stead, and the verifier that production uses, told to trust it. */
import { createServiceVerifier } from '@lockkeeper/auth'
import { isRefusal } from '@lockkeeper/domain/errors'
import type { SubscriptionSpec } from '@lockkeeper/domain/topology'
import { exportJWK, generateKeyPair, SignJWT } from 'jose'
import type { VerifyPusher } from '../index.ts'

const PUSHER = 'pusher@test-project.iam.gserviceaccount.com'
const ISSUER = 'https://accounts.example.test'
const clock = { now: () => Date.now(), monotonic: () => performance.now() }

export interface TokenParts {
  readonly issuer?: string
  readonly audience?: string
  readonly email?: string | undefined
  readonly verified?: boolean
  readonly ageSeconds?: number
  /** Signed by a key that the issuer does not have. */
  readonly forged?: boolean
}

export interface PusherTokens {
  readonly verifyPusher: VerifyPusher
  /** As Pub/Sub sends it to that subscription's endpoint, but for `changes`. */
  token(subscription: Pick<SubscriptionSpec, 'id'>, changes?: TokenParts): Promise<string>
}

export const audienceOf = ({ id }: Pick<SubscriptionSpec, 'id'>): string => `https://service.example.test/push/${id}`

export async function pusherTokens(): Promise<PusherTokens> {
  const [pair, other] = await Promise.all([generateKeyPair('RS256'), generateKeyPair('RS256')])
  const jwks = { keys: [{ ...await exportJWK(pair.publicKey), kid: 'one', alg: 'RS256', use: 'sig' }] }
  return {
    async verifyPusher(token, spec) {
      const caller = await createServiceVerifier({ issuers: [{ issuer: ISSUER, jwks }], audience: audienceOf(spec), allowed: [PUSHER], clock, mode: 'real' }).verify(`Bearer ${token}`)
      return isRefusal(caller) ? caller : true
    },
    token(subscription, { issuer = ISSUER, audience = audienceOf(subscription), verified = true, ageSeconds = 0, forged = false, ...more } = {}) {
      const email = 'email' in more ? more.email : PUSHER
      const now = Math.floor(Date.now() / 1000) - ageSeconds
      return new SignJWT({ ...(email === undefined ? {} : { email }), email_verified: verified })
        .setProtectedHeader({ alg: 'RS256', kid: 'one', typ: 'JWT' }).setIssuer(issuer).setAudience(audience).setSubject('1').setIssuedAt(now).setExpirationTime(now + 3600)
        .sign(forged ? other.privateKey : pair.privateKey)
    },
  }
}
