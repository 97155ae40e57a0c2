import assert from 'node:assert/strict'
import { PortUnavailable, type BlobStore, type CredentialSource } from '@lockkeeper/domain/ports'
import { manualClock } from '@lockkeeper/testkit'
import type { TargetsDocument } from '@lockkeeper/policy-engine'
import { createTargets, type Targets } from './targets.ts'
import { watchTargets, type WatchedTargets } from './targets-watch.ts'
import { createMemoryDocuments, type MemoryDocuments } from './testing/memory-documents.ts'
import { createTestPublisher, type TestPublisher } from './testing/published.ts'
import { call } from './testing/raw-client.ts'
import { startTestProxy } from './testing/test-proxy.ts'
import { startUpstream } from './testing/test-upstream.ts'

const SOURCE = {} as CredentialSource

describe('watched targets', () => {
  let documents: MemoryDocuments
  let publisher: TestPublisher
  let watched: WatchedTargets | undefined
  const target = (name: string, host: string, credential: TargetsDocument['targets'][number]['credential'] = { none: true }): TargetsDocument['targets'][number] => ({ name, hosts: [host], credential })
  const open = (options: Partial<Parameters<typeof watchTargets>[0]> = {}): WatchedTargets => {
    watched = watchTargets({ store: documents as never, blobs: publisher.blobs as BlobStore, keys: [publisher.key], clock: manualClock(), mode: 'real', credential: () => SOURCE, ...options })
    return watched
  }
  beforeEach(() => {
    documents = createMemoryDocuments()
    publisher = createTestPublisher(documents)
  })
  afterEach(() => {
    watched?.close()
    documents.stop()
  })

  it('before the first set no host is known and the view is endlessly old', () => {
    const targets = open()
    assert.equal(targets.find('a.example.com'), undefined)
    assert.equal(targets.age(), Infinity)
  })

  it('invariant 12: accounts that a published target borrows are out of every agent\'s reach', async () => {
    const targets = open()
    await publisher.targets([target('google', '*.googleapis.com', { impersonate: 'agents@p.iam.gserviceaccount.com', delegates: ['between@p.iam.gserviceaccount.com'] })])
    await targets.ready
    for (const account of ['agents', 'between']) assert.ok(targets.protectedResources.includes(`//iam.googleapis.com/projects/*/serviceAccounts/${account}@p.iam.gserviceaccount.com`))
  })

  it('invariant 14: in real mode a set that would send a credential to a plain-http upstream is not taken', async () => {
    const targets = open()
    await publisher.targets([{ ...target('app', 'app.example.com', { secret: 's' }), upstream: 'http://10.0.0.1' }])
    while (targets.problem() === undefined) await new Promise(setImmediate)
    assert.match(targets.problem() ?? '', /plain-http upstream/)
    assert.equal(targets.find('app.example.com'), undefined)
  })

  it('a set whose credential cannot be made here, or that this place has something against, leaves the old one', async () => {
    const targets = open({
      problems: (all) => all.some(({ name }) => name === 'unwanted') ? ['not here'] : [],
      credential: ({ name }) => {
        if (name === 'broken') throw new TypeError('no such source')
        return SOURCE
      },
    })
    await publisher.targets([target('app', 'app.example.com')])
    await targets.ready
    for (const [name, pattern] of [['broken', /no such source/], ['unwanted', /not here/]] as const) {
      await publisher.targets([target(name, 'other.example.com')])
      while (!pattern.test(targets.problem() ?? '')) await new Promise(setImmediate)
      assert.deepEqual(targets.all.map(({ name: kept }) => kept), ['app'])
    }
    await publisher.targets([target('app', 'new.example.com')])
    while (targets.problem() !== undefined) await new Promise(setImmediate)
    assert.equal(targets.find('new.example.com')?.name, 'app')
  })

  const views: readonly (readonly [string, () => Promise<void>, number])[] = [
    ['cannot be read', () => Promise.reject(new PortUnavailable('down')), 503], ['are read and still old', () => Promise.resolve(), 503], ['never answer', () => new Promise(() => undefined), 503],
    ['are fresh once they were read', async () => { age = 0 }, 200],
  ]
  let age = 0
  for (const [title, refresh, wanted] of views) {
    it(`invariant 10: a call while targets are too old and ${title} is answered ${wanted}`, async () => {
      const upstream = await startUpstream()
      const standing = createTargets([{ name: 'google', hosts: ['*.googleapis.com'], upstream: upstream.origin }], () => ({ kind: 'none', authorization: () => undefined, principal: 'none' }))
      const targets: Targets = { ...standing, age: () => age, refresh }
      const test = await startTestProxy({ upstream: upstream.origin, ports: { targets } })
      age = 5_001
      const answer = await call(test.origin, '/storage.googleapis.com/storage/v1/b/dev', { headers: test.bearer() })
      assert.equal(answer.status, wanted)
      assert.equal(upstream.seen.length, wanted === 200 ? 1 : 0)
      await test.stop()
      await upstream.stop()
    })
  }
})
