import assert from 'node:assert/strict'
import { generateKeyPairSync, sign } from 'node:crypto'
import type { Signer } from '@lockkeeper/domain/ports'
import { decodeTargets, encodeTargets, signPointer, signTargetsPointer, targetProblems, verifyPointer, verifyTargetsPointer, type SignedPointer, type SignedTargetsPointer, type TargetConfig, type TargetsDocument, type VerifyKey } from './index.ts'

const keys = generateKeyPairSync('ed25519')
const jwk = keys.publicKey.export({ format: 'jwk' }) as Record<string, string>
const signer: Signer = { keyId: 'k', algorithm: 'Ed25519', sign: async (bytes) => sign(null, bytes, keys.privateKey), publicKeyJwk: async () => jwk }
const key: VerifyKey = { keyId: 'k', algorithm: 'Ed25519', jwk }
const POINTER = { version: 'v', key: 'targets/v', sequence: 1, publishedAt: 1, by: 'ann' }
const DOCUMENT: TargetsDocument = { apiVersion: 'lockkeeper.dev/v1', kind: 'Targets', targets: [{ name: 'google', hosts: ['*.googleapis.com'], credential: { impersonate: 'a@p.iam.gserviceaccount.com', lifetime: '5m' } }] }

describe('target sets', () => {
  it('a set reads back with its defaults, and its version names its bytes', () => {
    const { version, bytes } = encodeTargets(DOCUMENT)
    const read = decodeTargets(bytes, version, 'real')
    assert.ok('targets' in read)
    const [target] = read.targets
    assert.ok(target !== undefined && 'impersonate' in target.credential)
    assert.deepEqual([target.credential.lifetime, target.sendsCredential], [300_000, false])
    for (let at = 0; at < bytes.length; at += 5) {
      const changed = Uint8Array.from(bytes)
      changed[at] = (changed[at] ?? 0) ^ 1
      assert.ok('problem' in decodeTargets(changed, version, 'real'))
    }
  })

  it('invariant 14: a set of the one mode is no good in the other', () => {
    const { version, bytes } = encodeTargets(DOCUMENT)
    assert.match(JSON.stringify(decodeTargets(bytes, version, 'sandbox')), /does not fit mode sandbox.*real credential/)
  })

  for (const change of [{ version: 'w' }, { key: 'targets/w' }, { sequence: 2 }, { targets: 2 }, { publishedAt: 2 }, { by: 'eve' }, { signature: '' }]) {
    it(`a pointer whose ${Object.keys(change).join()} was changed is not sound`, async () => {
      const pointer = await signTargetsPointer({ ...POINTER, targets: 1 }, signer)
      assert.equal(verifyTargetsPointer(pointer, [key]), undefined)
      assert.match(verifyTargetsPointer({ ...pointer, ...change }, [key]) ?? '', /not sound/)
    })
  }

  it('a pointer to a bundle does not pass for one to targets, nor the other way round', async () => {
    const [bundle, targets] = [await signPointer({ ...POINTER, rules: 1 }, signer), await signTargetsPointer({ ...POINTER, targets: 1 }, signer)]
    assert.match(verifyTargetsPointer({ ...bundle, kind: 'targets', targets: 1 } as unknown as SignedTargetsPointer, [key]) ?? '', /not sound/)
    assert.match(verifyPointer({ ...targets, kind: 'bundle', rules: 1 } as unknown as SignedPointer, [key]) ?? '', /not sound/)
  })

  const target = (changes: Partial<TargetConfig> = {}): TargetConfig => ({ name: 'a', hosts: ['a.example.com'], credential: { secret: 's' }, sendsCredential: false, allowPrivateAddresses: false, ...changes })
  const wrong: readonly (readonly [string, 'real' | 'sandbox', readonly TargetConfig[], RegExp | undefined])[] = [
    ['one of real mode', 'real', [target()], undefined],
    ['a plain-http upstream with a credential', 'real', [target({ upstream: 'http://x.example.com' })], /plain-http/],
    ['a plain-http upstream without one', 'real', [target({ upstream: 'http://x.example.com', credential: { none: true } })], undefined],
    ['another https upstream', 'real', [target({ upstream: 'https://x.example.com' })], /sendsCredential/],
    ['another https upstream that is meant', 'real', [target({ upstream: 'https://x.example.com', sendsCredential: true })], undefined],
    ['no loopback in the sandbox', 'sandbox', [target()], /loopback/],
    ['a host of two targets', 'real', [target(), target({ name: 'b' })], /target a has this host/],
  ]
  for (const [title, mode, targets, pattern] of wrong) {
    it(`${title} is ${pattern === undefined ? 'sound' : 'a problem'}`, () => {
      const problems = targetProblems(targets, mode).map(({ message }) => message).join()
      if (pattern === undefined) assert.equal(problems, '')
      else assert.match(problems, pattern)
    })
  }
})
