import assert from 'node:assert/strict'
import { parseCurl } from './curl-line.ts'

const problemOf = (line: string) => {
  const parsed = parseCurl(line)
  return 'problem' in parsed ? parsed.problem : undefined
}

describe('curl lines', () => {
  it('verb, address, headers and body are read as curl would send them', () => {
    assert.deepEqual(parseCurl(`curl -sS -X PATCH 'https://Storage.googleapis.com/storage/v1/b/x?alt=json&y=%2F' -H "Authorization: Bearer $TOKEN" --data '{"a": "it'\\''s"}'`), {
      verb: 'PATCH', host: 'storage.googleapis.com', path: '/storage/v1/b/x', query: 'alt=json&y=%2F', headers: { authorization: 'Bearer $TOKEN' }, body: '{"a": "it\'s"}',
    })
    assert.deepEqual(parseCurl('curl https://example.com'), { verb: 'GET', host: 'example.com', path: '/', query: '', headers: {} })
    assert.equal((parseCurl('curl https://example.com -d a \\\n -d b') as { verb: string, body: string }).body, 'a&b')
    assert.equal((parseCurl('curl https://example.com -d {}') as { verb: string }).verb, 'POST')
  })

  const hostile: readonly (readonly [string, string, RegExp])[] = [
    ['another command', 'wget https://example.com', /begin with curl/], ['no address', 'curl -s', /no http/], ['two addresses', 'curl https://a.b https://c.d', /two addresses/],
    ['another scheme', 'curl ftp://a.b', /no http/], ['an unknown option', 'curl --proxy x https://a.b', /--proxy is not known/], ['a body from a file', 'curl -d @f https://a.b', /from a file/],
    ['an open quote', 'curl "https://a.b', /does not end/], ['an option without value', 'curl https://a.b -X', /lacks its value/], ['a fragment', 'curl https://a.b/#x', /no http/],
  ]
  for (const [title, line, pattern] of hostile) it(`${title} is a problem`, () => assert.match(problemOf(line) ?? 'read', pattern))
})
