import assert from 'node:assert/strict'
import { inspect } from 'node:util'
import fc from 'fast-check'
import { scrubError, scrubText } from './scrub.ts'

describe('google-auth: scrubbed errors', () => {
  describe('invariant 3: a text that quotes a credential loses it', () => {
    const texts: Readonly<Record<string, string>> = {
      'a Google access token': 'token ya29.CANARY-x_y.z was refused',
      'a refresh token': 'invalid_grant: 1//0gCANARY-abc',
      'a JWT': 'assertion eyJCANARY.eyJDQU5BUlk.CANARY is bad',
      'half a JWT': 'Unexpected token in eyJCANARY',
      'a private key': 'bad key -----BEGIN PRIVATE KEY-----\nCANARY\nCANARY\n-----END PRIVATE KEY-----',
      'a private key on one line': 'bad key "-----BEGIN RSA PRIVATE KEY-----\\nCANARY\\n-----END',
      'a header': 'authorization: Bearer CANARY',
      'a header in other case': 'AUTHORIZATION: BASIC CANARY:CANARY',
      'a long unknown token': `refused: ${'CANARY'.repeat(8)}`,
    }
    for (const [what, text] of Object.entries(texts)) {
      it(what, () => {
        assert.ok(!scrubText(text).includes('CANARY'), scrubText(text))
        assert.ok(scrubText(text).includes('[redacted]'))
      })
    }
    it('a value known to be secret, whatever it looks like', () => { assert.equal(scrubText('password hunter2 is wrong', ['hunter2']), 'password [redacted] is wrong') })
  })

  it('no field of the original survives, only name, code, status and the scrubbed text', () => {
    const original = Object.assign(new Error('Request failed with status code 403', { cause: new Error('connect ECONNREFUSED') }), {
      name: 'GaxiosError', code: 'ECONNREFUSED', status: 403, config: { headers: { authorization: 'Bearer CANARY' } }, response: { data: { access_token: 'CANARY' } },
    })
    const scrubbed = scrubError(original)
    assert.ok(!inspect(scrubbed, { depth: 9, showHidden: true }).includes('CANARY'))
    assert.equal(scrubbed.message, 'GaxiosError ECONNREFUSED 403: Request failed with status code 403: connect ECONNREFUSED')
  })

  it('whatever is thrown becomes a short single line', () => {
    fc.assert(fc.property(fc.anything(), (thrown) => {
      const { message } = scrubError(thrown)
      assert.ok(message.length <= 400)
      assert.ok(!/[\r\n\u001b]/.test(message))
    }))
    assert.equal(scrubText('a'.repeat(10).concat(' ').repeat(10_000)).length, 400)
  })
})
