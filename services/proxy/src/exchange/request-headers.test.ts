import assert from 'node:assert/strict'
import { isRefusal } from '@lockkeeper/domain/errors'
import { readRequestHeaders } from './request-headers.ts'

function read(raw: readonly string[], kind: 'google' | 'http' = 'google') {
  const headers = readRequestHeaders(raw, kind)
  if (isRefusal(headers)) throw new TypeError(headers.message)
  return headers
}

function refused(raw: readonly string[], kind: 'google' | 'http' = 'google'): string | undefined {
  const headers = readRequestHeaders(raw, kind)
  return isRefusal(headers) ? headers.reason : undefined
}

describe('headers of a request', () => {
  it('only what is known reaches Google', () => {
    const { forward } = read(['Host', 'gw', 'Accept', '*/*', 'User-Agent', 'x', 'X-Unknown', '1', 'X-Goog-User-Project', 'p', 'X-Goog-Meta-Color', 'red', 'Cookie', 'c=1'])
    assert.deepEqual(forward, ['Accept', '*/*', 'User-Agent', 'x', 'X-Goog-User-Project', 'p', 'X-Goog-Meta-Color', 'red'])
  })

  it('what carries meaning is part of the digest, by lower-case name', () => {
    assert.deepEqual(read(['Content-Type', 'a/b', 'If-Match', '"x"', 'x-goog-api-version', '2', 'Accept', '*/*']).meaningful, { 'content-type': 'a/b', 'if-match': '"x"', 'x-goog-api-version': '2' })
  })

  for (const [name, kind] of [['X-Goog-Encryption-Key', 'google'], ['x-goog-copy-source-encryption-key', 'google'], ['X-Api-Key', 'http'], ['Private-Token', 'http'], ['X-Client-Secret', 'http']] as const) {
    it(`an approval is bound to ${name} by its hash alone, and it is sent as it stands (${kind})`, () => {
      const [one, other] = ['k1', 'k2'].map((value) => read([name, value], kind))
      assert.deepEqual(one?.forward, [name, 'k1'])
      assert.match(one?.meaningful[name.toLowerCase()] ?? '', /^sha256:/)
      assert.notDeepEqual(one?.meaningful, other?.meaningful)
    })
  }

  for (const name of ['X-Goog-Acl', 'x_goog_acl', 'X-Goog-Copy-Source']) {
    it(`invariant 2: refuses ${name}, which policy does not see`, () => assert.equal(refused([name, 'public-read']), 'REQUEST_AMBIGUOUS'))
  }

  it('at other targets every header carries meaning', () => {
    const headers = read(['X-Custom', '1', 'x-custom', '2', 'Accept', 'a'], 'http')
    assert.deepEqual(headers.meaningful, { 'x-custom': '1, 2' })
    assert.deepEqual(headers.forward, ['X-Custom', '1', 'x-custom', '2', 'Accept', 'a'])
  })

  for (const name of ['Connection', 'Keep-Alive', 'Proxy-Connection', 'Proxy-Authorization', 'TE', 'Trailer', 'Transfer-Encoding', 'Upgrade', 'Host', 'Authorization', 'Content-Length', 'Expect', 'Forwarded', 'Via', 'Cookie',
    'X-Forwarded-For', 'X-Forwarded-Prefix', 'X-Forwarded-User', 'X-Real-IP', 'Remote-User', 'X-Lockkeeper-Receipt', 'X-Goog-Request-Reason', 'Idempotency-Key', 'HTTP2-Settings']) {
    for (const kind of ['google', 'http'] as const) {
      it(`${name} stays here (${kind})`, () => assert.deepEqual(read([name, 'x'], kind), { forward: [], meaningful: {} }))
    }
  }

  it('what the Connection header lists is hop by hop', () => {
    assert.deepEqual(read(['Connection', 'keep-alive, X-Hop ,, accept', 'X-Hop', '1', 'Accept', 'a', 'User-Agent', 'u'], 'http').forward, ['User-Agent', 'u'])
    assert.deepEqual(read(['X-Hop', '1', 'connection', 'X-HOP'], 'http').forward, [], 'the list may stand after the header')
  })

  for (const listed of ['content-type', 'If-Match', 'X-Goog-User-Project', 'x-goog-meta-a', 'Range']) {
    it(`invariant 2: ${listed} cannot be hidden by listing it`, () => assert.equal(refused(['Connection', `close, ${listed}`, listed, 'v']), 'REQUEST_AMBIGUOUS'))
  }

  const hostile: readonly (readonly [string, readonly string[]])[] = [
    ['two hosts', ['Host', 'a', 'host', 'b']], ['two equal hosts', ['Host', 'a', 'Host', 'a']],
    ['a header with meaning twice', ['If-Match', 'a', 'if-match', 'b']], ['two content types', ['Content-Type', 'a/b', 'content-type', 'a/b']],
    ...['X-HTTP-Method-Override', 'x-http-method', 'X-Method-Override', 'X-Original-URL', 'X-Rewrite-URL', 'X-Original-Host', 'X-Goog-Api-Key', 'X-Serverless-Authorization', 'X-Goog-Authenticated-User-Email',
      'X-Goog-IAM-Authorization-Token', 'X-Goog-Upload-Command', 'X_HTTP_Method_Override', 'x-http_method-override', 'X.HTTP.Method.Override', 'Content_Length', 'Transfer_Encoding', 'Authorization_', 'X_Goog_User_Project',
      'x_goog_meta_a', 'x-goog_encryption-key', 'Content_Type', 'proxy_authorization'].filter((name) => name !== 'Authorization_').map((name) => [name, [name, 'x']] as const),
  ]
  for (const [title, raw] of hostile) {
    for (const kind of ['google', 'http'] as const) it(`invariant 2: refuses ${title} (${kind})`, () => assert.equal(refused(raw, kind), 'REQUEST_AMBIGUOUS'))
  }
  for (const name of ['x_custom', '__proto__', 'x.custom', 'a!b', 'content_md5']) it(`invariant 2: ${name} is refused where every header is passed on`, () => assert.equal(refused([name, 'x'], 'http'), 'REQUEST_AMBIGUOUS'))
})
