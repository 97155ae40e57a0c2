import assert from 'node:assert/strict'
import fc from 'fast-check'
import { fromPlain, serialise, type JsonObject } from '@lockkeeper/domain/json'
import type { Arrival } from '../passage.ts'
import { linkRewriter, restoreUrl, restoreUrls, rewriteUrl } from './gateway-urls.ts'

const arrival = (door: Arrival['door'], host = 'storage.googleapis.com'): Arrival => ({
  door, host, path: '/', query: '',
  origin: (name) => door === 'forward' ? '' : door === 'path' ? `http://127.0.0.1:8443/${name}` : `https://${name.split('.')[0]}.gw.example:8443`,
})
const DOORS = { path: 'http://127.0.0.1:8443/storage.googleapis.com', domain: 'https://storage.gw.example:8443' } as const

function rewrite(text: string, points: readonly number[], at: Arrival, upstream?: string): string {
  const rewriter = linkRewriter(at, upstream)
  const bytes = Buffer.from(text)
  if (rewriter === undefined) return text
  const places = [0, ...points.map((point) => point % (bytes.length + 1)).sort((a, b) => a - b), bytes.length]
  const parts = places.slice(1).map((end, index) => Buffer.from(rewriter.push(bytes.subarray(places[index], end))))
  return Buffer.concat([...parts, rewriter.end() ?? Buffer.alloc(0)]).toString()
}

describe('links in answers', () => {
  for (const [door, base] of Object.entries(DOORS)) {
    it(`lead back through the ${door} door, in any chunking`, () => {
      const value = { mediaLink: 'https://storage.googleapis.com/download/storage/v1/b/b/o/o?alt=media', other: ['https://www.googleapis.com/storage/v1/b', 'see https://storage.googleapis.com/x', '"', 'https://storage.googleapis.com.evil.example/'] }
      const expected = JSON.stringify(value).replace('"https://storage.googleapis.com/down', `"${base}/down`).replace('"https://www.googleapis.com/', `"${base.replace('storage', 'www')}/`)
      fc.assert(fc.property(fc.array(fc.nat(), { maxLength: 12 }), (points) => assert.equal(rewrite(JSON.stringify(value), points, arrival(door as 'path')), expected)))
    })
  }

  it('a text that holds none comes through byte for byte, in any chunking', () => {
    fc.assert(fc.property(fc.stringMatching(/^["htps:/.ogleai r]{0,80}$/).filter((text) => !text.includes('"https://')), fc.array(fc.nat(), { maxLength: 6 }), (text, points) => assert.equal(rewrite(text, points, arrival('path')), text)))
  })

  it('one that ends the body is rewritten too', () => assert.equal(rewrite('"https://www.googleapis.com/', [28], arrival('path')), '"http://127.0.0.1:8443/www.googleapis.com/'))
  it('at the forward door they stay as they are', () => assert.equal(linkRewriter(arrival('forward')), undefined))
  it('other APIs\' links are names of resources and stay', () => assert.equal(linkRewriter(arrival('path', 'compute.googleapis.com')), undefined))
  it('an upstream that stands for Google does not lead around the gateway, at any door', () => {
    assert.equal(rewrite('{"l":"http://127.0.0.1:9000/a"}', [9], arrival('forward'), 'http://127.0.0.1:9000'), '{"l":"https://storage.googleapis.com/a"}')
    assert.equal(rewrite('{"l":"http://127.0.0.1:9000/a"}', [], arrival('path'), 'http://127.0.0.1:9000/'), '{"l":"http://127.0.0.1:8443/storage.googleapis.com/a"}')
  })
})

describe('URLs that a client sends back', () => {
  it('what was rewritten is restored, wherever it stands in the body', () => {
    const bodies = fc.jsonValue({ maxDepth: 3 }).filter((value) => !JSON.stringify(value).includes('8443'))
    fc.assert(fc.property(bodies, (value) => {
      const body = fromPlain({ value, link: 'https://storage.googleapis.com/a', deep: [{ 'https://www.googleapis.com/k': 'https://www.googleapis.com/v' }] }) as JsonObject
      for (const door of ['path', 'domain'] as const) {
        const seen = JSON.parse(rewrite(serialise(body), [], arrival(door))) as unknown
        assert.equal(serialise(restoreUrls(fromPlain(seen) as JsonObject, arrival(door))), serialise(body))
      }
    }))
  })

  it('a body without one is the very same object', () => {
    const body = fromPlain({ a: [1, { b: 'http://127.0.0.1:8443/else' }] }) as JsonObject
    assert.equal(restoreUrls(body, arrival('path')), body)
    assert.equal(restoreUrls(body, arrival('forward')), body)
  })

  it('a key is never merged with another', () => {
    const body = fromPlain({ [`${DOORS.path}/k`]: 1, 'https://storage.googleapis.com/k': 2 }) as JsonObject
    assert.equal(restoreUrls(body, arrival('path')), body)
  })

  for (const text of ['http://127.0.0.1:8443/storage.googleapis.com', 'x http://127.0.0.1:8443/storage.googleapis.com/a', 'http://127.0.0.1:8443/storage.googleapis.com.evil/a']) {
    it(`${text} is no URL of the gateway's`, () => assert.equal(restoreUrl(text, arrival('path')), text))
  }
})

describe('one URL', () => {
  const isTarget = (host: string): boolean => host.endsWith('.googleapis.com')
  for (const [url, expected] of [
    ['https://storage.googleapis.com/a?b#c', `${DOORS.path}/a?b#c`], ['HTTPS://STORAGE.googleapis.com:443/a', `${DOORS.path}/a`], ['https://evil.example/a', 'https://evil.example/a'],
    ['https://storage.googleapis.com@evil.example/a', 'https://storage.googleapis.com@evil.example/a'], ['/relative', '/relative'], ['', ''],
  ] as const) it(`${url} becomes ${expected}`, () => assert.equal(rewriteUrl(url, arrival('path'), isTarget), expected))
})
