/** For tests: the policy service as a proxy sees it: signed bundles and target sets in the watched collection. */
import { generateKeyPairSync, sign } from 'node:crypto'
import type { Signer } from '@lockkeeper/domain/ports'
import { createSlices, CURRENT_ID, encodeBundle, encodeTargets, policies, signPointer, signTargetsPointer, TARGETS_ID, type RuleDocument, type SignedPointer, type SignedTargetsPointer, type TargetsDocument, type VerifyKey } from '@lockkeeper/policy-engine'
import { systemClock } from '@lockkeeper/domain'
import type { MemoryDocuments } from './memory-documents.ts'

export interface TestPublisher {
  readonly key: VerifyKey
  readonly blobs: { read(key: string): Promise<Uint8Array | undefined> }
  bundle(rules: readonly RuleDocument[]): Promise<SignedPointer>
  targets(targets: TargetsDocument['targets']): Promise<SignedTargetsPointer>
  /** Shows a pointer to whoever watches, whether it is right or not. */
  show(pointer: SignedPointer | SignedTargetsPointer): void
}

export function createTestPublisher(documents: Pick<MemoryDocuments, 'put'>): TestPublisher {
  const keys = generateKeyPairSync('ed25519')
  const jwk = keys.publicKey.export({ format: 'jwk' }) as Record<string, string>
  const signer: Signer = { keyId: 'test', algorithm: 'Ed25519', sign: async (bytes) => sign(null, bytes, keys.privateKey), publicKeyJwk: async () => jwk }
  const kept = new Map<string, Uint8Array>()
  const show: TestPublisher['show'] = (pointer) => documents.put(policies.name, pointer.kind === 'bundle' ? CURRENT_ID : TARGETS_ID, pointer)
  let sequence = 0
  const facts = ({ version, key, bytes }: { readonly version: string, readonly key: string, readonly bytes: Uint8Array }) => {
    kept.set(key, bytes)
    return { version, key, sequence: ++sequence, publishedAt: systemClock.now(), by: 'ann' }
  }
  return {
    key: { keyId: 'test', algorithm: 'Ed25519', jwk }, blobs: { read: async (key) => kept.get(key) }, show,
    async bundle(rules) {
      const document = { apiVersion: 'lockkeeper.dev/v1' as const, kind: 'Policy' as const, metadata: { name: 'tests', owner: 'tests' }, agents: ['*'], rules: [...rules] }
      const pointer = await signPointer({ ...facts(await encodeBundle({ documents: [document], methods: 'm' }, createSlices(systemClock, async () => undefined))), rules: rules.length }, signer)
      show(pointer)
      return pointer
    },
    async targets(targets) {
      const pointer = await signTargetsPointer({ ...facts(encodeTargets({ apiVersion: 'lockkeeper.dev/v1', kind: 'Targets', targets })), targets: targets.length }, signer)
      show(pointer)
      return pointer
    },
  }
}
