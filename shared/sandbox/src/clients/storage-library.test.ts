import assert from 'node:assert/strict'
import { randomBytes } from 'node:crypto'
import { EventEmitter } from 'node:events'
import type { Bucket } from '@google-cloud/storage'
import { startSandboxUpstream } from '../upstream/upstream.ts'
import type { SandboxUpstream } from '../upstream/upstream.ts'
import { storageClients } from './storage-clients.ts'
import { storageAt } from './test-storage.ts'

describe('@google-cloud/storage against the sandbox', () => {
  let upstream: SandboxUpstream
  let bucket: Bucket
  // The library hangs 12 listeners for each kind on the stream of one answer, whatever its size and however many there were before: no leak.
  const listeners = EventEmitter.defaultMaxListeners
  before(() => { EventEmitter.defaultMaxListeners = 12 })
  after(() => { EventEmitter.defaultMaxListeners = listeners })

  beforeEach(async () => {
    upstream = await startSandboxUpstream({ largeListing: 2_100 })
    bucket = storageAt(upstream).bucket('agent-workspace')
  })
  afterEach(() => upstream.close())

  const uploads = [['in one multipart request', { resumable: false }], ['in one resumable request', { resumable: true }], ['in resumable chunks', { resumable: true, chunkSize: 512 * 1024 }]] as const
  for (const [title, options] of uploads) {
    it(`1.5 MB go up ${title} and come back with checksums verified`, async () => {
      const sent = randomBytes(1_572_864 + 13)
      const file = bucket.file('dir/odd name +%.bin')
      await file.save(sent, { ...options, validation: 'crc32c', metadata: { metadata: { by: 'test' } } })
      const [received] = await file.download({ validation: 'crc32c' })
      assert.ok(sent.equals(received))
      const [metadata] = await file.getMetadata()
      assert.deepEqual([metadata.size, metadata.metadata], [String(sent.length), { by: 'test' }])
    })
  }

  it('the library pages through a long listing by itself', async () => {
    const [files] = await storageAt(upstream).bucket('large-listing').getFiles()
    assert.equal(files.length, 2_100)
    assert.equal(upstream.requests.count({ path: /large-listing/ }), 3)
  })

  it('a range comes back as asked', async () => {
    const file = bucket.file('digits')
    await file.save('0123456789', { resumable: false })
    assert.equal((await file.download({ start: 2, end: 5 }))[0].toString(), '2345')
  })

  it('a failed precondition, a missing object and a full bucket read as errors with their code', async () => {
    await bucket.file('there').save('x', { resumable: false })
    await assert.rejects(bucket.file('there').save('y', { resumable: false, preconditionOpts: { ifGenerationMatch: 0 } }), { code: 412 })
    await assert.rejects(bucket.file('absent').getMetadata(), { code: 404 })
    await assert.rejects(bucket.delete(), { code: 409 })
    assert.deepEqual(await bucket.file('absent').exists(), [false])
  })

  it('metadata, copies, composition and policies work', async () => {
    await bucket.file('a').save('A', { resumable: false })
    await bucket.file('b').save('B', { resumable: false })
    await bucket.file('a').setMetadata({ metadata: { k: 'v' } })
    await bucket.file('a').copy(bucket.file('c'))
    await bucket.combine(['a', 'b'], 'joined')
    assert.equal((await bucket.file('joined').download())[0].toString(), 'AB')
    const [policy] = await bucket.iam.getPolicy()
    policy.bindings.push({ role: 'roles/storage.objectViewer', members: ['group:g@sandbox.example.com'] })
    assert.equal((await bucket.iam.setPolicy(policy))[0].bindings.length, 1)
  })

  it('the tour\'s storage clients report what happened, refusals with their reason', async () => {
    const clients = storageClients(() => storageAt(upstream))
    const copied = await clients.copyMedia(['agent-workspace', 'media', '300000'], {})
    assert.deepEqual([copied.outcome, (copied as { same?: boolean }).same], ['answered', true])
    const listed = await clients.listObjects(['customer-exports'], {}) as unknown as { objects: readonly { metadata: object }[] }
    assert.deepEqual(listed.objects[0]?.metadata, { 'uploaded-by': 'data.owner@sandbox.example.com', reviewer: 'data.owner@sandbox.example.com' })
    const refused = await clients.deleteBucket(['customer-exports'], {})
    assert.deepEqual(refused, { outcome: 'refused', refused: { status: 409, message: 'The bucket you tried to delete is not empty.' } })
    assert.equal((await clients.deleteBucket(['old-backups'], {})).outcome, 'answered')
  })
})
