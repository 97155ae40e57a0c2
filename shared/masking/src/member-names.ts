/** What a member's name alone says about its value. */
import { canonicalName } from './field-paths.ts'

export interface MemberFacts {
  /** In the form that field paths compare. */
  readonly name: string
  /** The detector by which a string here is masked whole, whatever it looks like. */
  readonly secret?: string
  /** Digits here are a telephone number. */
  readonly phone: boolean
  /** Strings here, and directly inside an object of this name, are base64 even when short. */
  readonly base64: boolean
}

export const NO_MEMBER: MemberFacts = { name: '', phone: false, base64: false }

/** Names in canonical form: lower case without `_` and `-`. Those of keys and tokens that no pattern can tell by their value. */
const SECRETS: Readonly<Record<string, string>> = {
  privatekey: 'service-account-key',
  privatekeyid: 'service-account-key',
  privatekeydata: 'service-account-key',
  pemprivatekey: 'pem',
  accesstoken: 'google-oauth-token',
  refreshtoken: 'google-oauth-token',
  idtoken: 'google-oauth-token',
  clientsecret: 'google-oauth-token',
  secretaccesskey: 'aws-key',
  awssecretaccesskey: 'aws-key',
}

/** Members that hold base64 in Google's APIs: Secret Manager, Pub/Sub, key files, attachments, Kubernetes secrets. */
const BASE64 = new Set(['data', 'payload', 'privatekeydata', 'stringdata', 'content', 'rawdata', 'bytes', 'bytesvalue', 'bytescontent', 'ciphertext', 'plaintext'])

const PHONE = /phone|msisdn|^(?:mobile|cell|fax|tel)(?:number|no)?s?$/

export function memberFacts(rawName: string, detectors: ReadonlySet<string>): MemberFacts {
  const name = canonicalName(rawName)
  const secret = Object.hasOwn(SECRETS, name) ? SECRETS[name] : undefined
  const facts = { name, phone: detectors.has('phone') && PHONE.test(name), base64: BASE64.has(name) }
  return secret !== undefined && detectors.has(secret) ? { ...facts, secret } : facts
}
