import { strict as assert } from 'node:assert'
import { statSync } from 'node:fs'
import { join } from 'node:path'
import type { DatabaseSync } from 'node:sqlite'
import { PortUnavailable, type Ref } from '@lockkeeper/domain/ports'
import { anEvent, tempDir, THINGS, type Thing } from '@lockkeeper/testkit'
import { openSqlite } from './index.ts'
import type { Answer, Envelope, Operation } from './protocol.ts'
import { CommitGroups } from './worker/commit-groups.ts'
import { openConnection } from './worker/connection.ts'

const commit = (id: string, version: number | null, more: Partial<Extract<Operation, { kind: 'commit' }>> = {}): Operation => ({
  kind: 'commit', reads: [[THINGS.name, id, version]], writes: [['put', THINGS.name, id, '{"kind":"k","n":1}']], facts: [], now: 1, ...more,
})

function groups(limits: { maxBytes?: number, maxBacklog?: number } = {}): { readonly run: (ops: readonly Operation[]) => Answer[], readonly tidy: () => void, readonly file: string, readonly count: () => number, readonly db: DatabaseSync } {
  const settings = { file: join(tempDir(), 'store.sqlite'), collections: [THINGS], maxBytes: 1e9, maxBacklog: 100, beatMs: 250, lockWaitMs: 0, openedAt: 1, ...limits }
  const db = openConnection(settings)
  const made = new CommitGroups(db, settings)
  let id = 0
  return {
    db, file: settings.file, tidy: () => { made.tidy() }, count: () => made.group,
    run(ops) {
      const answers: Answer[] = []
      made.run(ops.map((op): Envelope => ({ id: ++id, op })), some => answers.push(...some))
      return answers
    },
  }
}

const outcome = (answer: Answer): string => 'failed' in answer ? 'failed' : (answer.value as { ok?: boolean }).ok === false ? 'conflict' : 'done'

describe('SQLite: group commit', () => {
  it('whatever waits together costs one commit', () => {
    const { run, count, db } = groups()
    assert.ok(run(Array.from({ length: 500 }, (_, index) => commit(`d${index}`, null))).every(answer => outcome(answer) === 'done'))
    assert.equal(count(), 1)
    db.close()
  })

  it('one conflict in a group fails no other, and the later of two that read the same loses', () => {
    const { run, count, db } = groups()
    assert.deepEqual(run([commit('a', null), commit('b', 99), commit('a', null), commit('c', null)]).map(outcome), ['done', 'conflict', 'conflict', 'done'])
    assert.equal(count(), 1)
    db.close()
  })

  it('the write-ahead log is moved into the file between commits and does not grow without end', () => {
    const { run, tidy, db, file } = groups({ maxBacklog: 100_000 })
    const large = 'x'.repeat(100_000)
    for (let at = 0; at < 200; at++) {
      run([commit(`d${at}`, null, { writes: [['put', THINGS.name, `d${at}`, JSON.stringify({ kind: 'k', n: at, large })]] })])
      tidy()
    }
    assert.ok(statSync(`${file}-wal`).size < 8_000_000, `${statSync(`${file}-wal`).size} bytes`)
    assert.equal(statSync(file).size > 10_000_000, true)
    assert.deepEqual(db.prepare('PRAGMA integrity_check').all().map((row) => ({ ...row })), [{ integrity_check: 'ok' }])
    db.close()
  })

  it('reads are answered before the group they came with is written', () => {
    const { run, db } = groups()
    const answers = run([commit('a', null), { kind: 'read', keys: [[THINGS.name, 'a']] }])
    assert.deepEqual('value' in answers[0]! ? answers[0].value : undefined, [null])
    assert.equal(outcome(answers[1]!), 'done')
    db.close()
  })

  it('a publish over the backlog fails alone, its writes are taken back, and acknowledging makes room', () => {
    const { run, db } = groups({ maxBacklog: 3 })
    const fact = { topic: 't', json: '{}', leases: [] }
    run([{ kind: 'register', topic: 't', name: 's', maxDeliveries: 5 }])
    const answers = run([commit('a', null, { facts: [fact, fact] }), commit('b', null, { facts: [fact, fact] }), commit('c', null)])
    assert.deepEqual(answers.map(outcome), ['done', 'failed', 'done'])
    assert.match((answers[1] as { failed: string }).failed, /of them for subscription s of t/)
    assert.deepEqual(run([{ kind: 'read', keys: [[THINGS.name, 'b']] }])[0], { id: 5, value: [null] })
    const [pulled] = run([{ kind: 'pull', subscription: 1, limit: 1, now: 5, leaseUntil: 10 }]) as { value: { rows: { seq: number }[] } }[]
    run([{ kind: 'ack', seq: pulled!.value.rows[0]!.seq }])
    assert.deepEqual(run([commit('b', null, { facts: [fact, fact] })]).map(outcome), ['done'])
    db.close()
  })

  it('versions are never given twice, not even after a group that failed', () => {
    const { run, db } = groups({ maxBytes: 64 * 4096 })
    const big = commit('big', null, { writes: [['put', THINGS.name, 'big', JSON.stringify({ kind: 'k', n: 1, text: 'x'.repeat(800_000) })]] })
    const versionOf = ([answer]: Answer[]): number => (answer as { value: { firstVersion: number } }).value.firstVersion
    const before = versionOf(run([commit('a', null)]))
    assert.deepEqual(run([big]).map(outcome), ['failed'])
    assert.ok(versionOf(run([commit('b', null)])) > before)
    db.close()
  })

  it('when the disk is full, what frees room goes through beside what finds none', () => {
    const { run, db } = groups({ maxBytes: 64 * 4096 })
    const big = commit('big', null, { writes: [['put', THINGS.name, 'big', JSON.stringify({ text: 'x'.repeat(800_000) })]] })
    run([commit('a', null)])
    const remove: Operation = { kind: 'commit', reads: [], writes: [['delete', THINGS.name, 'a', '']], facts: [], now: 1 }
    assert.deepEqual(run([big, remove, commit('b', null)]).map(outcome), ['failed', 'done', 'done'])
    db.close()
  })
})

describe('SQLite: a full disk', () => {
  it('is PortUnavailable, loses nothing and heals when room is made', async () => {
    const store = await openSqlite({ file: join(tempDir(), 'store.sqlite'), collections: [THINGS], maxBytes: 2 * 1024 * 1024 })
    const ref = (id: number): Ref<Thing> => ({ collection: THINGS, id: `d${id}` })
    const put = (id: number): Promise<unknown> => store.documents.transact([ref(id)], () => ({ writes: [{ kind: 'put', ref: ref(id), data: { kind: 'k', n: id, text: 'x'.repeat(200_000) } }], facts: [], result: null }))
    const results = await Promise.allSettled(Array.from({ length: 20 }, (_, id) => put(id)))
    const failed = results.filter(result => result.status === 'rejected')
    assert.ok(failed.length > 0 && failed.length < 20)
    assert.ok(failed.every(result => result.reason instanceof PortUnavailable))
    const docs = await store.documents.read(results.map((_, id) => ref(id)))
    assert.deepEqual(docs.map(doc => doc !== undefined), results.map(result => result.status === 'fulfilled'))
    await store.documents.transact([ref(0), ref(1)], () => ({ writes: [{ kind: 'delete', ref: ref(0) }, { kind: 'delete', ref: ref(1) }], facts: [], result: null }))
    await put(0)
    await store.events.publish('locks', [anEvent({})])
    await store.close()
  })
})
