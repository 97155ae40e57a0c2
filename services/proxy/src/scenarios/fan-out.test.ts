/** Two instances over one store: each has bundle, grants, targets and locks within a second, knows how old they are, and refuses when cut off. */
import assert from 'node:assert/strict'
import { setTimeout as wait } from 'node:timers/promises'
import { systemClock, type Clock } from '@lockkeeper/domain'
import { locks } from '@lockkeeper/domain/collections'
import { PortUnavailable, type CredentialSource } from '@lockkeeper/domain/ports'
import { policies, watchBundle, type BundleWatch, type RuleDocument, type TargetsDocument } from '@lockkeeper/policy-engine'
import { watchTargets, type WatchedTargets } from '../service.ts'
import { createTestPublisher, type TestPublisher } from '../testing/published.ts'
import { call, type Response } from '../testing/raw-client.ts'
import { loadedCatalog, startTestProxy, type TestProxy } from '../testing/test-proxy.ts'
import { createMemoryDocuments } from '../testing/memory-documents.ts'
import { startUpstream, type TestUpstream } from '../testing/test-upstream.ts'

const RULES: readonly RuleDocument[] = [{ name: 'ask', methods: ['storage.buckets.patch'], effect: 'approve' }, { name: 'rest', methods: ['*'], effect: 'allow' }]
const DENY: readonly RuleDocument[] = [{ name: 'closed', methods: ['*'], effect: 'deny' }]
const BUCKET = '/storage.googleapis.com/storage/v1/b/dev'
const WITHIN_MS = 1_000

interface Instance { readonly test: TestProxy, readonly bundles: BundleWatch, readonly targets: WatchedTargets }

describe('fan-out to two instances', () => {
  let upstream: TestUpstream
  let publisher: TestPublisher
  let instances: readonly [Instance, Instance]
  let shift = 0
  const minted: string[] = []
  const clock: Clock = { now: () => systemClock.now(), monotonic: () => systemClock.monotonic() + shift }

  const target = (changes: Partial<TargetsDocument['targets'][number]> = {}): TargetsDocument['targets'][number] =>
    ({ name: 'google', hosts: ['*.googleapis.com'], upstream: upstream.origin, credential: { secret: 'one' }, ...changes })
  const credential = (name: string): CredentialSource => {
    minted.push(name)
    return { kind: 'secret', authorization: () => `Bearer ${name}`, principal: name }
  }
  const open = async (beside?: TestProxy): Promise<Instance> => {
    const documents = beside?.documents ?? createMemoryDocuments()
    publisher = beside === undefined ? createTestPublisher(documents) : publisher
    const { key, blobs } = publisher
    const store = documents as never
    const bundles = watchBundle({ store, blobs: blobs as never, keys: [key], methods: [...(await loadedCatalog()).methods()], clock })
    const targets = watchTargets({ store, blobs, keys: [key], clock, mode: 'sandbox', credential: ({ credential: source }) => credential('secret' in source ? source.secret : 'none') })
    const test = await startTestProxy({ upstream: upstream.origin, ports: { clock, documents, policy: bundles, targets }, ...(beside === undefined ? { documents } : { beside }) })
    return { test, bundles, targets }
  }
  const both = <T>(ask: (test: TestProxy) => Promise<T>): Promise<T[]> => Promise.all(instances.map(({ test }) => ask(test)))
  const read = (test: TestProxy): Promise<Response> => call(test.origin, BUCKET, { headers: test.bearer() })
  const patch = (test: TestProxy): Promise<Response> => call(test.origin, BUCKET, { method: 'PATCH', headers: { ...test.bearer(), 'content-type': 'application/json' }, body: '{"labels":{"a":"b"}}' })
  const reasonOf = (response: Response): string => response.status === 200 ? 'none' : String((JSON.parse(response.text()) as { error: { details: { reason: string }[] } }).error.details[0]?.reason)
  /** Asks both until both answer so; how many ms that took. */
  const until = async (wanted: string): Promise<number> => {
    const from = performance.now()
    while (!(await both(read)).every((response) => reasonOf(response) === wanted)) {
      assert.ok(performance.now() - from < 5_000, `not ${wanted} within 5 s`)
      await wait(10)
    }
    return performance.now() - from
  }

  beforeEach(async () => {
    shift = 0
    minted.length = 0
    upstream = await startUpstream()
    const first = await open()
    instances = [first, await open(first.test)]
    await publisher.bundle(RULES)
    await publisher.targets([target()])
    await Promise.all(instances.flatMap(({ bundles, targets }) => [bundles.ready, targets.ready]))
  })
  afterEach(async () => {
    const { documents } = instances[0].test
    documents.beating = true
    documents.beforeAnswer = () => Promise.resolve()
    for (const { test, bundles, targets } of instances) {
      bundles.close()
      targets.close()
      await test.stop()
    }
    await upstream.stop()
  })

  it('invariant 11: a bundle is in force at both within a second', async () => {
    await until('none')
    await publisher.bundle(DENY)
    assert.ok(await until('POLICY_DENIED') < WITHIN_MS)
  })

  it('invariant 11: a lock stops both within a second, and its lifting lets both go on', async () => {
    await until('none')
    const { test } = instances[0]
    test.lock({ kind: 'everything' })
    assert.ok(await until('AGENT_LOCKED') < WITHIN_MS)
    test.documents.put(locks.name, 'lock_1', undefined)
    assert.ok(await until('none') < WITHIN_MS)
  })

  it('invariant 5: a grant releases what both hold within a second, and the call is dialled once', async () => {
    const held = both(patch)
    const { desk } = instances[0].test
    while (desk.requests.length === 0 || instances.some(({ test }) => test.proxy.status().held === 0)) await wait(5)
    const from = performance.now()
    desk.decide(desk.requests[0]?.id ?? '', 'approved')
    const answers = await held
    assert.ok(performance.now() - from < WITHIN_MS)
    assert.deepEqual(answers.map(({ status }) => status), [200, 200])
    assert.equal(upstream.seen.length, 1)
  })

  it('targets swap at both within a second: a new one is reached, a removed one refused', async () => {
    await until('none')
    await publisher.targets([target({ hosts: ['bigquery.googleapis.com'] })])
    assert.ok(await until('TARGET_UNKNOWN') < WITHIN_MS)
    await publisher.targets([target()])
    assert.ok(await until('none') < WITHIN_MS)
  })

  it('a call that is on its way ends as it began when its target is removed', async () => {
    const arrived = Promise.withResolvers<() => void>()
    upstream.answer = (_request, response) => arrived.resolve(() => void response.writeHead(200, { 'content-type': 'application/json' }).end('{"name":"dev"}'))
    const answer = read(instances[0].test)
    const release = await arrived.promise
    await publisher.targets([target({ hosts: ['bigquery.googleapis.com'] })])
    await until('TARGET_UNKNOWN')
    release()
    assert.equal((await answer).text(), '{"name":"dev"}')
  })

  it('a change of targets drops no call', async () => {
    const answers: Promise<Response>[] = []
    for (let at = 0; at < 40; at++) {
      answers.push(...instances.map(({ test }) => read(test)))
      if (at % 10 === 5) await publisher.targets([target({ credential: { secret: `s${at}` } })])
      await wait(5)
    }
    assert.deepEqual([...new Set((await Promise.all(answers)).map(({ status }) => status))], [200])
  })

  it('what did not change keeps its credential; what changed goes out with the new one', async () => {
    await until('none')
    assert.deepEqual(minted, ['one', 'one'])
    await publisher.targets([target({ hosts: ['storage.googleapis.com'] }), target({ name: 'more', hosts: ['*.googleapis.com'], credential: { secret: 'two' } })])
    while (instances.some(({ targets }) => targets.all.length < 2)) await wait(5)
    assert.deepEqual(minted, ['one', 'one', 'two', 'two'])
    await publisher.targets([target({ credential: { secret: 'three' } })])
    while (instances.some(({ targets }) => targets.all.length > 1)) await wait(5)
    await both(read)
    assert.equal(upstream.seen.at(-1)?.headers['authorization'], 'Bearer three')
  })

  it('invariant 11: a call that was held while its target changed is not sent', async () => {
    const held = patch(instances[0].test)
    const { desk, proxy } = instances[0].test
    while (desk.requests.length === 0 || proxy.status().held === 0) await wait(5)
    await publisher.targets([target({ credential: { secret: 'other' } })])
    while (instances[0].targets.find('storage.googleapis.com')?.credential.principal !== 'other') await wait(5)
    desk.decide(desk.requests[0]?.id ?? '', 'approved')
    assert.equal(reasonOf(await held), 'STATE_CHANGED')
    assert.equal(upstream.seen.length, 0)
  })

  const bad: readonly (readonly [string, () => Promise<void>, RegExp])[] = [
    ['a target set signed as something else', async () => {
      const pointer = await publisher.targets([target({ name: 'evil' })])
      const bundle = await publisher.bundle(RULES)
      publisher.show({ ...pointer, sequence: pointer.sequence + 5, signature: bundle.signature })
    }, /not sound/],
    ['an older target set', async () => {
      const [old] = [await publisher.targets([target({ name: 'old' })]), await publisher.targets([target()])]
      publisher.show(old)
    }, /older/],
    ['a target set with a real credential in the sandbox', async () => void await publisher.targets([target({ credential: { adc: true } })]), /real credential/],
    ['a target set of another form', async () => void await publisher.targets([{ ...target(), extra: 1 } as never]), /cannot be read/],
  ]
  for (const [title, show, pattern] of bad) {
    it(`${title} leaves the old one in force, and that is said`, async () => {
      await until('none')
      await show()
      while (!instances.every(({ targets }) => pattern.test(targets.problem() ?? ''))) await wait(5)
      assert.deepEqual((await both(read)).map(reasonOf), ['none', 'none'])
    })
  }

  it('invariant 10: both know the age of what they hold, and refuse once they are cut off for longer than 5 s', async () => {
    await until('none')
    const { documents } = instances[0].test
    for (const { test } of instances) {
      const { policyAgeMs, locksAgeMs, approvalsAgeMs, targetsAgeMs } = test.proxy.status()
      for (const age of [policyAgeMs, locksAgeMs, approvalsAgeMs, targetsAgeMs]) assert.ok(age >= 0 && age < 1_000, String(age))
    }
    documents.beating = false
    documents.beforeAnswer = () => Promise.reject(new PortUnavailable('cut off'))
    shift += 4_000
    assert.deepEqual((await both(read)).map(reasonOf), ['none', 'none'])
    shift += 1_100
    for (const { test } of instances) assert.ok(Math.min(...Object.values(test.proxy.status()).filter((value) => value > 5)) > 5_000)
    assert.deepEqual((await both(read)).map(reasonOf), ['POLICY_STALE', 'POLICY_STALE'])
    documents.beating = true
    documents.beforeAnswer = () => Promise.resolve()
    assert.ok(await until('none') < WITHIN_MS)
  })

  for (const one of ['policy and targets', 'locks']) {
    it(`invariant 10: an instance that sees all but ${one} refuses`, async () => {
      await until('none')
      const { documents } = instances[0].test
      // Only the set in question falls silent: the others hear their writer.
      documents.silent.add(one === 'locks' ? locks.name : policies.name)
      documents.beforeAnswer = () => Promise.reject(new PortUnavailable('cut off'))
      shift += 5_100
      while (instances.some(({ test }) => (one === 'locks' ? test.proxy.status().policyAgeMs : test.proxy.status().locksAgeMs) > 5_000)) await wait(5)
      assert.deepEqual((await both(read)).map(reasonOf), ['POLICY_STALE', 'POLICY_STALE'])
      documents.silent.clear()
    })
  }
})
