import { strict as assert } from 'node:assert'
import { readPushEnvelope } from './push-envelope.ts'

const subscription = 'projects/p/subscriptions/lockkeeper-approval-access'
const message = { data: Buffer.from('{}').toString('base64'), attributes: { 'ce-id': '1' }, messageId: '17', message_id: '17', publishTime: '2026-11-24T10:00:00Z' }
const envelope = { message, subscription, deliveryAttempt: 3 }
const bytes = (value: unknown): Buffer => Buffer.from(typeof value === 'string' ? value : JSON.stringify(value))

describe('push envelopes', () => {
  it('give message, attributes and attempt', () => {
    assert.deepEqual(readPushEnvelope(bytes(envelope), subscription), { messageId: '17', data: Buffer.from('{}'), attributes: { 'ce-id': '1' }, attempt: 3 })
  })

  it('without an attempt are the first one; fields that Pub/Sub may add are not read', () => {
    const read = readPushEnvelope(bytes({ message: { ...message, orderingKey: '', added: {} }, subscription, added: 1 }), subscription)
    assert.ok(!('problem' in read))
    assert.equal(read.attempt, 1)
  })

  const hostile: readonly (readonly [string, unknown])[] = [
    ['nothing', ''], ['no JSON', '{'], ['a list', [envelope]], ['a text', '"x"'], ['two documents', `${JSON.stringify(envelope)}{}`],
    ['of another subscription', { ...envelope, subscription: `${subscription}-dead` }], ['of the same subscription in another project', { ...envelope, subscription: subscription.replace('/p/', '/q/') }],
    ['without a subscription', { message }], ['with two subscriptions', `{"subscription":"${subscription}","subscription":"${subscription}","message":${JSON.stringify(message)}}`],
    ['without a message', { subscription }], ['with a message that is text', { subscription, message: 'x' }],
    ['without a message id', { subscription, message: { ...message, messageId: undefined, message_id: undefined } }],
    ['with two message ids', { subscription, message: { ...message, message_id: '18' } }], ['with a message id of a path', { subscription, message: { ...message, messageId: '../17', message_id: '../17' } }],
    ['with data that is no base64', { subscription, message: { ...message, data: '{}' } }], ['with URL-safe base64', { subscription, message: { ...message, data: '_-__' } }],
    ['with base64 and more', { subscription, message: { ...message, data: 'e30=e30=' } }], ['with data that is no text', { subscription, message: { ...message, data: 1 } }],
    ['with an attribute that is no text', { subscription, message: { ...message, attributes: { a: 1 } } }], ['with attributes in a list', { subscription, message: { ...message, attributes: [] } }],
    ['with over 100 attributes', { subscription, message: { ...message, attributes: Object.fromEntries(Array.from({ length: 101 }, (_, n) => [`a${n}`, 'x'])) } }],
    ['with a negative attempt', { ...envelope, deliveryAttempt: -1 }], ['with half an attempt', { ...envelope, deliveryAttempt: 1.5 }], ['with an attempt as text', { ...envelope, deliveryAttempt: '3' }],
    ['with an attempt beyond counting', { ...envelope, deliveryAttempt: 1e20 }],
  ]
  for (const [what, body] of hostile) it(`are refused: ${what}`, () => assert.ok('problem' in readPushEnvelope(bytes(body), subscription)))

  it('are read in linear time', () => {
    const data = 'A'.repeat(12 * 1024 * 1024)
    const start = performance.now()
    readPushEnvelope(bytes({ ...envelope, message: { ...message, data: `${data}!` } }), subscription)
    assert.ok(performance.now() - start < 2000)
  })
})
