import assert from 'node:assert/strict'
import { generateKeyPairSync, sign, type KeyObject } from 'node:crypto'
import { setImmediate as nextTurn } from 'node:timers/promises'
import { PortUnavailable, type BlobStore, type DocumentStore, type Signer, type WatchChange } from '@lockkeeper/domain/ports'
import type { Heartbeat } from '@lockkeeper/domain/collections'
import { CURRENT_ID, createSlices, decodeBundle, encodeBundle, signPointer, verifyPointer, watchBundle, type PolicyDocument, type SignedPointer, type VerifyKey } from './index.ts'
import { agent, bucket, call, document, METHODS } from './testing/samples.ts'

type Change = WatchChange<SignedPointer | Heartbeat>

class TestClock {
  at = 1_000
  now(): number { return this.at }
  monotonic(): number { return this.at }
}

function signerOf(keyId: string, keys: { privateKey: KeyObject, publicKey: KeyObject } = generateKeyPairSync('ed25519')): { signer: Signer, key: VerifyKey } {
  const jwk = keys.publicKey.export({ format: 'jwk' }) as Record<string, string>
  const algorithm = jwk.kty === 'OKP' ? 'Ed25519' : 'ES256'
  const signBytes = (bytes: Uint8Array) => algorithm === 'Ed25519' ? sign(null, bytes, keys.privateKey) : sign('sha256', bytes, keys.privateKey)
  return { signer: { keyId, algorithm, sign: async (bytes) => signBytes(bytes), publicKeyJwk: async () => jwk }, key: { keyId, algorithm, jwk } }
}

const { signer, key } = signerOf('file:one')
const get = call('storage.objects.get', { resources: [bucket('x')] })

function world() {
  const clock = new TestClock()
  const blobs = new Map<string, Uint8Array>()
  const problems: (string | undefined)[] = []
  let listener: ((changes: readonly Change[]) => void) | undefined
  let current: SignedPointer | undefined
  let beat = 0
  const state = { blobOutage: false, storeOutage: false }
  const store = {
    read: async () => {
      if (state.storeOutage) throw new PortUnavailable('down')
      return [current === undefined ? undefined : { id: CURRENT_ID, version: '1', data: current }]
    },
    watch: (_collection: unknown, _query: unknown, given: (changes: readonly Change[]) => void) => {
      listener = given
      return { ready: Promise.resolve(), age: () => 0, close: () => { listener = undefined } }
    },
  } as unknown as DocumentStore
  const blobStore = {
    read: async (name: string) => {
      if (state.blobOutage) throw new PortUnavailable('down')
      return blobs.get(name)
    },
  } as unknown as BlobStore
  return {
    clock, state, problems,
    show: (pointer: SignedPointer | undefined) => { listener?.([{ id: CURRENT_ID, ...(pointer === undefined ? {} : { doc: { id: CURRENT_ID, version: '1', data: pointer } }) }]) },
    store: (pointer: SignedPointer) => { current = pointer },
    beat: () => { listener?.([{ id: 'heartbeat', doc: { id: 'heartbeat', version: '1', data: { kind: 'heartbeat', id: 'heartbeat', live: true, at: clock.at, beat: ++beat } } }]) },
    async publish(sequence: number, documents: readonly PolicyDocument[], by: Signer = signer): Promise<SignedPointer> {
      const bundle = await encodeBundle({ documents, methods: 'm' }, createSlices(clock, () => nextTurn()))
      blobs.set(bundle.key, bundle.bytes)
      return signPointer({ version: bundle.version, key: bundle.key, sequence, rules: 1, publishedAt: 1, by: 'ann' }, by)
    },
    watch: () => watchBundle({ store, blobs: blobStore, keys: [key], methods: METHODS, clock, onProblem: (problem) => { problems.push(problem) } }),
    async settle(): Promise<void> { for (let turn = 0; turn < 20; turn++) await nextTurn() },
  }
}

const allowing = [document('p', [{ name: 'a', methods: ['*'], effect: 'allow' }])]
const denying = [document('p', [{ name: 'd', methods: ['*'], effect: 'deny' }])]

describe('policy bundles: form', () => {
  it('a bundle reads back as it was written, and its version names its bytes', async () => {
    const slices = createSlices(new TestClock(), () => nextTurn())
    const bundle = { documents: [...allowing, document('q', [])], methods: 'digest' }
    const { version, bytes } = await encodeBundle(bundle, slices)
    assert.deepEqual(await decodeBundle(bytes, version, slices), bundle)
    assert.equal((await encodeBundle(bundle, slices)).version, version)
    for (let at = 0; at < bytes.length; at += 7) {
      const changed = Uint8Array.from(bytes)
      changed[at] = (changed[at] ?? 0) ^ 1
      assert.ok('problem' in await decodeBundle(changed, version, slices))
    }
  })

  it('a change of any signed part breaks the signature, with both algorithms', async () => {
    for (const pair of [signerOf('k'), signerOf('k', generateKeyPairSync('ec', { namedCurve: 'P-256' }))]) {
      const pointer = await signPointer({ version: 'v', key: 'bundles/v', sequence: 1, rules: 1, publishedAt: 1, by: 'ann' }, pair.signer)
      assert.equal(verifyPointer(pointer, [pair.key]), undefined)
      for (const change of [{ version: 'w' }, { key: 'bundles/w' }, { sequence: 2 }, { rules: 2 }, { publishedAt: 2 }, { by: 'eve' }, { signature: '' }, { signature: pointer.signature.slice(2) }]) {
        assert.match(verifyPointer({ ...pointer, ...change }, [pair.key]) ?? '', /not sound/, JSON.stringify(change))
      }
      assert.match(verifyPointer({ ...pointer, keyId: 'other' }, [pair.key]) ?? '', /not trusted/)
      assert.match(verifyPointer(pointer, [signerOf('k').key]) ?? '', /not sound/)
    }
  })
})

describe('policy bundles: watching', () => {
  it('a sound bundle comes into force and the next one replaces it whole', async () => {
    const on = world()
    const watch = on.watch()
    assert.equal(watch.current(), undefined)
    assert.equal(watch.age(), Infinity)
    on.show(await on.publish(1, allowing))
    await watch.ready
    assert.equal(watch.current()?.decide(agent(), get).effect, 'allow')
    on.show(await on.publish(2, denying))
    await on.settle()
    assert.equal(watch.current()?.decide(agent(), get).effect, 'deny')
    assert.deepEqual(on.problems, [])
    watch.close()
  })

  const hostile: readonly (readonly [string, (on: ReturnType<typeof world>) => Promise<SignedPointer | undefined>, RegExp])[] = [
    ['signed by another key of the same name', async (on) => on.publish(2, denying, signerOf('file:one').signer), /not sound/],
    ['signed by an unknown key', async (on) => on.publish(2, denying, signerOf('file:two').signer), /not trusted/],
    ['changed after it was signed', async (on) => ({ ...await on.publish(2, denying), sequence: 3 }), /not sound/],
    ['older than the one in force', async (on) => on.publish(0, denying), /older/],
    ['another one of the same place', async (on) => on.publish(1, denying), /same place/],
    ['of another catalog, so that it does not compile', async (on) => on.publish(2, [document('p', [{ name: 'd', methods: ['nope.nope'], effect: 'deny' }])]), /does not compile here \(it was checked with another catalog\).*matches no known method/],
    ['removed', async () => undefined, /removed/],
  ]
  for (const [title, make, pattern] of hostile) {
    it(`a bundle that is ${title} leaves the old one in force, and that is said`, async () => {
      const on = world()
      const watch = on.watch()
      const first = await on.publish(1, allowing)
      on.show(first)
      await watch.ready
      on.show(await make(on))
      await on.settle()
      assert.equal(watch.current()?.decide(agent(), get).effect, 'allow')
      assert.match(watch.problem() ?? '', pattern)
      on.show(await on.publish(4, denying))
      await on.settle()
      assert.equal(watch.current()?.decide(agent(), get).effect, 'deny')
      assert.equal(watch.problem(), undefined)
      watch.close()
    })
  }

  it('bytes that are not those that were signed are not compiled', async () => {
    const on = world()
    const watch = on.watch()
    const good = await on.publish(1, allowing)
    const other = await on.publish(2, denying)
    on.show(await signPointer({ ...good, key: other.key, sequence: 3 }, signer))
    await on.settle()
    assert.equal(watch.current(), undefined)
    assert.match(watch.problem() ?? '', /not those that were signed/)
    watch.close()
  })

  it('invariant 11: without heartbeats the view ages, with them it does not', async () => {
    const on = world()
    const watch = on.watch()
    on.show(await on.publish(1, allowing))
    await watch.ready
    on.clock.at += 3_000
    assert.equal(watch.age(), 3_000)
    on.beat()
    assert.equal(watch.age(), 0)
    on.clock.at += 6_000
    assert.equal(watch.age(), 6_000)
    watch.close()
    assert.equal(watch.age(), Infinity)
  })

  it('invariant 11: a heartbeat that repeats itself proves nothing', async () => {
    const on = world()
    const watch = on.watch()
    on.show(await on.publish(1, allowing))
    await watch.ready
    on.beat()
    on.clock.at += 6_000
    on.show(await on.publish(1, allowing))
    assert.equal(watch.age(), 6_000)
    watch.close()
  })

  it('invariant 11: a newer bundle that cannot be loaded ages the view although heartbeats come, until it is there', async () => {
    const on = world()
    const watch = on.watch()
    on.show(await on.publish(1, allowing))
    await watch.ready
    on.state.blobOutage = true
    on.show(await on.publish(2, denying))
    await on.settle()
    on.clock.at += 6_000
    on.beat()
    assert.equal(watch.age(), 6_000)
    assert.match(watch.problem() ?? '', /cannot be loaded/)
    on.state.blobOutage = false
    while (watch.problem() !== undefined) await nextTurn()
    assert.equal(watch.current()?.decide(agent(), get).effect, 'deny')
    assert.equal(watch.age(), 0)
    watch.close()
  })

  it('a strong read finds what the watch did not tell, and fails where the store does', async () => {
    const on = world()
    const watch = on.watch()
    on.show(await on.publish(1, allowing))
    await watch.ready
    on.clock.at += 9_000
    on.store(await on.publish(2, denying))
    await Promise.all([watch.refresh(), watch.refresh()])
    assert.equal(watch.age(), 0)
    assert.equal(watch.current()?.decide(agent(), get).effect, 'deny')
    on.state.storeOutage = true
    on.clock.at += 9_000
    await assert.rejects(watch.refresh(), PortUnavailable)
    assert.equal(watch.age(), 9_000)
    watch.close()
  })

  it('a watch that is closed before its first policy says so to who waits', async () => {
    const watch = world().watch()
    watch.close()
    await assert.rejects(watch.ready, /closed/)
  })
})
