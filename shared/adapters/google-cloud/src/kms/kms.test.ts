import assert from 'node:assert/strict'
import { createPublicKey, verify, type JsonWebKey } from 'node:crypto'
import { PortUnavailable } from '@lockkeeper/domain/ports'
import { GrpcFault, signerCompliance, type GrpcStatus } from '@lockkeeper/testkit'
import { kmsClient, openKmsSigner, type KmsSettings } from './index.ts'
import { startKmsServer, type KmsServer } from './testing/kms-server.ts'

type Signer = Awaited<ReturnType<typeof openKmsSigner>>

const open = (server: KmsServer, keyVersion: string, extra: Partial<KmsSettings> = {}): Promise<Signer> => openKmsSigner({ keyVersion, retryDelayMs: 1, timeoutMs: 2000, ...extra }, kmsClient(server.clientOptions))

{
  let shared: KmsServer
  before(async () => { shared = await startKmsServer() })
  after(() => shared.close())
  signerCompliance('Cloud KMS (a server that answers by its proto), EC_SIGN_P256_SHA256,', async () => {
    const keyVersion = shared.addKey('EC_SIGN_P256_SHA256')
    const opened = async (): ReturnType<Parameters<typeof signerCompliance>[1]> => {
      const signer = await open(shared, keyVersion)
      return { signer, close: () => signer.close(), reopen: opened }
    }
    return opened()
  })
}

describe('google-cloud: Cloud KMS', () => {
  let server: KmsServer
  let signer: Signer | undefined
  let keyVersion = ''
  const ready = async (algorithm: Parameters<KmsServer['addKey']>[0] = 'EC_SIGN_P256_SHA256', extra: Partial<KmsSettings> = {}): Promise<Signer> => {
    keyVersion = server.addKey(algorithm)
    signer = await open(server, keyVersion, extra)
    server.calls.length = 0
    return signer
  }

  beforeEach(async () => { server = await startKmsServer() })
  afterEach(async () => {
    await signer?.close()
    signer = undefined
    server.close()
  })

  it('the key\'s version stands in keyId, and another version is another signer', async () => {
    const first = await ready()
    assert.equal(first.keyId, 'kms:projects/gateway/locations/europe-west1/keyRings/lockkeeper/cryptoKeys/signing/cryptoKeyVersions/1')
    assert.equal((await first.publicKeyJwk())['kid'], first.keyId)
    const second = await ready()
    assert.equal(second.keyId.at(-1), '2')
    assert.notDeepEqual(await second.publicKeyJwk(), await first.publicKeyJwk())
    await first.close()
  })

  it('the public key is fetched once, and one signature is one call', async () => {
    const opened = await ready()
    await opened.publicKeyJwk()
    await opened.sign(Buffer.from('one'))
    await opened.publicKeyJwk()
    assert.deepEqual(server.calls.map(({ method }) => method), ['AsymmetricSign'])
  })

  it('only a digest is sent of what a P-256 key signs', async () => {
    const opened = await ready()
    await opened.sign(Buffer.from('CANARY'))
    assert.ok(!JSON.stringify(server.calls).includes(Buffer.from('CANARY').toString('base64')))
  })

  it('an Ed25519 key signs the data itself, up to 64 KiB; more is a TypeError and not sent', async () => {
    const opened = await ready('EC_SIGN_ED25519')
    assert.equal(opened.algorithm, 'Ed25519')
    const key = createPublicKey({ key: await opened.publicKeyJwk() as JsonWebKey, format: 'jwk' })
    for (const message of [new Uint8Array(), Buffer.from('one'), Buffer.alloc(65_536, 7)]) assert.equal(verify(null, message, key, await opened.sign(message)), true)
    server.calls.length = 0
    await assert.rejects(opened.sign(Buffer.alloc(65_537)), TypeError)
    assert.equal(server.calls.length, 0)
  })

  describe('invariant 10: a signature that is not sound is not handed out', () => {
    type Distort = NonNullable<KmsServer['distortSignature']>
    const other = Buffer.from('3006020101020101', 'hex')
    const wrong: Readonly<Record<string, Distort>> = {
      'another checksum': (answer) => ({ ...answer, signatureCrc32c: { value: 7 } }),
      'no checksum': (answer) => ({ ...answer, signatureCrc32c: null }),
      'a digest that was not checked': (answer) => ({ ...answer, verifiedDigestCrc32c: false }),
      'another version': (answer) => ({ ...answer, name: `${keyVersion}0` }),
      'a version of another project': (answer) => ({ ...answer, name: keyVersion.replace('gateway', 'other') }),
      'no version': (answer) => ({ ...answer, name: '' }),
      'a signature of something else': (answer) => ({ ...answer, signature: other, signatureCrc32c: { value: 0 } }),
      'no signature': (answer) => ({ ...answer, signature: new Uint8Array(), signatureCrc32c: { value: 0 } }),
    }
    for (const [what, distort] of Object.entries(wrong)) {
      it(`${what}: refused after three attempts`, async () => {
        const opened = await ready()
        server.distortSignature = distort
        await assert.rejects(opened.sign(Buffer.from('one')), PortUnavailable)
        assert.equal(server.calls.length, 3)
      })
    }

    it('one by another key, whole in every other way', async () => {
      const opened = await ready()
      const foreign = await open(server, server.addKey('EC_SIGN_P256_SHA256'))
      let borrowed: Parameters<Distort>[0] | undefined
      server.distortSignature = (answer) => borrowed = answer
      await foreign.sign(Buffer.from('one'))
      await foreign.close()
      server.distortSignature = () => ({ ...borrowed, name: keyVersion })
      await assert.rejects(opened.sign(Buffer.from('one')), /not proved/)
    })

    it('a wrong answer that is right the next time is not noticed', async () => {
      const opened = await ready()
      server.distortSignature = (answer) => server.calls.length === 1 ? { ...answer, signatureCrc32c: { value: 7 } } : answer
      assert.equal((await opened.sign(Buffer.from('one'))).byteLength, 64)
    })
  })

  describe('invariant 10: a public key that is not sound stops the start', () => {
    type Distort = NonNullable<KmsServer['distortKey']>
    const wrong: Readonly<Record<string, Distort>> = {
      'another checksum': (answer) => ({ ...answer, pemCrc32c: { value: 7 } }),
      'no checksum': (answer) => ({ ...answer, pemCrc32c: null }),
      'another version': (answer) => ({ ...answer, name: `${String(answer.name)}0` }),
      'no key': (answer) => ({ ...answer, pem: '', pemCrc32c: { value: 0 } }),
      'a key of another kind than is said': (answer) => ({ ...answer, algorithm: 40 }),
    }
    for (const [what, distort] of Object.entries(wrong)) {
      it(what, async () => {
        server.distortKey = distort
        await assert.rejects(ready(), PortUnavailable)
      })
    }

    it('a key for another algorithm is our own mistake', async () => {
      await assert.rejects(ready('EC_SIGN_P384_SHA384'), TypeError)
    })
  })

  describe('invariant 10: an outage is PortUnavailable', () => {
    const outages: Readonly<Partial<Record<GrpcStatus, number>>> = { UNAVAILABLE: 3, DEADLINE_EXCEEDED: 3, INTERNAL: 3, RESOURCE_EXHAUSTED: 3, PERMISSION_DENIED: 1, NOT_FOUND: 1 }
    for (const [status, attempts] of Object.entries(outages)) {
      it(`${status}, after ${attempts} ${attempts === 1 ? 'attempt' : 'attempts'}`, async () => {
        const opened = await ready()
        server.fault = () => new GrpcFault(status as GrpcStatus)
        await assert.rejects(opened.sign(Buffer.from('one')), PortUnavailable)
        assert.equal(server.calls.length, attempts)
      })
    }

    it('silence', async () => {
      const opened = await ready('EC_SIGN_P256_SHA256', { timeoutMs: 300 })
      server.fault = () => 'silence'
      await assert.rejects(opened.sign(Buffer.from('one')), PortUnavailable)
    })

    it('a version that was disabled signs no more', async () => {
      const opened = await ready()
      server.disabled = true
      await assert.rejects(opened.sign(Buffer.from('one')), PortUnavailable)
      assert.equal(server.calls.length, 1)
    })
  })

  describe('settings that cannot work stop the start', () => {
    const bad: readonly string[] = ['', 'signing', 'projects/p/locations/l/keyRings/r/cryptoKeys/k', 'projects/p/locations/l/keyRings/r/cryptoKeys/k/cryptoKeyVersions/latest', 'projects/p/locations/l/keyRings/r/cryptoKeys/../cryptoKeyVersions/1']
    for (const name of bad) it(`the key version ${JSON.stringify(name)}`, async () => { await assert.rejects(open(server, name), TypeError) })

    it('invariant 14: channel credentials of one\'s own for another machine', () => {
      assert.throws(() => kmsClient({ ...server.clientOptions, apiEndpoint: 'kms.example' }), TypeError)
      assert.throws(() => kmsClient({ ...server.clientOptions, servicePath: 'kms.example' }), TypeError)
    })
  })
})
