import { strict as assert } from 'node:assert'
import { EVENT_TYPES, schemaName } from './event-schemas.ts'
import { EVENT_TOPICS } from './events.ts'
import { redriveFilter, TOPOLOGY } from './topology.ts'

const { topics, subscriptions, services, databases } = TOPOLOGY
const names = services.map(({ name }) => name)
const unique = (list: readonly string[]): void => assert.deepEqual([...new Set(list)], list)

describe('topology', () => {
  it('every event type stands in its topic, with its schema', () => {
    for (const type of EVENT_TYPES) {
      assert.deepEqual(topics.filter(({ events }) => events.some((event) => event.type === type)).map(({ name }) => name), [EVENT_TOPICS[type]], type)
      assert.ok(topics.some(({ events }) => events.some(({ schema }) => schema === schemaName(type))), type)
    }
  })

  it('every topic has somebody who publishes to it and a subscription that keeps what is published', () => {
    for (const { name } of topics) {
      assert.ok(services.some(({ publishes }) => publishes.includes(name)), `nobody publishes to ${name}`)
      assert.ok(subscriptions.some(({ topic }) => topic === name), `nobody takes ${name}`)
    }
  })

  it('every subscription is of a topic and a service that there are, and is named once', () => {
    for (const { topic, service } of subscriptions) assert.ok(topics.some(({ name }) => name === topic) && names.includes(service))
    unique(subscriptions.map(({ topic, name }) => `${topic} ${name}`))
    unique([...topics.map(({ name }) => name), ...subscriptions.flatMap(({ id, deadLetter }) => [id, deadLetter.topic])])
  })

  it('every subscription has dead letters of its own, which no other shares', () => {
    unique(subscriptions.map(({ deadLetter }) => deadLetter.topic))
    unique([...subscriptions.map(({ id }) => id), ...subscriptions.map(({ deadLetter }) => deadLetter.subscription)])
  })

  it('every subscription is within what Pub/Sub takes', () => {
    for (const one of subscriptions) {
      assert.ok(one.ackDeadlineSeconds >= 10 && one.ackDeadlineSeconds <= 600, one.id)
      assert.ok(one.maxDeliveries >= 5 && one.maxDeliveries <= 100, one.id)
      assert.ok(one.minBackoffSeconds >= 0 && one.minBackoffSeconds <= one.maxBackoffSeconds && one.maxBackoffSeconds <= 600, one.id)
      assert.equal(one.filter, redriveFilter(one.id))
      assert.ok(Buffer.byteLength(one.filter) <= 256)
    }
  })

  it('what is pushed has a path of its own, what is pulled has none', () => {
    for (const { mode, pushPath, id } of subscriptions) assert.equal(pushPath, mode === 'push' ? `/push/${id}` : undefined)
  })

  it('invariant 7: only services without a vote publish decisions, and the approval service alone takes them', () => {
    assert.deepEqual(services.filter(({ publishes }) => publishes.includes('decisions')).map(({ name }) => name), ['notifier'])
    assert.deepEqual(subscriptions.filter(({ topic }) => topic === 'decisions').map(({ service }) => service), ['approval'])
    assert.deepEqual(services.filter(({ publishes }) => publishes.includes('approvals')).map(({ name }) => name), ['approval'])
  })

  it('every database has one writer, and a proxy writes none', () => {
    unique(databases.map(({ name }) => name))
    for (const { writer, readers } of databases) {
      assert.ok([writer, ...readers].every((one) => names.includes(one)))
      assert.notEqual(writer, 'proxy')
    }
  })
})
