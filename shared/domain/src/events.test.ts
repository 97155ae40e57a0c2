import assert from 'node:assert/strict'
import { cloudEvent, isTraceparent, traceOf } from './events.ts'

const TRACE = '00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01'

describe('events', () => {
  it('carry the trace that led to them as an extension attribute, or none', () => {
    const event = cloudEvent('lock.changed', '/approval', 'evt_1', 0, {}, 'lock_1', TRACE)
    assert.equal(event.traceparent, TRACE)
    assert.equal(traceOf(event), TRACE)
    assert.equal('traceparent' in cloudEvent('lock.changed', '/approval', 'evt_1', 0, {}), false)
  })

  for (const odd of [undefined, null, 1, {}, '', 'x', TRACE.toUpperCase(), TRACE.replace('00-', '01-'), TRACE.replace('00-', 'ff-'), `${TRACE}-`, `${TRACE}\n`, ` ${TRACE}`, TRACE.replace('4bf92f3577b34da6a3ce929d0e0e4736', '0'.repeat(32)), TRACE.replace('00f067aa0ba902b7', '0'.repeat(16)), TRACE.replaceAll('-', '_')]) {
    it(`a trace context that is not sound counts as none: ${JSON.stringify(odd)}`, () => {
      assert.equal(isTraceparent(odd), false)
      assert.equal(traceOf({ ...cloudEvent('lock.changed', '/approval', 'evt_1', 0, {}), traceparent: odd as string }), undefined)
    })
  }
})
