import assert from 'node:assert/strict'
import { LockkeeperError } from '@lockkeeper/domain/errors'
import { forChangedBody, forOwnBody, readResponseHead } from './response-headers.ts'

const read = (...raw: string[]) => readResponseHead(200, raw.map((part) => Buffer.from(part, 'latin1')), (url) => url)

describe('headers of an answer', () => {
  it('ordinary ones pass in their order and spelling, repeated ones too', () => {
    assert.deepEqual(read('Content-Type', 'a/b', 'X-Goog-Hash', 'a', 'X-Goog-Hash', 'b', 'ETag', '"1"').headers, ['Content-Type', 'a/b', 'X-Goog-Hash', 'a', 'X-Goog-Hash', 'b', 'ETag', '"1"'])
  })

  for (const name of ['Connection', 'Keep-Alive', 'Proxy-Authenticate', 'TE', 'Trailer', 'Transfer-Encoding', 'Upgrade', 'Alt-Svc', 'Set-Cookie', 'Strict-Transport-Security', 'WWW-Authenticate', 'Refresh',
    'X-Lockkeeper-Receipt', 'X-Lockkeeper-Reason', 'X-Accel-Redirect', 'X-GUploader-UploadID', 'X-Goog-Upload-URL']) {
    it(`${name} stays here`, () => assert.deepEqual(read(name, 'x').headers, []))
  }

  it('what its Connection header lists is hop by hop', () => assert.deepEqual(read('X-Hop', '1', 'connection', 'close, x-HOP', 'X-Kept', '2').headers, ['X-Kept', '2']))

  for (const name of ['Content-Type', 'content-encoding', 'Content-Range', 'Location']) {
    it(`invariant 2: ${name} listed as hop by hop stops the answer`, () => {
      assert.throws(() => read('Connection', name, name, 'x'), (error) => error instanceof LockkeeperError && error.reason === 'UPSTREAM_INVALID')
    })
  }
  for (const name of ['Content-Type', 'Location', 'ETag']) {
    it(`invariant 2: ${name} that stands twice stops the answer`, () => {
      assert.throws(() => read(name, 'application/json', name.toUpperCase(), 'text/plain'), (error) => error instanceof LockkeeperError && error.reason === 'UPSTREAM_INVALID')
    })
  }

  it('encodings are joined and in lower case; identity is none', () => {
    assert.equal(read('Content-Encoding', 'GZIP', 'content-encoding', 'identity').contentEncoding, 'gzip, identity')
    assert.equal(read('Content-Encoding', 'Identity').contentEncoding, undefined)
  })

  it('a location without a form of the gateway\'s own is left out', () => {
    assert.deepEqual(readResponseHead(302, ['Location', 'https://x.example/', 'X', 'y'], () => undefined).headers, ['X', 'y'])
  })

  it('a changed body leaves nothing that describes the old one', () => {
    const { headers } = read('Content-Type', 'a/b', 'Content-Length', '5', 'X-Goog-Hash', 'h', 'ETag', 'e', 'Content-MD5', 'm', 'Content-Encoding', 'gzip', 'X-Kept', '1')
    assert.deepEqual(forChangedBody(headers), ['Content-Type', 'a/b', 'X-Kept', '1'])
    assert.deepEqual(forOwnBody(headers), ['X-Kept', '1'])
  })
})
