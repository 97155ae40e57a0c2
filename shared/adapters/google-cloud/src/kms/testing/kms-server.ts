/** Answers by google.cloud.kms.v1 proto; not Google's server. */
import { generateKeyPairSync, sign, type KeyObject } from 'node:crypto'
import { protos } from '@google-cloud/kms'
import { GrpcFault, grpcMethod, referenceCrc32c, startGrpcServer, type GrpcServer } from '@lockkeeper/testkit'
import { plainChannel } from '../../testing/plain-channel.ts'
import type { KmsClientOptions } from '../kms-client.ts'
import { signDigest } from './sign-digest.ts'

const { AsymmetricSignRequest, AsymmetricSignResponse, CryptoKeyVersion, GetPublicKeyRequest, PublicKey } = protos.google.cloud.kms.v1
const { CryptoKeyVersionAlgorithm: ALGORITHM } = CryptoKeyVersion

export type KmsAlgorithm = 'EC_SIGN_P256_SHA256' | 'EC_SIGN_ED25519' | 'EC_SIGN_P384_SHA384'
type KeyAnswer = Parameters<typeof PublicKey.encode>[0]
type SignedAnswer = Parameters<typeof AsymmetricSignResponse.encode>[0]
type SignRequest = ReturnType<typeof AsymmetricSignRequest.decode>

const isSet = <T>(field: T | null | undefined): field is T => field !== null && field !== undefined

export interface KmsServer extends GrpcServer {
  /** Makes a key pair and gives the version's name. */
  addKey(algorithm: KmsAlgorithm): string
  disabled: boolean
  distortKey: ((answer: KeyAnswer) => KeyAnswer) | undefined
  distortSignature: ((answer: SignedAnswer) => SignedAnswer) | undefined
  readonly clientOptions: KmsClientOptions
}

interface StoredKey { readonly privateKey: KeyObject, readonly publicKey: KeyObject, readonly algorithm: KmsAlgorithm }

export async function startKmsServer(): Promise<KmsServer> {
  const keys = new Map<string, StoredKey>()
  const server = await startGrpcServer('google.cloud.kms.v1.KeyManagementService', {
    GetPublicKey: grpcMethod(GetPublicKeyRequest, PublicKey, ({ name }) => {
      const pem = found(name).publicKey.export({ format: 'pem', type: 'spki' }).toString()
      const answer: KeyAnswer = { name, pem, pemCrc32c: { value: referenceCrc32c(Buffer.from(pem)) }, algorithm: ALGORITHM[found(name).algorithm] }
      return full.distortKey?.(answer) ?? answer
    }),
    AsymmetricSign: grpcMethod(AsymmetricSignRequest, AsymmetricSignResponse, (request) => {
      const signature = signatureOf(found(request.name), request)
      const given = { verifiedDigestCrc32c: isSet(request.digestCrc32c), verifiedDataCrc32c: isSet(request.dataCrc32c) }
      const answer: SignedAnswer = { name: request.name, signature, signatureCrc32c: { value: referenceCrc32c(signature) }, ...given }
      return full.distortSignature?.(answer) ?? answer
    }),
  })
  function found(name: string): StoredKey {
    if (server.calls.at(-1)?.routing !== `name=${encodeURIComponent(name)}`) throw new GrpcFault('INVALID_ARGUMENT', 'the routing header does not name the version')
    const key = keys.get(name)
    if (key === undefined) throw new GrpcFault('NOT_FOUND', `CryptoKeyVersion ${name} not found.`)
    if (full.disabled) throw new GrpcFault('FAILED_PRECONDITION', `${name} is not enabled, current state is: DISABLED.`)
    return key
  }
  const full: KmsServer = Object.assign(server, {
    addKey(algorithm: KmsAlgorithm) {
      const name = `projects/gateway/locations/europe-west1/keyRings/lockkeeper/cryptoKeys/signing/cryptoKeyVersions/${keys.size + 1}`
      const pair = algorithm === 'EC_SIGN_ED25519' ? generateKeyPairSync('ed25519') : generateKeyPairSync('ec', { namedCurve: algorithm === 'EC_SIGN_P256_SHA256' ? 'P-256' : 'P-384' })
      keys.set(name, { ...pair, algorithm })
      return name
    },
    disabled: false,
    distortKey: undefined as KmsServer['distortKey'],
    distortSignature: undefined as KmsServer['distortSignature'],
    clientOptions: plainChannel(server.port),
  })
  return full
}

/** As Google does: the checksum must be that of what came, and a P-256 key takes a digest where an Ed25519 key takes data. */
function signatureOf({ privateKey, algorithm }: StoredKey, { digest, digestCrc32c, data, dataCrc32c }: SignRequest): Buffer {
  const isEd25519 = algorithm === 'EC_SIGN_ED25519'
  const sha256 = digest?.sha256
  const input = isEd25519 ? data : sha256
  if (!(input instanceof Uint8Array) || (isEd25519 ? isSet(digest) : input.length !== 32)) throw new GrpcFault('INVALID_ARGUMENT', 'the input does not fit the algorithm')
  if (input.length > 65_536) throw new GrpcFault('INVALID_ARGUMENT', 'data is too large')
  const given = isEd25519 ? dataCrc32c : digestCrc32c
  if (isSet(given) && Number(given.value) !== referenceCrc32c(input)) throw new GrpcFault('INVALID_ARGUMENT', 'the checksum in the request is not that of the data')
  return isEd25519 ? sign(null, input, privateKey) : signDigest(privateKey, input)
}
