import assert from 'node:assert/strict'
import { parseStrict } from '@lockkeeper/domain/json'
import type { Json } from '@lockkeeper/domain/json'
import { containsMarker, marker, MARKER_PATTERN } from './marker.ts'
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

  it('what is no marker is none', () => {
    for (const json of ['{}', '[]', 'null', '1', '"lockkeeper"', '{"masked":"[email]"}', '"lockkeeper:masked:email"', '"[lockkeeper:masked:]"', '{"a":"%5B%5D\\u005b"}']) {
      assert.equal(containsMarker(Buffer.from(json)), undefined, json)
      assert.equal(containsMarker(parseStrict(json) as Json), undefined, json)
    }
  })
})
