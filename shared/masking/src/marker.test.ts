import assert from 'node:assert/strict'
import { parseStrict } from '@lockkeeper/domain/json'
import type { Json } from '@lockkeeper/domain/json'
import { containsMarker, marker, MARKER_PATTERN } from './marker.ts'
import { createMasker } from './masker.ts'
import { detectorNames } from './plan.ts'

const M = marker('email')

describe('markers', () => {
  it('the marker of every detector is recognised and stays as it is in JSON', () => {
    for (const name of [...detectorNames, 'field', 'unreadable', 'base64']) {
      assert.match(marker(name), MARKER_PATTERN)
      assert.equal(JSON.stringify(marker(name)), `"${marker(name)}"`)
    }
  })

  const WRITTEN: readonly string[] = [
    JSON.stringify({ a: M }), JSON.stringify({ [M]: 1 }), JSON.stringify([[{ x: `user:${M}` }]]), '{"a":"[lockkeeper:masked:email:2]"}', '{"a":"\\u005blockkeeper:masked:email\\u005d"}', '{"a":"\\u005b\\u006c\\u006fckkeeper:masked\\u003aemail]"}',
    JSON.stringify({ a: JSON.stringify({ b: M }) }), '{"a":"{\\"b\\":\\"\\\\u005blockkeeper:masked:email]\\"}"}', `{"a":"${encodeURIComponent(M)}"}`, '{"a":"[LOCKKEEPER:MASKED:EMAIL]"}', '{"a":"［lockkeeper：masked：email］"}',
    JSON.stringify({ data: Buffer.from(Buffer.from(JSON.stringify({ a: 'some text', b: M })).toString('base64')).toString('base64') }), JSON.stringify({ data: Buffer.from(`a long text with ${M} in it`).toString('base64').replace(/.{10}/g, '$&\n') }),
    ...['', 'x', 'xy', 'xyz'].map(before => JSON.stringify({ data: Buffer.from(`${before}${M} and more`).toString('base64') })), ...['', 'x', 'xy'].map(before => JSON.stringify({ data: Buffer.from(`${before}${M}`).toString('base64url') })),
  ]
  for (const json of WRITTEN) {
    it(`invariant 9: a masked value written back as ${json.slice(0, 60)} is seen, in bytes and parsed`, () => {
      assert.notEqual(containsMarker(Buffer.from(json)), undefined)
      assert.notEqual(containsMarker(parseStrict(json) as Json), undefined)
    })
  }

  it('invariant 9: a marker in a query is seen, percent-encoded once or twice', () => {
    for (const query of [`q=${M}`, `q=${encodeURIComponent(M)}`, `q=${encodeURIComponent(encodeURIComponent(M))}`, 'q=%5blockkeeper%3Amasked%3aemail%5d', `filter=owner%3D%22${encodeURIComponent(M)}%22`]) assert.notEqual(containsMarker(query), undefined, query)
  })

  it('invariant 9: every masked answer is refused when it is written back', () => {
    const made = createMasker({ detectors: ['personal-data', 'secrets'], fields: ['**.secret'] })
    assert.ok(!('problem' in made))
    const base64 = (text: string): string => Buffer.from(text).toString('base64')
    const mail = 'alice.smith@example.com'
    const values: readonly unknown[] = [{ secret: 1 }, { secret: [1] }, { secret: {} }, { [mail]: 1 }, [mail], { n: 4111111111111111 }, { v: JSON.stringify({ v: mail }) }, { data: base64(mail) }, { v: base64(`see ${mail}`) }, { v: base64(base64(mail)) }, { v: base64(JSON.stringify({ v: base64(JSON.stringify({ secret: 1, long: 'enough' })) })) }]
    for (const value of values) {
      const { bytes, masked } = made.maskJson(Buffer.from(JSON.stringify(value)))
      assert.equal(masked, 1, JSON.stringify(value))
      assert.notEqual(containsMarker(bytes), undefined, Buffer.from(bytes).toString())
      assert.notEqual(containsMarker(parseStrict(bytes) as Json), undefined)
    }
  })

  it('1 MB of anything is searched in no more than linear time', () => {
    for (const piece of ['%5B', '[lockkeeper:', '\\u005b', 'QUJD', 'QUJD ', '\\\\n', '\\', ' ', '&#', '＠', '{"a":1},']) {
      const start = process.cpuUsage()
      assert.equal(containsMarker(Buffer.from(piece.repeat(1_000_000 / piece.length))), undefined)
      assert.ok(process.cpuUsage(start).user < 1_500_000, piece)
    }
  })

  it('what is no marker is none', () => {
    for (const json of ['{}', '[]', 'null', '1', '"lockkeeper"', '{"masked":"[email]"}', '"lockkeeper:masked:email"', '"[lockkeeper:masked:]"', '{"a":"%5B%5D\\u005b"}']) {
      assert.equal(containsMarker(Buffer.from(json)), undefined, json)
      assert.equal(containsMarker(parseStrict(json) as Json), undefined, json)
    }
  })
})
