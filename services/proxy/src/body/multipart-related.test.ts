import assert from 'node:assert/strict'
import { randomBytes } from 'node:crypto'
import fc from 'fast-check'
import { isRefusal, LockkeeperError } from '@lockkeeper/domain/errors'
import { frameMultipart, readMultipart } from './multipart-related.ts'

const JSON_PART = 'Content-Type: application/json; charset=UTF-8\r\n\r\n{"name":"o"}\r\n'
const upload = (media: string, boundary = 'b', end = '--\r\n'): string => `--${boundary}\r\n${JSON_PART}--${boundary}\r\nContent-Type: text/plain\r\n\r\n${media}\r\n--${boundary}${end}`

async function* chunked(bytes: Buffer, points: readonly number[]): AsyncGenerator<Uint8Array> {
  const places = [0, ...points.map((point) => point % (bytes.length + 1)).sort((a, b) => a - b), bytes.length]
  for (let index = 1; index < places.length; index++) yield bytes.subarray(places[index - 1], places[index])
}

async function read(body: string | Buffer, type = 'multipart/related; boundary=b', points: readonly number[] = []): Promise<{ metadata: string, type: string, media: Buffer } | string> {
  const parts = await readMultipart(chunked(Buffer.from(body as string), points), type, 64 * 1024)
  if (isRefusal(parts)) return parts.reason
  const media: Uint8Array[] = []
  try {
    for await (const chunk of parts.media) media.push(chunk)
  } catch (error) {
    if (error instanceof LockkeeperError) return `late ${error.reason}`
    throw error
  }
  return { metadata: Buffer.from(parts.metadata).toString(), type: parts.mediaType, media: Buffer.concat(media) }
}

describe('a multipart upload', () => {
  it('is taken apart into the same bytes, in any chunking', async () => {
    const medias = fc.oneof(fc.uint8Array({ maxLength: 200 }), fc.stringMatching(/^[\r\n\-b]{0,40}$/).filter((text) => !`\r\n${text}`.includes('\r\n--b')).map((text) => Buffer.from(text)))
    await fc.assert(fc.asyncProperty(medias, fc.array(fc.nat(), { maxLength: 12 }), async (media, points) => {
      const [before, after] = upload('\u0000').split('\u0000') as [string, string]
      const found = await read(Buffer.concat([Buffer.from(before), media, Buffer.from(after)]), undefined, points)
      assert.deepEqual(found, { metadata: '{"name":"o"}', type: 'text/plain', media: Buffer.from(media) })
    }))
  })

  it('is framed anew under a boundary that nobody outside knows', async () => {
    async function* media(): AsyncGenerator<Uint8Array> { yield Buffer.from('a\r\n--b--\r\n') }
    const first = frameMultipart(Buffer.from('{}'), 'text/plain', media())
    const second = frameMultipart(Buffer.from('{}'), 'text/plain', media())
    assert.notEqual(first.contentType, second.contentType)
    const body: Buffer[] = []
    for await (const chunk of first.body) body.push(chunk as Buffer)
    const again = await read(Buffer.concat(body), first.contentType)
    assert.deepEqual(again, { metadata: '{}', type: 'text/plain', media: Buffer.from('a\r\n--b--\r\n') })
  })

  const good: readonly (readonly [string, string, string, string])[] = [
    ['a quoted boundary', upload('m', 'b c'), 'multipart/related; boundary="b c"', 'm'],
    ['single quotes, as gcloud sends them', upload('m', '===1=='), "multipart/related; boundary='===1=='", 'm'],
    ['LF line ends, as Python sends them', upload('m').replaceAll('\r\n', '\n'), 'multipart/related; boundary=b', 'm'],
    ['CRLF media under LF line ends', upload('a__b').replaceAll('\r\n', '\n').replace('__', '\r\n'), 'multipart/related; boundary=b', 'a\r\nb'],
    ['empty media', upload('').replace('\r\n\r\n\r\n--b--', '\r\n\r\n--b--'), 'multipart/related; boundary=b', ''],
    ['empty media with a line end of its own', upload(''), 'multipart/related; boundary=b', ''],
    ['no line end after the closing boundary', upload('m', 'b', '--'), 'multipart/related; boundary=b', 'm'],
    ['other parameters', upload('m'), 'Multipart/Related; type="application/json"; Boundary=b; start=x', 'm'],
    ['a MIME version and a binary encoding', upload('m').replace('text/plain', 'text/plain\r\nMIME-Version: 1.0\r\nContent-Transfer-Encoding: binary'), 'multipart/related; boundary=b', 'm'],
    ['a boundary in the media that stands in no line of its own', upload('x--b--'), 'multipart/related; boundary=b', 'x--b--'],
    ['nested multipart, which is media like any other', upload('--c\r\n\r\nx\r\n--c--').replace('text/plain', 'multipart/mixed; boundary=c'), 'multipart/related; boundary=b', '--c\r\n\r\nx\r\n--c--'],
  ]
  for (const [title, body, type, media] of good) {
    it(`passes with ${title}`, async () => {
      const found = await read(body, type)
      assert.equal(typeof found === 'string' ? found : found.media.toString(), media)
    })
  }

  const hostile: readonly (readonly [string, string, string?])[] = [
    ['a third part', upload('m', 'b', '\r\nContent-Type: text/plain\r\n\r\nthird\r\n--b--\r\n')], ['an epilogue', upload('m', 'b', '--\r\nmore')], ['a long epilogue of spaces', upload('m', 'b', `--\r\n${' '.repeat(3000)}`)],
    ['no closing boundary', upload('m').replace('--b--\r\n', '')], ['a cut closing boundary', upload('m', 'b', '-')], ['a boundary that goes on', upload('m', 'b', 'x--\r\n')], ['no second part', '--b\r\nContent-Type: application/json\r\n\r\n{}\r\n--b--\r\n'],
    ['a boundary line in the media', upload('m\r\n--b\r\nx')], ['a preamble', `hello\r\n${upload('m')}`], ['an empty body', ''], ['another boundary', upload('m', 'c')],
    ['a first part that is not JSON', upload('m').replace('application/json', 'text/html')], ['two content types in one part', upload('m').replace('text/plain', 'text/plain\r\nContent-Type: text/html')],
    ['base64', upload('bQ==').replace('text/plain', 'text/plain\r\nContent-Transfer-Encoding: base64')], ['quoted-printable', upload('m').replace('text/plain', 'text/plain\r\nContent-Transfer-Encoding: quoted-printable')],
    ['a header that is not known', upload('m').replace('text/plain', 'text/plain\r\nContent-Disposition: form-data; name=x')], ['a folded header', upload('m').replace('text/plain', 'text/plain;\r\n charset=x')], ['a header without a name', upload('m').replace('text/plain', 'text/plain\r\n: x')],
    ['a control character in a header', upload('m').replace('text/plain', 'text/\u0000plain')], ['huge headers', upload('m').replace('text/plain', `text/plain\r\nMIME-Version: ${'1'.repeat(20_000)}`)], ['a huge JSON part', upload('m').replace('"o"', `"${'o'.repeat(90_000)}"`)],
    ['a boundary line with more on it', upload('m').replace('--b\r\n', '--b x\r\n')],
    ['no boundary', upload('m'), 'multipart/related'], ['an empty boundary', upload('m'), 'multipart/related; boundary='], ['two boundaries', upload('m'), 'multipart/related; boundary=b; boundary=c'],
    ['two boundaries, one malformed', upload('m'), 'multipart/related; boundary=b; boundary="{"'], ['a quote inside the boundary', upload('m'), 'multipart/related; boundary=b"c'], ['quotes that do not end', upload('m'), 'multipart/related; boundary="b'],
    ['a long boundary', upload('m', 'b'.repeat(80)), `multipart/related; boundary=${'b'.repeat(80)}`], ['a boundary that ends with a space', upload('m', 'b '), 'multipart/related; boundary="b "'], ['multipart/mixed', upload('m'), 'multipart/mixed; boundary=b'], ['multipart/form-data', upload('m'), 'multipart/form-data; boundary=b'],
  ]
  for (const [title, body, type] of hostile) {
    it(`invariant 2: is refused with ${title}, in any chunking`, async () => {
      for (const points of [[], [...Buffer.from(body).keys()].slice(0, 400)]) assert.match(String(await read(body, type, points)), /^(?:late )?REQUEST_(?:AMBIGUOUS|INVALID)$/)
    })
  }

  it('tiny chunks do not cost the square of the length', async () => {
    const body = upload('m').replace('"o"', `"${'o'.repeat(60_000)}"`)
    const started = performance.now()
    assert.notEqual(typeof await read(body, undefined, [...Buffer.from(body).keys()]), 'string')
    assert.ok(performance.now() - started < 2000)
  })

  it('a sender that stops in the middle of the head is not waited for', async () => {
    async function* slow(): AsyncGenerator<Uint8Array> {
      yield Buffer.from('--b\r\n')
      await new Promise(() => undefined)
    }
    const parts = await Promise.race([readMultipart(slow(), 'multipart/related; boundary=b', 1000, 20), new Promise<string>((resolve) => { setTimeout(resolve, 500, 'late').unref() })])
    assert.ok(isRefusal(parts) && parts.reason === 'REQUEST_INVALID')
  })

  it('media of many bytes comes through', async () => {
    const media = randomBytes(300_000).toString('latin1')
    const found = await read(Buffer.from(upload(media), 'latin1'), undefined, [1000, 70_000, 140_000])
    assert.equal(typeof found === 'string' ? found : found.media.toString('latin1') === media, true)
  })
})
