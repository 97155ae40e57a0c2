import assert from 'node:assert/strict'
import { cloudEvent, type CloudEvent } from '@lockkeeper/domain/events'
import { tempDir } from '@lockkeeper/testkit'
import { auditRoom, closeRooms, type AuditRoom } from './audit-room.fixture.ts'

describe('audit service: facts of other services', () => {
  afterEach(closeRooms)

  it('invariant 8: what people did stands in the log once, however often the fact comes', async () => {
    const { audit, events } = await auditRoom()
    const approval = { approval: 'apr_1', agent: 'acme/shop', run: 'run-1', method: 'storage.objects.delete', resources: ['//storage/x'], mode: 'sandbox', expiresAt: 1 } as const
    const denied = cloudEvent('approval.denied', '/approval', 'e1', 1_000, { ...approval, by: 'person:ann', reason: 'not today' })
    const lock = cloudEvent('lock.changed', '/approval', 'e2', 2_000, { id: 'lck_1', state: 'set' as const, scope: { kind: 'everything' }, by: 'person:bob', reason: 'drill' })
    await events.publish('approvals', [denied])
    await events.publish('locks', [lock])
    await audit.flush()
    await events.publish('approvals', [denied])
    await audit.flush()
    const { records } = await audit.queries.search({ kind: 'event' }) ?? { records: [] }
    assert.deepEqual(records.map((record) => record.kind === 'event' ? [record.name, record.who] : []), [['lock.changed', 'person:bob'], ['approval.denied', 'person:ann']])
    assert.deepEqual((await audit.queries.session('run-1')).steps.length, 1)
  })

  it('invariant 8: a fact that comes again after a restart or a crash makes no second record, remembered or not, with and without a saved state', async () => {
    const directory = tempDir()
    const lock = (id: string, at: number): CloudEvent => cloudEvent('lock.changed', '/approval', id, at, { id: `lck_${id}`, state: 'set', scope: { kind: 'everything' }, by: 'person:bob', reason: 'drill' })
    const facts = Array.from({ length: 6 }, (_, index) => lock(`e${index}`, 1_000 + index))
    const start = (boot: string): Promise<AuditRoom> => auditRoom({ directory, settings: { bootId: boot, rememberedFacts: 2 } })
    const names = async (room: AuditRoom): Promise<readonly (string | undefined)[]> => {
      await room.events.publish('locks', [...facts, ...facts.slice(2)])
      await room.audit.flush()
      const { records } = await room.audit.queries.search({ kind: 'event' }) ?? { records: [] }
      return records.flatMap((record) => record.kind === 'event' && record.name === 'lock.changed' ? [record.facts?.['event']] : []).sort()
    }
    const once = facts.map(({ id }) => id)
    const first = await start('first')
    assert.deepEqual(await names(first), once)
    await first.close()
    const second = await start('second')
    assert.deepEqual(await names(second), once)
    await second.crash()
    const third = await start('third')
    assert.deepEqual(await names(third), once)
    for (const key of await third.blobs.list('log/state/', { limit: 10 })) await third.blobs.remove(key)
    await third.crash()
    assert.deepEqual(await names(await start('fourth')), once)
  })

  it('invariant 8: a fact whose record is on its way for too long is owed by that record, and not told in a second one', async () => {
    let failing = false
    const room = await auditRoom({ blobs: (files) => ({
      list: (prefix, options) => files.list(prefix, options), read: (key) => files.read(key), remove: (key) => files.remove(key),
      create: async (key, bytes) => {
        if (failing && key.startsWith('log/segments/')) throw new Error('disk')
        return files.create(key, bytes)
      },
    }) })
    failing = true
    await room.events.publish('locks', [cloudEvent('lock.changed', '/approval', 'e1', 2_000, { id: 'lck_1', state: 'set', scope: { kind: 'everything' }, by: 'person:bob', reason: 'drill' })])
    while (!room.complaints.some((text) => text.includes('could not be written'))) await new Promise((resolve) => { setTimeout(resolve, 10) })
    await room.events.publish('locks', [cloudEvent('lock.changed', '/approval', 'e1', 2_000, { id: 'lck_1', state: 'set', scope: { kind: 'everything' }, by: 'person:bob', reason: 'drill' })])
    failing = false
    await room.audit.flush()
    const { records } = await room.audit.queries.search({ kind: 'event' }) ?? { records: [] }
    assert.equal(records.length, 1)
  })
})
