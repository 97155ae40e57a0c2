import assert from 'node:assert/strict'
import fc from 'fast-check'
import { CredentialEcho, EchoGuard } from './credential-echo.ts'

const SECRET = 'aabaabaabaac-aab'
const split = (bytes: Buffer, points: readonly number[]): Buffer[] => {
  const places = [0, ...points.map((point) => point % (bytes.length + 1)).sort((a, b) => a - b), bytes.length]
  return places.slice(1).map((end, index) => bytes.subarray(places[index], end))
}

describe('an echoed credential', () => {
  it('invariant 3: is found in any chunking', () => {
    fc.assert(fc.property(fc.string(), fc.string(), fc.array(fc.nat(), { maxLength: 8 }), (before, after, points) => {
      const guard = new EchoGuard(`Bearer ${SECRET}`)
      assert.throws(() => {
        for (const chunk of split(Buffer.from(before + SECRET + after), points)) guard.push(chunk)
        guard.end()
      }, CredentialEcho)
    }))
  })

  it('invariant 3: none of its bytes leave before it is known to be another text', () => {
    const guard = new EchoGuard(`Bearer ${SECRET}`)
    let left = ''
    assert.throws(() => { for (const byte of Buffer.from(`x${SECRET}`)) left += Buffer.from(guard.push(Buffer.from([byte]))).toString() }, CredentialEcho)
    assert.equal(left, 'x')
  })

  it('what only begins like it comes through whole, in any chunking', () => {
    const text = fc.stringMatching(/^[abc-]{0,60}$/).filter((one) => !one.includes(SECRET))
    fc.assert(fc.property(text, fc.array(fc.nat(), { maxLength: 8 }), (whole, points) => {
      const guard = new EchoGuard(`Bearer ${SECRET}`)
      const parts = split(Buffer.from(whole), points).map((chunk) => guard.push(chunk))
      assert.equal(Buffer.concat([...parts, guard.end() ?? Buffer.alloc(0)]).toString(), whole)
    }))
  })

  it('further secrets are looked for beside it', () => {
    assert.throws(() => new EchoGuard(`Bearer ${SECRET}`, 'session-0123456789').checkWhole(Buffer.from('<a href="?upload_id=session-0123456789">')), CredentialEcho)
    assert.throws(() => new EchoGuard(undefined, 'session-0123456789').push(Buffer.from('session-0123456789')), CredentialEcho)
  })

  it('headers are searched too', () => assert.throws(() => new EchoGuard(`Bearer ${SECRET}`).checkHeaders(['X-Echo', `you sent ${SECRET}`]), CredentialEcho))
  it('without a credential nothing is held back', () => {
    const chunk = Buffer.from('aab')
    assert.equal(new EchoGuard(undefined).push(chunk), chunk)
    assert.equal(new EchoGuard('Bearer short').push(chunk), chunk)
  })
})
