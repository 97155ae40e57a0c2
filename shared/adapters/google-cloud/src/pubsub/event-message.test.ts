import { strict as assert } from 'node:assert'
import type { CloudEvent } from '@lockkeeper/domain/events'
import { anEvent } from '@lockkeeper/testkit'
import fc from 'fast-check'
import { describeUnreadable, MAX_EVENT_BYTES, readEvent, toMessage } from './event-message.ts'

const event: CloudEvent = { ...anEvent({ n: 1 }, 'lock.changed', 'evt_1'), subject: 'lock_1' }

describe('CloudEvents in Pub/Sub messages', () => {
  it('are in binary mode: the data is the message, the rest are attributes with ce- before their names', () => {
    const { data, attributes } = toMessage(event)
    assert.equal(data.toString(), '{"n":1}')
    assert.deepEqual(attributes, {
      'content-type': 'application/json', 'ce-specversion': '1.0', 'ce-id': 'evt_1', 'ce-source': '/test', 'ce-type': 'lock.changed', 'ce-time': event.time, 'ce-subject': 'lock_1',
    })
  })

  it('carry extensions such as traceparent', () => {
    const traced = { ...event, traceparent: '00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01' }
    const { data, attributes } = toMessage(traced)
    assert.equal(attributes['ce-traceparent'], traced.traceparent)
    assert.deepEqual(readEvent(data, attributes), { event: traced })
  })

  it('come out as they went in', () => {
    const text = fc.string({ minLength: 1, maxLength: 100, unit: 'grapheme' })
    fc.assert(fc.property(fc.jsonValue(), text, text, fc.option(text, { nil: undefined }), (data, id, source, subject) => {
      const sent = { ...event, id, source, data: JSON.parse(JSON.stringify(data)) as unknown, ...(subject === undefined ? {} : { subject }) } as CloudEvent
      const { subject: _, ...without } = sent
      const wanted = subject === undefined ? without : sent
      const message = toMessage(wanted as CloudEvent)
      assert.deepEqual(readEvent(message.data, message.attributes), { event: wanted })
    }))
  })

  const unsent: readonly (readonly [string, unknown])[] = [
    ['without id', { ...event, id: '' }], ['without source', { ...event, source: undefined }], ['without time', { ...event, time: '' }], ['of another version', { ...event, specversion: '0.3' }],
    ['of another content type', { ...event, datacontenttype: 'text/plain' }], ['without data', { ...event, data: undefined }],
    ['with an attribute over 1,024 bytes', { ...event, subject: 'ü'.repeat(513) }], ['with an attribute that is no text', { ...event, extra: 1 }],
    ['with an attribute that no event may have', { ...event, 'x-y': 'z' }], ['with half a character', { ...event, subject: '\ud800' }],
    ['over 8 MiB', { ...event, data: 'x'.repeat(MAX_EVENT_BYTES) }],
  ]
  for (const [what, broken] of unsent) it(`an event ${what} is not sent: TypeError`, () => assert.throws(() => toMessage(broken as CloudEvent), TypeError))

  const { data: good, attributes } = toMessage(event)
  const without = (name: string): Record<string, string> => Object.fromEntries(Object.entries(attributes).filter(([key]) => key !== name))
  const hostile: readonly (readonly [string, Uint8Array, Record<string, string>, RegExp])[] = [
    ['without attributes', good, {}, /content-type/],
    ['in structured mode', Buffer.from(JSON.stringify(event)), { 'content-type': 'application/cloudevents+json; charset=utf-8' }, /structured/],
    ['of another content type', good, { ...attributes, 'content-type': 'text/html' }, /content-type/],
    ['that says its content type twice', good, { ...attributes, 'ce-datacontenttype': 'application/json' }, /twice/],
    ['of another version', good, { ...attributes, 'ce-specversion': '0.3' }, /1\.0/],
    ['without id', good, without('ce-id'), /no id/],
    ['without type', good, without('ce-type'), /no type/],
    ['without source', good, without('ce-source'), /no source/],
    ['without time', good, without('ce-time'), /no time/],
    ['of an impossible time', good, { ...attributes, 'ce-time': '2026-13-01T00:00:00Z' }, /time/],
    ['of a vague time', good, { ...attributes, 'ce-time': 'tomorrow' }, /time/],
    ['that puts data among its attributes', good, { ...attributes, 'ce-data': '{}' }, /attribute/],
    ['with an upper-case attribute', good, { ...attributes, 'ce-Id': 'other' }, /attribute/],
    ['with a dunder attribute', good, { ...attributes, 'ce-__proto__': 'x' }, /attribute/],
    ['without data', Buffer.alloc(0), attributes, /JSON/],
    ['with half a JSON text', Buffer.from('{"n":'), attributes, /JSON/],
    ['with a key twice', Buffer.from('{"n":1,"n":2}'), attributes, /JSON/],
    ['that is no UTF-8', Buffer.from([0x22, 0xff, 0x22]), attributes, /JSON/],
    ['with a byte order mark', Buffer.from('\ufeff{}'), attributes, /JSON/],
    ['nested without end', Buffer.from('['.repeat(10_000)), attributes, /JSON/],
  ]
  for (const [what, data, given, why] of hostile) {
    it(`a message ${what} is no event`, () => {
      const read = readEvent(data, given)
      assert.match('problem' in read ? read.problem : 'was read', why)
    })
  }

  it('what cannot be read is described in part, within bounds', () => {
    const shown = describeUnreadable(Buffer.alloc(100_000, 0xff), { 'ce-type': 'x.y' }, '17')
    assert.equal(shown.id, '17')
    assert.equal(shown.type, 'x.y')
    assert.ok(JSON.stringify(shown).length < 20_000)
  })
})
