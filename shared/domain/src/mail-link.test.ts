import { strict as assert } from 'node:assert'
import { createHmac } from 'node:crypto'
import { describe, it } from 'mocha'
import { MOST_MAIL_LINK, readMailLink, signMailLink, type MailLink } from './mail-link.ts'

const KEY = Buffer.alloc(32, 7)
const LINK: MailLink = { approval: 'apr_7Q2x8Kd1', digest: 'full:d1', person: 'bo', until: 1_795_514_400_000, mail: 'a-mail-of-its-own-1' }

describe('the link of a mail', () => {
  const token = signMailLink(LINK, KEY)
  const [payload = '', mac = ''] = token.split('.')
  /** As whoever had the key would sign it. */
  const forged = (text: string): string => {
    const body = Buffer.from(text).toString('base64url')
    return `${body}.${createHmac('sha256', KEY).update(`lockkeeper mail link v1\n${body}`).digest('base64url')}`
  }
  const changed = (changes: Partial<MailLink>): string => `${Buffer.from(JSON.stringify({ ...LINK, ...changes })).toString('base64url')}.${mac}`

  it('says what was signed, and stands in an address without escapes', () => {
    assert.deepEqual(readMailLink(token, KEY), LINK)
    assert.equal(encodeURIComponent(token), token)
  })

  const HOSTILE: readonly (readonly [string, string, Uint8Array?])[] = [
    ['of another request', changed({ approval: 'apr_other' })], ['of another call', changed({ digest: 'full:d2' })], ['for another person', changed({ person: 'cy' })], ['with a later end', changed({ until: LINK.until + 1 })],
    ['of another key', token, Buffer.alloc(32, 8)], ['without a signature', `${payload}.`], ['with an empty payload', `.${mac}`], ['with a part more', `${token}.x`], ['that is empty', ''],
    ['with the last bits of its signature changed', `${token.slice(0, -1)}${token.endsWith('A') ? 'B' : 'A'}`], ['cut short', token.slice(0, -1)], ['with a space', `${token} `], ['with padding', `${token}=`],
    ['signed for another purpose', `${payload}.${createHmac('sha256', KEY).update(payload).digest('base64url')}`], ['that is long', `${'a'.repeat(MOST_MAIL_LINK)}.${mac}`],
    ['with a member more, though signed', forged(JSON.stringify({ ...LINK, admin: true }))], ['with a member twice, though signed', forged(JSON.stringify(LINK).replace('{', '{"person":"cy",'))],
    ['with an id that is no id, though signed', forged(JSON.stringify({ ...LINK, approval: '../locks' }))], ['that is no JSON, though signed', forged('x')],
  ]
  for (const [what, hostile, key = KEY] of HOSTILE) it(`one ${what} is none`, () => assert.equal(readMailLink(hostile, key), undefined))

  it('a key that is too short is our own mistake', () => {
    assert.throws(() => signMailLink(LINK, Buffer.alloc(31)), TypeError)
    assert.throws(() => readMailLink(token, Buffer.alloc(0)), TypeError)
  })
})
