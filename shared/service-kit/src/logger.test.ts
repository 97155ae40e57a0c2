import assert from 'node:assert/strict'
import { createLogger, type LoggerOptions } from './logger.ts'

const TRACE = '00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01'

describe('service-kit: log lines', () => {
  const lineOf = (facts: Readonly<Record<string, unknown>>, options: LoggerOptions = {}, message = 'a thing happened'): Record<string, unknown> => {
    const lines: string[] = []
    createLogger('test', { ...options, destination: { write: (line) => void lines.push(line) } }).warn(facts, message)
    assert.equal(lines.length, 1)
    return JSON.parse(lines[0] ?? '') as Record<string, unknown>
  }

  it('are JSON with the severities of Cloud Logging', () => {
    const { severity, message, service, time, method } = lineOf({ method: 'm' })
    assert.deepEqual({ severity, message, service, method }, { severity: 'WARNING', message: 'a thing happened', service: 'test', method: 'm' })
    assert.ok(Number.isFinite(Date.parse(String(time))))
  })

  it('that belong to a trace name it, with a project as Cloud Logging reads it', () => {
    const plain = lineOf({ traceparent: TRACE, a: 1 })
    assert.deepEqual([plain['trace_id'], plain['span_id'], plain['a'], plain['traceparent']], ['4bf92f3577b34da6a3ce929d0e0e4736', '00f067aa0ba902b7', 1, undefined])
    const cloud = lineOf({ traceparent: TRACE }, { project: 'shop' })
    assert.equal(cloud['logging.googleapis.com/trace'], 'projects/shop/traces/4bf92f3577b34da6a3ce929d0e0e4736')
    assert.equal(cloud['logging.googleapis.com/spanId'], '00f067aa0ba902b7')
    assert.equal(cloud['logging.googleapis.com/trace_sampled'], true)
  })

  for (const odd of [undefined, 7, 'x', `${TRACE}\n`, `eyJhbGciOiJSUzI1NiJ9.${'a'.repeat(30)}.b`]) {
    it(`name no trace where there is none that is sound: ${JSON.stringify(odd)?.slice(0, 30)}`, () => {
      assert.deepEqual(Object.keys(lineOf({ traceparent: odd })).filter((name) => /trace|span/.test(name)), [])
    })
  }

  it('invariant 3: hold no credential, wherever it comes from', () => {
    const token = `eyJhbGciOiJSUzI1NiJ9.${'a'.repeat(40)}.${'b'.repeat(40)}`
    const text = JSON.stringify(lineOf({ token: 'plain', deep: [{ note: `ya29.${'c'.repeat(30)}` }], err: new Error(token) }, {}, `Bearer ${'d'.repeat(30)}`))
    assert.doesNotMatch(text, /plain|eyJ|cccc|dddd|aaaa/)
  })
})
