import assert from 'node:assert/strict'
import type { CloudEvent, EventData } from '@lockkeeper/domain/events'
import { eventProblem } from '@lockkeeper/domain/event-schemas'
import { PortUnavailable } from '@lockkeeper/domain/ports'
import type { RecordEntry } from '@lockkeeper/domain/records'
import { collector } from '@lockkeeper/testkit'
import { encodeRecord, type RecordBatch, type StoredRecord } from '@lockkeeper/transparency-log'
import { auditRoom, closeRooms, outcome, type AuditRoom } from './audit-room.fixture.ts'
import { noticedLines, noticesOf } from './notices.ts'

type Told = CloudEvent<string, EventData<'calls.noticed'>>
type Changes = Partial<RecordEntry & { readonly kind: 'outcome' }>

const told = (changes: Changes = {}, id = 'rec_a.1'): StoredRecord => ({ ...outcome(undefined, { notify: true, ...changes }), id })

describe('notices', () => {
  afterEach(closeRooms)
  const heard = (room: AuditRoom) => {
    const facts = collector<Told>()
    room.events.subscribe({ topic: 'notices', name: 'test' }, async ({ event }) => facts.add(event as Told))
    return facts
  }

  it('a call that a rule tells somebody of becomes a fact once its record is durable, and no other call does', async () => {
    const room = await auditRoom()
    const facts = heard(room)
    const writer = await room.writer()
    writer.append(outcome(undefined, { run: 'silent' }))
    const { id } = writer.append(outcome(undefined, { notify: true, run: 'loud' }))
    const [fact] = await facts.count(1)
    assert.equal(eventProblem('notices', fact as Told), undefined)
    assert.deepEqual(fact?.data.calls.map(({ record, run, result }) => [record, run, result]), [[id, 'loud', 'answered']])
    await writer.close()
    await room.audit.flush()
    assert.equal(facts.items.length, 1)
  })

  it('a fact that could not be published comes again with its batch, which is in the log once', async () => {
    const room = await auditRoom()
    const facts = heard(room)
    const { publish } = room.events
    let failures = 0
    room.events.publish = (topic, list) => topic === 'notices' && failures++ === 0 ? Promise.reject(new PortUnavailable('down')) : publish.call(room.events, topic, list)
    const writer = await room.writer()
    writer.append(outcome(undefined, { notify: true }))
    const [fact] = await facts.count(1)
    assert.equal(fact?.data.count, 1)
    assert.equal(failures, 2)
    await writer.close()
    assert.equal((await room.audit.queries.verify()).records, 2)
  })

  it('a change whose proxy vanished is told as one whose outcome is not known', async () => {
    const room = await auditRoom()
    const facts = heard(room)
    const lost = await room.writer({ bootId: 'boot-before' })
    await lost.append({ ...outcome(undefined), kind: 'intent', notify: true } as RecordEntry).durable()
    assert.deepEqual((await facts.count(1))[0]?.data.calls.map(({ result, status }) => [result, status]), [['unknown', 0]])
  })

  it('what is told is one fact for each agent, rule and effect, however many calls there were', () => {
    const records = Array.from({ length: 300 }, (_, index) => told({ agent: `agent-${index % 2}`, rule: 'r', run: `run-${index}` }, `rec_a.${index}`))
    const facts = noticesOf([...records, told({ agent: 'agent-0', rule: 'other' })], 1)
    assert.deepEqual(facts.map(({ data: { agent, rule, count, calls } }) => [agent, rule, count, calls.length]), [['agent-0', 'r', 150, 20], ['agent-1', 'r', 150, 20], ['agent-0', 'other', 1, 1]])
    assert.deepEqual(noticesOf(records, 2).map(({ id }) => id), noticesOf(records, 1).map(({ id }) => id), 'the same records have the same ids')
    for (const fact of facts) assert.equal(eventProblem('notices', fact), undefined)
  })

  const CASES: readonly (readonly [string, Changes, number])[] = [
    ['that was answered', {}, 1], ['that the upstream refused', { result: 'failed', status: 403 }, 1], ['whose client left', { result: 'left' }, 1], ['that is unknown', { result: 'unknown', status: 0 }, 1],
    ['that a rule denied', { effect: 'deny', result: 'refused', status: 403 }, 1],
    ['that the gateway refused although the rule allows it: nothing was sent', { result: 'refused', status: 503 }, 0],
    ['that asked for approval: its request is told', { effect: 'approve' }, 0], ['of the gateway itself', { origin: 'gateway' }, 0],
    ['whose rule tells nobody', { notify: undefined }, 0],
  ]
  for (const [what, changes, wanted] of CASES) it(`of a call ${what} ${wanted} is told`, () => assert.equal(noticesOf([told(changes)], 1).length, wanted))

  it('a text that an agent wrote makes no notice', () => {
    const line = (changes: Changes): string => encodeRecord('rec_a.1', outcome(undefined, changes))
    const lines = [line({ path: '/x,"notify":true,' }), line({ statedReason: '","notify":true,"' }), line({ notify: true })]
    assert.deepEqual(noticedLines({ lines } as unknown as RecordBatch), [lines[2]])
  })

  it('long texts of others are cut, so that the fact stays small', () => {
    const long = 'x'.repeat(5_000)
    const [fact] = noticesOf([told({ agent: long, rule: long, run: long, method: long, resources: Array.from({ length: 50 }, () => long) })], 1)
    assert.ok(JSON.stringify(fact).length < 10_000)
  })
})
