import { strict as assert } from 'node:assert'
import { hash } from 'node:crypto'
import { readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { z } from 'zod'
import { dataProblem, EVENT_TYPES, eventProblem, schemaName } from './event-schemas.ts'
import { EVENT_DATA, EVENT_TOPICS, TOPICS, cloudEvent, type CloudEvent, type EventType } from './events.ts'

const FIXTURES = join(import.meta.dirname, '../fixtures/events')
const FILES = readdirSync(FIXTURES).filter((file) => /\.v\d+(?:\.[a-z-]+)?\.json$/.test(file)).sort()
const read = (file: string): CloudEvent => JSON.parse(readFileSync(join(FIXTURES, file), 'utf8')) as CloudEvent
const typeOf = (file: string): EventType => file.replace(/\.v\d+\..*$/, '') as EventType
const checkedHere = EVENT_TYPES.filter((type) => Object.hasOwn(EVENT_DATA, type))

/** Files that the schemas refuse, with the reason. */
function refusedBy(schemas: Parameters<typeof eventProblem>[2]): readonly string[] {
  return FILES.flatMap((file) => {
    const event = read(file)
    const problem = event.type === typeOf(file) ? eventProblem(EVENT_TOPICS[typeOf(file)], event, schemas) : 'it is of another type'
    return problem === undefined ? [] : [`${file}: ${problem}`]
  })
}

describe('golden events', () => {
  it('every event of every version is still read', () => assert.deepEqual(refusedBy(EVENT_DATA), []))

  it('every version of every type has its golden event', () => {
    for (const type of checkedHere) {
      const current = Number(schemaName(type).split('.v').at(-1))
      for (let version = 1; version <= current; version++) assert.ok(FILES.includes(`${type}.v${version}.json`), `${type}.v${version}.json is missing`)
    }
  })

  it('no golden event was changed after it was frozen', () => {
    const now = Object.fromEntries(FILES.map((file) => [file, hash('sha256', readFileSync(join(FIXTURES, file)), 'hex')]))
    assert.deepEqual(now, JSON.parse(readFileSync(join(FIXTURES, 'frozen.json'), 'utf8')))
  })

  const breaking: readonly (readonly [string, EventType, z.ZodType])[] = [
    ['demands a field that older events lack', 'approval.denied', EVENT_DATA['approval.denied'].extend({ tenant: z.string() })],
    ['takes a field away', 'approval.approved', EVENT_DATA['approval.approved'].omit({ by: true })],
    ['narrows a value', 'lock.changed', EVENT_DATA['lock.changed'].extend({ state: z.literal('set') })],
    ['changes a type', 'policy.published', EVENT_DATA['policy.published'].extend({ rules: z.string() })],
    ['demands what was optional', 'approval.requested', EVENT_DATA['approval.requested'].required()],
  ]
  for (const [what, type, changed] of breaking) {
    it(`a schema that ${what} is found`, () => assert.ok(refusedBy({ ...EVENT_DATA, [type]: changed }).some((line) => line.startsWith(type))))
  }
})

describe('event schemas', () => {
  const good = read('lock.changed.v1.json')
  const hostile: readonly (readonly [string, string, CloudEvent, RegExp])[] = [
    ['in another topic', TOPICS.approvals, good, /stands in topic locks/],
    ['in a topic named like a member of every object', 'constructor', good, /stands in topic locks/],
    ['with a field that it does not have', TOPICS.locks, { ...good, data: { ...good.data as object, admin: true } }, /unrecognized_keys/],
    ['without its data', TOPICS.locks, { ...good, data: null }, /data: invalid_type/],
    ['with a list for data', TOPICS.locks, { ...good, data: [good.data] }, /invalid_type/],
    ['of another type with this one\'s data', TOPICS.policies, { ...good, type: 'policy.published' }, /policy\.published\.v1/],
  ]
  for (const [what, topic, event, why] of hostile) it(`an event ${what} is refused`, () => assert.match(eventProblem(topic, event) ?? '', why))

  it('the problem names places and never values', () => {
    const problem = dataProblem('decision.submitted', { approval: 'a', digest: 'd', verdict: 'approve', proof: { kind: 'idToken', token: { secret: 'hidden' } } })
    assert.match(problem ?? '', /proof\.token/)
    assert.doesNotMatch(problem ?? '', /hidden/)
  })

  it('types that the house does not declare are left to whoever takes them', () => {
    for (const type of ['audit.mark', 'constructor', '__proto__']) assert.equal(eventProblem(TOPICS.records, { ...good, type }), undefined, type)
  })

  it('data that its own service checks passes here', () => {
    assert.equal(eventProblem(TOPICS.records, cloudEvent('record.batch', '/x', '1', 0, 'anything')), undefined)
  })
})
