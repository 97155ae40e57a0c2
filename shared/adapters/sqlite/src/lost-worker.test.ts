import { strict as assert } from 'node:assert'
import { spawnSync } from 'node:child_process'
import { join } from 'node:path'
import { PortUnavailable } from '@lockkeeper/domain/ports'
import { anEvent, collector, manualClock, tempDir, THINGS } from '@lockkeeper/testkit'
import { openSqlite, type SqliteStore } from './index.ts'

const workerUrl = new URL('./testing/failing-worker.ts', import.meta.url)
const everything = { name: 'all', equal: {} }
const failing = (fault: string, more: object = {}): Promise<SqliteStore> => openSqlite({ file: join(tempDir(), fault), collections: [THINGS], workerUrl, ...more })

describe('SQLite: a worker that is lost', () => {
  for (const fault of ['exits', 'throws']) {
    it(`invariant 10: when it ${fault}, all that waits and all that follows is PortUnavailable and the owner is told`, async () => {
      const failures = collector<Error>()
      const store = await failing(fault, { onFailure: failures.add })
      await assert.rejects(store.events.publish('locks', [anEvent({})]), PortUnavailable)
      await assert.rejects(store.documents.read([{ collection: THINGS, id: 'a' }]), PortUnavailable)
      await assert.rejects(store.documents.watch(THINGS, everything, () => undefined).ready, PortUnavailable)
      assert.equal((await failures.count(1)).length, 1)
      await store.close()
    })
  }

  it('invariant 10: one that does not answer is PortUnavailable after the time-out', async () => {
    const store = await failing('silent', { timeoutMs: 40 })
    await assert.rejects(store.events.publish('locks', [anEvent({})]), /did not answer within 40 ms/)
    await store.close()
  })

  it('more waiting operations than the store can hold are refused at once', async () => {
    const store = await failing('silent')
    const reads = Array.from({ length: 50_000 }, () => store.documents.read([{ collection: THINGS, id: 'a' }]))
    const settled = Promise.allSettled(reads)
    await assert.rejects(store.events.publish('locks', [anEvent({})]), /50000 operations waiting and takes no more/)
    await store.close()
    assert.ok((await settled).every(result => result.status === 'rejected' && result.reason instanceof PortUnavailable))
  })

  for (const fault of ['silent', 'gap']) {
    it(`invariant 11: a watch grows old when the worker is ${fault}`, async () => {
      const clock = manualClock()
      const store = await failing(fault, { clock })
      const watch = store.documents.watch(THINGS, everything, () => undefined)
      await watch.ready
      clock.advance(6000)
      // The next answer proves life again; beats of a worker that is silent or ahead of us do not.
      await new Promise(resolve => setTimeout(resolve, 30))
      assert.equal(watch.age(), 6000)
      await store.close()
    })
  }

  it('a watch of a live worker is as young as its last beat', async () => {
    const clock = manualClock()
    const store = await openSqlite({ file: join(tempDir(), 'store.sqlite'), collections: [THINGS], clock, beatMs: 5 })
    const watch = store.documents.watch(THINGS, everything, () => undefined)
    await watch.ready
    clock.advance(6000)
    const beaten = Promise.withResolvers<void>()
    const timer = setInterval(() => { if (watch.age() === 0) beaten.resolve() }, 5)
    await beaten.promise
    clearInterval(timer)
    await store.close()
  })

  it('a closed store refuses, and closing it twice is no error', async () => {
    const store = await openSqlite({ file: join(tempDir(), 'store.sqlite'), collections: [THINGS] })
    await store.close()
    await store.close()
    await assert.rejects(store.events.publish('locks', [anEvent({})]), PortUnavailable)
    await assert.rejects(store.documents.read([{ collection: THINGS, id: 'a' }]), PortUnavailable)
  })

  it('a listener that throws ends the process', function () {
    this.timeout(10_000)
    const script = `
      import { openSqlite } from ${JSON.stringify(new URL('./index.ts', import.meta.url).href)}
      const collection = { name: 'c', queries: { all: { equal: [] } } }
      const store = await openSqlite({ file: ${JSON.stringify(join(tempDir(), 'store.sqlite'))}, collections: [collection] })
      await store.documents.watch(collection, { name: 'all', equal: {} }, () => { throw new Error('my own mistake') }).ready
      setInterval(() => undefined, 1000)`
    const { status, stderr } = spawnSync(process.execPath, ['--input-type=module', '-e', script], { encoding: 'utf8', timeout: 9000 })
    assert.notEqual(status, 0)
    assert.match(stderr, /my own mistake/)
  })
})
