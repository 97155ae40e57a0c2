import { strict as assert } from 'node:assert'
import { createPublicKey, verify, type JsonWebKey, type KeyObject } from 'node:crypto'
import type { OpenedSigner } from './subjects.ts'

/** Every rule of the Signer port. `open` gives a signer with a key of its own. */
export function signerCompliance(name: string, open: () => Promise<OpenedSigner>): void {
  describe(`${name} keeps the contract of a Signer`, () => {
    let opened: OpenedSigner
    beforeEach(async () => { opened = await open() })
    afterEach(async () => { await opened.close() })
    const holds = async (bytes: Uint8Array, signature: Uint8Array, { signer } = opened): Promise<boolean> => {
      const key = createPublicKey({ key: await signer.publicKeyJwk() as JsonWebKey, format: 'jwk' })
      return signer.algorithm === 'Ed25519' ? verify(null, bytes, key, signature) : verify('sha256', bytes, { key, dsaEncoding: 'ieee-p1363' } as { key: KeyObject, dsaEncoding: 'ieee-p1363' }, signature)
    }

    it('what it signs is proved by its public key, empty and large messages too', async () => {
      for (const message of [new Uint8Array(), Buffer.from('one'), Buffer.alloc(200_000, 7)]) {
        const signature = await opened.signer.sign(message)
        assert.equal(signature.byteLength, 64)
        assert.equal(await holds(message, signature), true)
      }
    })

    it('neither another message nor a changed signature is proved', async () => {
      const signature = await opened.signer.sign(Buffer.from('one'))
      assert.equal(await holds(Buffer.from('two'), signature), false)
      const changed = Uint8Array.from(signature)
      changed[10]! ^= 1
      assert.equal(await holds(Buffer.from('one'), changed), false)
    })

    it('the public key names key and version and holds nothing private', async () => {
      const jwk = await opened.signer.publicKeyJwk()
      assert.equal(jwk['kid'], opened.signer.keyId)
      for (const secret of ['d', 'p', 'q', 'k']) assert.equal(jwk[secret], undefined)
    })

    it('two keys have two names', async () => {
      const other = await open()
      assert.notEqual(other.signer.keyId, opened.signer.keyId)
      await other.close()
    })

    it('key and name are the same after a restart', async function () {
      if (opened.reopen === undefined) return this.skip()
      const { keyId } = opened.signer
      const signature = await opened.signer.sign(Buffer.from('before'))
      opened = await opened.reopen()
      assert.equal(opened.signer.keyId, keyId)
      assert.equal(await holds(Buffer.from('before'), signature), true)
    })
  })
}
