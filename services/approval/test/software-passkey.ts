/** Tests only: an authenticator in software (WebAuthn Level 3, ES256, attestation `none`), whose every part a test can bend. */
import { createHash, generateKeyPairSync, randomBytes, sign, type KeyObject } from 'node:crypto'
import type { PasskeyAssertion } from '@lockkeeper/domain/events'

export interface Bent {
  readonly origin?: string
  readonly rpId?: string
  readonly type?: string
  /** Flags of the authenticator data; 0x05: present and verified. */
  readonly flags?: number
  readonly counter?: number
  readonly key?: KeyObject
}

export interface SoftwarePasskey {
  readonly id: string
  readonly privateKey: KeyObject
  create(challenge: string, bent?: Bent): { readonly id: string, readonly clientData: string, readonly attestation: string }
  get(challenge: string, bent?: Bent): PasskeyAssertion
}

export const RP_ID = 'localhost'
export const ORIGIN = 'http://localhost:8445'
const b64 = (bytes: Uint8Array | string): string => Buffer.from(bytes).toString('base64url')
const sha256 = (bytes: Uint8Array | string): Buffer => createHash('sha256').update(bytes).digest()

export function softwarePasskey(): SoftwarePasskey {
  const { publicKey, privateKey } = generateKeyPairSync('ec', { namedCurve: 'P-256' })
  const raw = randomBytes(32)
  let counter = 0
  const clientData = (type: string, challenge: string, origin: string): Buffer => Buffer.from(JSON.stringify({ type, challenge, origin, crossOrigin: false }))
  const head = (rpId: string, flags: number, count: number): Buffer => {
    const counted = Buffer.alloc(4)
    counted.writeUInt32BE(count)
    return Buffer.concat([sha256(rpId), Buffer.from([flags]), counted])
  }
  return {
    id: b64(raw), privateKey,
    create(challenge, { origin = ORIGIN, rpId = RP_ID, type = 'webauthn.create', flags = 0x45, counter: count = 0 } = {}) {
      const { x = '', y = '' } = publicKey.export({ format: 'jwk' })
      // {1: 2 (EC2), 3: -7 (ES256), -1: 1 (P-256), -2: x, -3: y}
      const cose = Buffer.concat([Buffer.from('a5010203262001215820', 'hex'), Buffer.from(x, 'base64url'), Buffer.from('225820', 'hex'), Buffer.from(y, 'base64url')])
      const authData = Buffer.concat([head(rpId, flags, count), Buffer.alloc(16), Buffer.from([0, raw.length]), raw, cose])
      const attestation = Buffer.concat([Buffer.from([0xa3]), text('fmt'), text('none'), text('attStmt'), Buffer.from([0xa0]), text('authData'), Buffer.from([0x59, authData.length >> 8, authData.length & 0xff]), authData])
      return { id: b64(raw), clientData: b64(clientData(type, challenge, origin)), attestation: b64(attestation) }
    },
    get(challenge, { origin = ORIGIN, rpId = RP_ID, type = 'webauthn.get', flags = 0x05, counter: count, key = privateKey } = {}) {
      counter = count ?? counter + 1
      const client = clientData(type, challenge, origin)
      const authenticator = head(rpId, flags, counter)
      return { credential: b64(raw), clientData: b64(client), authenticatorData: b64(authenticator), signature: b64(sign('sha256', Buffer.concat([authenticator, sha256(client)]), key)) }
    },
  }
}

function text(value: string): Buffer {
  return Buffer.concat([Buffer.from([0x60 + value.length]), Buffer.from(value)])
}
