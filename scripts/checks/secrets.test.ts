import assert from 'node:assert/strict'
import { checkSecrets } from './secrets.ts'

/** Put together at run time, so that this file holds none. */
const word = (...parts: readonly string[]): string => parts.join('')
const LONG = 'Ab3dEf6hIj9lMn2pQr5tUv8xYz1bCd4fGh7j'

const FOUND: readonly (readonly [string, string])[] = [
  ['a private key', word('-----BEGIN ', 'PRIVATE KEY-----\n', LONG)],
  ['a private key', word('"-----BEGIN RSA ', 'PRIVATE KEY-----\\n', LONG)],
  ['a private key', word('-----BEGIN OPENSSH ', 'PRIVATE KEY-----\r\n', LONG)],
  ['a Google API key', word('AIza', LONG.slice(0, 35))],
  ['a Google access token', word('ya', '29.', LONG)],
  ['a Google refresh token', word('1/', '/0', LONG)],
  ['a Google client secret', word('GOCSPX', '-', LONG)],
  ['a JSON web token', word('eyJ', LONG, '.eyJ', LONG, '.', LONG)],
  ['a GitHub token', word('ghp', '_', LONG)],
  ['a GitHub token', word('github', '_pat_', LONG, LONG)],
  ['a GitLab token', word('glpat', '-', LONG)],
  ['a Slack token', word('xoxb', '-', LONG)],
  ['a Slack webhook', word('hooks.slack.com', '/services/T00000000/B00000000/', LONG)],
  ['an AWS access key', word('AK', 'IA', 'ABCDEFGH12345678')],
  ['an npm token', word('npm', '_', LONG)],
  ['a Stripe key', word('sk', '_live_', LONG)],
  ['an Anthropic or OpenAI key', word('sk', '-ant-', LONG)],
]

const CLEAN: readonly string[] = [
  'a PEM block starts with -----BEGIN PRIVATE KEY-----', 'ya29.CANARY', 'AIza is how a Google API key starts', 'eyJhbGciOiJub25lIn0', 'xoxb-123', 'sha512-AKIAabcdefghijklmnop', LONG,
]

describe('secrets', () => {
  for (const [what, text] of FOUND) it(`finds ${what}: ${text.slice(0, 14).trim()}…`, () => {
    assert.deepEqual(checkSecrets([{ file: 'a.ts', text: `one\nconst key = '${text}'` }], {}), [`a.ts:2 looks like ${what}`])
  })

  it('never prints what it finds', () => {
    for (const [, text] of FOUND) assert.equal(checkSecrets([{ file: 'a.ts', text }], {}).join('').includes(LONG.slice(0, 12)), false)
  })

  for (const text of CLEAN) it(`lets pass: ${text.slice(0, 50)}`, () => assert.deepEqual(checkSecrets([{ file: 'a.ts', text }], {}), []))

  it('samples pass in the file that is listed for them, and nowhere else', () => {
    const text = word('AIza', LONG.slice(0, 35))
    assert.deepEqual(checkSecrets([{ file: 'a.test.ts', text }, { file: 'b.ts', text }], { 'a.test.ts': 'samples' }), ['b.ts:1 looks like a Google API key'])
  })

  it('a file that is listed and holds no sample is a fault: lists must not grow stale', () => {
    assert.deepEqual(checkSecrets([], { 'gone.test.ts': 'samples' }), ['scripts/exceptions.json: samples has gone.test.ts, which needs no exception'])
  })
})
