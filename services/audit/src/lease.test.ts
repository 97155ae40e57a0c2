import assert from 'node:assert/strict'
import { join } from 'node:path'
import { openSqlite, type SqliteStore } from '@lockkeeper/adapter-sqlite'
import type { DocumentStore } from '@lockkeeper/domain/ports'
import { PortUnavailable } from '@lockkeeper/domain/ports'
import { manualClock, tempDir, type ManualClock } from '@lockkeeper/testkit'
import { collections, createLease, type Lease } from './lease.ts'

describe('the lease on the log', () => {
  let store: SqliteStore
  let clock: ManualClock
  let leases: Lease[]
  const quiet = (): void => undefined
  const fail = (error: Error): void => { throw error }
  const lease = (holder: string, options: { readonly documents?: DocumentStore, readonly holdMs?: number, readonly onLost?: (error: Error) => void } = {}): Lease => {
    const made = createLease({ documents: store.documents, clock, log: { info: quiet, warn: quiet, error: quiet }, holder, onLost: quiet, ...options })
    leases.push(made)
    return made
  }
  beforeEach(async () => {
    clock = manualClock()
    leases = []
    store = await openSqlite({ file: join(tempDir(), 'store.sqlite'), collections, clock, onFailure: fail })
  })
  afterEach(async () => {
    await Promise.all(leases.map((one) => one.release()))
    await store.close()
  })

  it('one of two holds it', async () => {
    const [first, second] = [lease('one'), lease('two')]
    assert.equal(await first.take(), true)
    const waits = second.take()
    assert.deepEqual([first.held, second.held], [true, false])
    await second.release()
    assert.equal(await waits, false)
  })

  it('who gives it back lets the next one in', async () => {
    const [first, second] = [lease('one'), lease('two')]
    await first.take()
    const next = second.take()
    await first.release()
    assert.equal(await next, true)
    assert.deepEqual([first.held, second.held], [false, true])
  })

  it('a holder that vanished is followed once its time is over', async () => {
    await lease('one').take()
    clock.advance(15_001)
    const second = lease('two')
    assert.equal(await second.take(), true)
  })

  it('invariant 8: a holder that cannot renew knows by itself that it holds nothing any more', async () => {
    const lost = Promise.withResolvers<Error>()
    let down = false
    const documents: DocumentStore = { ...store.documents, transact: (refs, decide) => down ? Promise.reject(new PortUnavailable('down')) : store.documents.transact(refs, decide) }
    const first = lease('one', { documents, holdMs: 30, onLost: lost.resolve })
    await first.take()
    down = true
    clock.advance(31)
    assert.equal(first.held, false)
    assert.match((await lost.promise).message, /in time/)
  })

  it('invariant 8: a holder that was overtaken is told', async () => {
    const lost = Promise.withResolvers<Error>()
    const first = lease('one', { holdMs: 300, onLost: lost.resolve })
    await first.take()
    clock.advance(301)
    await lease('two', { holdMs: 60_000 }).take()
    assert.match((await lost.promise).message, /another process/)
  })
})
