import assert from 'node:assert/strict'
import type { IncomingMessage } from 'node:http'
import { tokenInBody, tokenInHead } from './own-token.ts'

const TOKEN = 'eyJhbGciOiJSUzI1NiJ9.eyJzdWIiOiJhIn0.c2lnbmF0dXJl'
const request = (url: string, ...rawHeaders: string[]): IncomingMessage => ({ url, headers: { authorization: `Bearer ${TOKEN}` }, rawHeaders: ['Authorization', `Bearer ${TOKEN}`, ...rawHeaders] }) as unknown as IncomingMessage

describe('the agent\'s own token', () => {
  it('in the Authorization header alone it is where it belongs', () => {
    assert.equal(tokenInHead(request('/storage.googleapis.com/storage/v1/b?prefix=%41', 'Accept', '*/*')), undefined)
    assert.equal(tokenInHead({ url: `/${TOKEN}`, headers: {}, rawHeaders: [] } as unknown as IncomingMessage), undefined)
    assert.equal(tokenInBody(request('/'), Buffer.from('{"a":1}')), undefined)
  })

  const hostile: Readonly<Record<string, readonly [IncomingMessage, RegExp]>> = {
    'in the path': [request(`/storage.googleapis.com/storage/v1/b/${TOKEN}`), /its address/],
    'in the query': [request(`/x?access_token=${TOKEN}`), /its address/],
    'percent-encoded': [request(`/x?a=${[...TOKEN].map((char) => `%${char.charCodeAt(0).toString(16)}`).join('')}`), /its address/],
    'partly encoded': [request(`/x?a=%65${TOKEN.slice(1)}`), /its address/],
    'in another header': [request('/x', 'X-Goog-Request-Reason', `please: ${TOKEN}!`), /the header x-goog-request-reason/],
  }
  for (const [what, [sent, place]] of Object.entries(hostile)) {
    it(`invariant 3: ${what} it is refused, and the refusal does not quote it`, () => {
      const refusal = tokenInHead(sent)
      assert.equal(refusal?.reason, 'REQUEST_AMBIGUOUS')
      assert.match(refusal.message, place)
      assert.ok(!refusal.message.includes(TOKEN))
    })
  }

  it('invariant 3: in a body it is refused', () => {
    const body = Buffer.from(`..{"note":"${TOKEN}"}`)
    assert.match(tokenInBody(request('/'), body.subarray(2))?.message ?? '', /its body/)
  })
})
