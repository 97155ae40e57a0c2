/** Tests only: approvers with an identity provider of their own, whose ID tokens prove one decision each (invariant 7). */
import { generateKeyPairSync, randomUUID, sign } from 'node:crypto'
import { isRefusal, type Refusal } from '@lockkeeper/domain/errors'
import type { Decided } from '@lockkeeper/approval'
import type { Gateway } from '../gateway/wire.ts'

export interface Approvers {
  /** For `approverIssuers`. */
  readonly settings: Readonly<Record<string, unknown>>
  /** An ID token of this person about one decision. */
  token(person: string, nonce: string, claims?: Readonly<Record<string, unknown>>): string
  decide(gateway: Gateway, approval: string, person: string, verdict: 'approve' | 'deny', reason?: string): Promise<Decided | Refusal>
}

const ISSUER = 'http://127.0.0.1:9/people'
const AUDIENCE = 'lockkeeper-approvals'

export function createApprovers(): Approvers {
  const { publicKey, privateKey } = generateKeyPairSync('ed25519')
  const jwks = JSON.stringify({ keys: [{ ...publicKey.export({ format: 'jwk' }), kid: 'people', alg: 'EdDSA', use: 'sig' }] })
  const encode = (value: object): string => Buffer.from(JSON.stringify(value)).toString('base64url')
  const token: Approvers['token'] = (person, nonce, claims = {}) => {
    const iat = Math.floor(Date.now() / 1000)
    const signed = `${encode({ alg: 'EdDSA', typ: 'JWT', kid: 'people' })}.${encode({ iss: ISSUER, aud: AUDIENCE, sub: person, nonce, iat, auth_time: iat, exp: iat + 300, jti: randomUUID(), ...claims })}`
    return `${signed}.${sign(null, Buffer.from(signed), privateKey).toString('base64url')}`
  }
  return {
    settings: { name: 'people', issuer: ISSUER, audience: AUDIENCE, algorithms: ['EdDSA'], jwks },
    token,
    async decide(gateway, approval, person, verdict, reason) {
      const detail = await gateway.approval.admin.show(approval)
      if (isRefusal(detail)) return detail
      const { digest } = detail.approval
      const proof = { kind: 'idToken', token: token(person, `${verdict}:${approval}:${digest}`) }
      return gateway.approval.admin.decide({ approval, digest, verdict, proof, ...(reason === undefined ? {} : { reason }) })
    },
  }
}

/** People whose identities are those of `createApprovers`. Ada sits at the terminal. */
export const PEOPLE = JSON.stringify({
  apiVersion: 'lockkeeper.dev/v1', kind: 'People',
  people: ['sam', 'ada', 'max', 'kim'].map((id) => ({
    id, name: id, groups: id === 'sam' ? ['engineers'] : ['approvers'], identities: [{ issuer: 'people', subject: id }, { email: `${id}@sandbox.example.com` }, { slack: `U0${id.toUpperCase()}` }, ...id === 'sam' ? [{ email: 'sam.sponsor@sandbox.example.com' }] : []],
  })),
})
