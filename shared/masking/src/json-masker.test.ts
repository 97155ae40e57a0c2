import assert from 'node:assert/strict'
import { LockkeeperError } from '@lockkeeper/domain/errors'
import fc from 'fast-check'
import { createMasker } from './masker.ts'
import type { Masker, MaskerOptions, MaskStream } from './masker.ts'

function masker(detectors: readonly string[], fields: readonly string[] = [], options?: MaskerOptions): Masker {
  const made = createMasker({ detectors, fields }, options)
  if ('problem' in made) throw new TypeError(made.problem)
  return made
}

const all = masker(['personal-data', 'secrets'])

function maskText(by: Masker, json: string): string {
  return Buffer.from(by.maskJson(Buffer.from(json)).bytes).toString()
}

function mask(by: Masker, value: unknown): unknown {
  return JSON.parse(maskText(by, JSON.stringify(value)))
}

/** Cuts are taken modulo the length, so that any list of numbers is a chunking. */
function streamed(stream: MaskStream, bytes: Uint8Array, cuts: readonly number[]): Buffer {
  const places = [...new Set(cuts.map(cut => cut % (bytes.length + 1)))].sort((a, b) => a - b)
  const out: Uint8Array[] = []
  let from = 0
  for (const place of [...places, bytes.length]) {
    // What was pushed is overwritten afterwards: a masker that kept a view of it would show.
    const chunk = Buffer.from(bytes.subarray(from, place))
    out.push(...stream.push(chunk).map(part => Buffer.from(part)))
    chunk.fill(0x58)
    from = place
  }
  out.push(...stream.end())
  return Buffer.concat(out)
}

const cannotMask = (error: unknown): boolean => error instanceof LockkeeperError && error.reason === 'CANNOT_MASK'

const KEY = '-----BEGIN PRIVATE KEY-----\nMIIEvQIBADANBgkqhkiG9w0BAQEFAASC\n-----END PRIVATE KEY-----\n'
/** Values with the part of them that must not be seen afterwards. */
const SECRETS: readonly (readonly [string, string])[] = [
  ['alice.smith+x@example.com', 'alice.smith'], ['4111 1111 1111 1111', '4111 1111'], ['DE89370400440532013000', '0440532013'], ['+14155552671', '5552671'],
  ['AIzaSyA1234567890abcdefghijklmnopqrstuv', '1234567890abc'], ['ya29.a0AfH6SMBx1234567890', 'a0AfH6SM'], [KEY, 'MIIEvQIBADAN'], ['eyJhbGciOiJSUzI1NiJ9.eyJzdWIiOiIxIn0.c2lnbmF0dXJl', 'c2lnbmF0dXJl'],
]

describe('masking JSON', () => {
  it('invariant 9: a document in which nothing is masked is the very same object', () => {
    const bytes = Buffer.from(' { "a" : [ 1.50, -0e1, true,null, "\\u00e9\\/" , {} , [] ] }\n')
    const result = all.maskJson(bytes)
    assert.equal(result.bytes, bytes)
    assert.equal(result.masked, 0)
  })

  it('bytes around a masked value stay as they were', () => {
    assert.equal(maskText(all, '{ "a":1.0e+2,\t"m" : "a@b.example" , "b":"\\u00e9\\/" }\r\n'), '{ "a":1.0e+2,\t"m" : "[lockkeeper:masked:email]" , "b":"\\u00e9\\/" }\r\n')
  })

  it('an answer without a byte is complete', () => {
    assert.equal(all.maskJson(new Uint8Array()).masked, 0)
    assert.deepEqual(all.stream().end(), [])
  })

  it('invariant 9: a JSON number that is a card number becomes a marker', () => {
    assert.deepEqual(mask(all, [4111111111111111, 1700000000000000, 4111111111111112]), ['[lockkeeper:masked:card]', 1700000000000000, 4111111111111112])
    for (const token of ['4.111111111111111e15', '4111111111111111.0', '4111111111111111E0', '41111111111111110e-1']) assert.equal(maskText(all, token), '"[lockkeeper:masked:card]"', token)
  })

  it('invariant 9: member names tell telephone numbers and keys that look like nothing', () => {
    assert.deepEqual(mask(all, { phoneNumber: '4155552671', mobile: 601234567, phones: ['5552671', '415 5552671 ext. 12'], phone: 'ask Bob', count: 601234567, private_key: 'abc', privateKeyId: 'x', access_token: 't', secretAccessKey: 's' }), {
      phoneNumber: '[lockkeeper:masked:phone]', mobile: '[lockkeeper:masked:phone]', phones: ['[lockkeeper:masked:phone]', '[lockkeeper:masked:phone]'], phone: 'ask Bob', count: 601234567, private_key: '[lockkeeper:masked:service-account-key]',
      privateKeyId: '[lockkeeper:masked:service-account-key]', access_token: '[lockkeeper:masked:google-oauth-token]', secretAccessKey: '[lockkeeper:masked:aws-key]',
    })
  })

  it('invariant 9: e-mail addresses in member names are masked and two of them stay two members', () => {
    assert.deepEqual(mask(all, { 'a@b.example': 1, 'user:c@d.example': 2, x: { 'e@f.example': 3 }, 'g@h.example': 4 }), {
      '[lockkeeper:masked:email]': 1, 'user:[lockkeeper:masked:email:2]': 2, 'x': { '[lockkeeper:masked:email]': 3 }, '[lockkeeper:masked:email:3]': 4,
    })
  })

  it('invariant 9: escapes, surrogates and look-alikes hide nothing', () => {
    for (const token of ['"alice\\u0040example.com"', '"\\u0061lice@example.com"', '"alice\\uff20example.com"', '"\\ud835\\udc1alice@example.com"', '"alice@ex\\u200bample.com"']) assert.equal(maskText(all, token), '"[lockkeeper:masked:email]"', token)
    assert.deepEqual(JSON.parse(maskText(all, '{"\\u0061@b.example":"\\ud800 a@b.example"}')), { '[lockkeeper:masked:email]': '\ud800 [lockkeeper:masked:email]' })
  })

  it('invariant 9: what is masked is masked again to the same bytes', () => {
    const once = maskText(all, JSON.stringify(SECRETS))
    assert.equal(maskText(all, once), once)
  })
})

describe('masking inside values', () => {
  it('invariant 9: a service account key is masked as an object, inside a string and inside base64', () => {
    const file = { type: 'service_account', project_id: 'p', private_key_id: 'abcdef123456', private_key: KEY, client_email: 'x@p.iam.gserviceaccount.com' }
    const wanted = { ...file, private_key_id: '[lockkeeper:masked:service-account-key]', private_key: '[lockkeeper:masked:service-account-key]' }
    const result = mask(all, { file, text: JSON.stringify(file, null, 2), payload: { data: Buffer.from(JSON.stringify(file)).toString('base64') }, twice: JSON.stringify({ inner: JSON.stringify(file) }) }) as { file: unknown, text: string, payload: { data: string }, twice: string }
    assert.deepEqual(result.file, wanted)
    assert.deepEqual(JSON.parse(result.text), wanted)
    assert.deepEqual(JSON.parse(Buffer.from(result.payload.data, 'base64').toString()), wanted)
    assert.deepEqual(JSON.parse((JSON.parse(result.twice) as { inner: string }).inner), wanted)
    assert.deepEqual(mask(all, { privateKeyData: Buffer.from(JSON.stringify(file)).toString('base64') }), { privateKeyData: '[lockkeeper:masked:service-account-key]' })
  })

  for (const [secret, part] of SECRETS) {
    it(`invariant 9: ${JSON.stringify(secret.slice(0, 30))} is found under layers of JSON and base64`, () => {
      const base64 = (text: string): string => Buffer.from(text).toString('base64')
      const url = (text: string): string => Buffer.from(text).toString('base64url')
      const layers: readonly ((text: string) => string)[] = [text => text, text => JSON.stringify([text]), text => JSON.stringify(text), text => base64(`some text: ${text}`), text => url(`some text, ${text}`), text => `before ${base64(`{"long":"enough","x":${JSON.stringify(text)}}`)} after`]
      for (const outer of layers) {
        for (const inner of layers) {
          const written = maskText(all, JSON.stringify({ v: outer(inner(secret)) }))
          assertGone(written, part)
        }
      }
    })
  }

  it('invariant 9: what is wrapped too often to be opened is masked whole', () => {
    const wrap = (text: string, times: number): string => times === 0 ? text : wrap(JSON.stringify([text]), times - 1)
    for (const times of [3, 4, 5, 6, 8]) assertGone(maskText(all, wrap('\\u0061lice\\u0040example.com', times)), 'lice')
    const base64 = (text: string, times: number): string => times === 0 ? text : base64(Buffer.from(text).toString('base64'), times - 1)
    for (const times of [1, 2, 3, 4, 5, 6]) {
      const written = JSON.parse(maskText(all, JSON.stringify(base64('alice.smith@example.com', times)))) as string
      let text = written
      for (let layer = 0; layer <= times; layer++) {
        assert.ok(!text.includes('alice'), `${times} layers: ${text}`)
        text = Buffer.from(text, 'base64').toString()
      }
    }
  })

  it('short base64 is opened where the member says that it is base64', () => {
    const short = Buffer.from('a@b.pl').toString('base64')
    const wanted = Buffer.from('[lockkeeper:masked:email]').toString('base64')
    assert.deepEqual(mask(all, { data: short, message: { data: { KEY: short } }, other: short }), { data: wanted, message: { data: { KEY: wanted } }, other: short })
  })

  it('invariant 9: base64 with line breaks is opened where the member says that it is base64', () => {
    const lines = Buffer.from(KEY + KEY).toString('base64').replace(/.{40}/g, '$&\n')
    assertGone(maskText(all, JSON.stringify({ data: lines })), 'MIIEvQ')
  })

  it('invariant 9: a secret in binary data masks the value', () => {
    const binary = Buffer.concat([Buffer.from([0xff, 0xfe, 0x00]), Buffer.from('AIzaSyA1234567890abcdefghijklmnopqrstuv'), Buffer.from([0xff])])
    assert.deepEqual(mask(all, [binary.toString('base64')]), [Buffer.from('[lockkeeper:masked:google-api-key]').toString('base64')])
  })

  it('invariant 9: a private key whose lines are values of their own is masked line by line', () => {
    const lines = KEY.trim().split('\n')
    const pem = '[lockkeeper:masked:pem]'
    assert.deepEqual(mask(all, { lines: [...lines, 'after'], other: 'MIIEvQIBADANBgkqhkiG' }), { lines: [pem, pem, pem, 'after'], other: 'MIIEvQIBADANBgkqhkiG' })
    const entries = lines.flatMap((textPayload, index) => [{ insertId: `id${index}`, textPayload, severity: 'INFO' }, { textPayload: 'not of the key!' }])
    const masked = mask(all, { entries }) as { entries: { insertId?: string, textPayload: string, severity?: string }[] }
    assert.deepEqual(masked.entries.map(entry => entry.textPayload), [pem, 'not of the key!', pem, 'not of the key!', pem, 'not of the key!'])
    assert.equal(masked.entries[2]?.insertId, 'id1')
  })

  it('a private key that never ends does not mask a list for ever', () => {
    const values = ['-----BEGIN PRIVATE KEY-----', ...Array.from({ length: 1000 }, () => 'word')]
    assert.equal((mask(all, values) as string[]).filter(value => value === 'word').length, 800)
  })

  it('invariant 9: short values are looked at for what has no shortest length', () => {
    assert.deepEqual(mask(masker(['secrets']), ['a://b:c@d', 'u://:p@']), ['a://[lockkeeper:masked:url-password]@d', 'u://[lockkeeper:masked:url-password]@'])
    assert.deepEqual(mask(masker(['phone']), ['+1234567', 'tel:55555']), ['[lockkeeper:masked:phone]', '[lockkeeper:masked:phone]'])
    assert.deepEqual(mask(masker(['google-oauth-token']), ['ya29.abcdefgh']), ['[lockkeeper:masked:google-oauth-token]'])
    assert.deepEqual(mask(masker(['email']), ['a@b.cd']), ['[lockkeeper:masked:email]'])
  })

  it('invariant 9: JSON inside a string that is nested too deep to be read is masked whole', () => {
    const by = masker(['email'], ['**.password'])
    assert.deepEqual(mask(by, { a: '['.repeat(101) + '{"password":"x"}' + ']'.repeat(101) }), { a: '[lockkeeper:masked:unreadable]' })
    assert.deepEqual(mask(by, { a: '[not json, just text]' }), { a: '[not json, just text]' })
  })

  it('base64 of pictures and hashes passes', () => {
    const values = [Buffer.alloc(900, 0xa7).toString('base64'), 'd41d8cd98f00b204e9800998ecf8427e', 'sha256:9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08', 'CAESEDEyMzQ1Njc4OTAxMjM0NTY=']
    assert.deepEqual(mask(all, values), values)
  })
})

/** Looks for the part in the text, in every string of it, and in what base64 in those decodes to, three layers deep. */
function assertGone(written: string, part: string, layer = 0): void {
  assert.ok(!written.includes(part), `found in ${written.slice(0, 300)}`)
  if (layer === 3) return
  for (const run of written.match(/[\w+/-]{8,}/g) ?? []) {
    for (let shift = 0; shift < 4; shift++) assertGone(Buffer.from(run.slice(shift), 'base64').toString('latin1'), part, 3)
    assertGone(Buffer.from(run, 'base64').toString(), part, layer + 1)
  }
  let value: unknown
  try {
    value = JSON.parse(written)
  } catch {
    return
  }
  const walk = (node: unknown): void => {
    if (typeof node === 'string') assertGone(node, part, layer + 1)
    else if (typeof node === 'object' && node !== null) for (const [key, child] of Object.entries(node)) { assertGone(key, part, layer + 1); walk(child) }
  }
  walk(value)
}

describe('what cannot be masked', () => {
  const REFUSED: readonly (string | Uint8Array)[] = [
    ' ', '{', '{"a"}', '{"a":}', '{"a":1,}', '[1,]', '[,1]', '[1 2]', '{"a":1 "b":2}', '{1:2}', "{'a':1}", '[1]]', '1 2', '{}{}', 'nul', 'nulll', 'True', '01', '-', '1.', '.5', '1e', '1e+', '+1', '--1', '0x1', 'NaN', 'Infinity', '"', '"a', '"\\x"', '"\\u12g4"', '"\n"', '"\t"', '"\u0000"',
    '[1}', '{"a":1]', '}', ']', ',', ':', '\ufeff{}', '/* */ {}', '{"a":1}//', '\u00a0{}', '{"a" 1}', ')]}\'\n{}', '[' .repeat(101) + ']'.repeat(101),
    Buffer.from([0x22, 0xff, 0x22]), Buffer.from([0x22, 0xc0, 0x80, 0x22]), Buffer.from([0x22, 0xed, 0xa0, 0x80, 0x22]), Buffer.from([0x22, 0xe2, 0x82, 0x22]), Buffer.from('"a@b.example"', 'utf16le'), Buffer.from([0x7b, 0x22, 0xff, 0x22, 0x3a, 0x31, 0x7d]), Buffer.from([0x1f, 0x8b, 0x08, 0x00]),
  ]
  for (const input of REFUSED) {
    it(`invariant 9: ${JSON.stringify(Buffer.from(input).toString('latin1').slice(0, 40))} is refused, whole and byte by byte`, () => {
      const bytes = Buffer.from(input)
      assert.throws(() => all.maskJson(bytes), cannotMask)
      assert.throws(() => streamed(all.stream(), bytes, [...bytes.keys()]), cannotMask)
    })
  }

  it('100 containers inside one another are still read', () => {
    assert.equal(all.maskJson(Buffer.from('['.repeat(100) + ']'.repeat(100))).masked, 0)
  })

  it('invariant 9: a string over the limit is refused, in one chunk and in many, and never begun', () => {
    const small = masker(['email'], [], { maxStringLength: 64 })
    const fits = Buffer.from(JSON.stringify(['x'.repeat(62)]))
    assert.equal(small.maskJson(fits).masked, 0)
    assert.equal(streamed(small.stream(), fits, [3, 20]).toString(), fits.toString())
    for (const value of [['x'.repeat(63)], { ['x'.repeat(63)]: 1 }]) {
      const bytes = Buffer.from(JSON.stringify(value))
      assert.throws(() => small.maskJson(bytes), cannotMask)
      assert.throws(() => streamed(small.stream(), bytes, [...bytes.keys()]), cannotMask)
    }
    assert.throws(() => small.maskJson(Buffer.from('1'.repeat(65))), cannotMask)
  })

  it('invariant 9: after a refusal nothing more is released', () => {
    const stream = all.stream()
    assert.throws(() => stream.push(Buffer.from('[1,]')), cannotMask)
    assert.throws(() => stream.push(Buffer.from('[1]')), cannotMask)
    assert.throws(() => stream.end(), cannotMask)
  })

  it('a refusal names a place and no content', () => {
    assert.throws(() => all.maskJson(Buffer.from('{"secret-name": hunter2}')), (error: unknown) => error instanceof LockkeeperError && /at byte 16/.test(error.message) && !/hunter|secret/.test(error.message))
  })
})

describe('masking fields', () => {
  const ROWS: readonly (readonly [string, unknown, unknown])[] = [
    ['items[].owner.email', { items: [{ owner: { email: 'x', n: 1 } }], owner: { email: 'y' } }, { items: [{ owner: { email: '#', n: 1 } }], owner: { email: 'y' } }],
    ['items.owner', { items: [{ owner: 1 }, { owner: null }] }, { items: [{ owner: '#' }, { owner: '#' }] }],
    ['*.password', { a: { password: 'x' }, password: 'y', b: { c: { password: 'z' } } }, { a: { password: '#' }, password: 'y', b: { c: { password: 'z' } } }],
    ['**.privateKey', { privateKey: 'a', b: [{ private_key: 'b', c: { PRIVATE_KEY: 'c' } }] }, { privateKey: '#', b: [{ private_key: '#', c: { PRIVATE_KEY: '#' } }] }],
    ['a.**.z', { a: { z: 1, b: { z: 2, y: 3 } }, z: 4 }, { a: { z: '#', b: { z: '#', y: 3 } }, z: 4 }],
    ['labels["a.b"]', { labels: { 'a.b': 1, 'a': { b: 2 } } }, { labels: { 'a.b': '#', 'a': { b: 2 } } }],
    ['a', { a: { b: { c: ['secret'] } }, d: 1 }, { a: { '#': '#' }, d: 1 }],
    ['a', { a: ['secret', { b: 1 }] }, { a: ['#'] }],
    ['a', { a: {}, b: [] }, { a: { '#': '#' }, b: [] }],
    ['a[]', { a: ['x', 1, [2], { b: 3 }] }, { a: ['#', '#', ['#'], { '#': '#' }] }],
    ['[].b', [{ b: 1, c: 2 }], [{ b: '#', c: 2 }]],
    ['b', [{ b: 1 }], [{ b: '#' }]],
    ['**', { a: 1 }, { '#': '#' }],
    ['a', { a: false, b: true }, { a: '#', b: true }],
    ['config.password', { config: JSON.stringify({ password: 'x', n: 1 }) }, { config: JSON.stringify({ password: '[lockkeeper:masked:field]', n: 1 }) }],
  ]
  for (const [path, value, wanted] of ROWS) {
    it(`invariant 9: ${path} masks what it names in ${JSON.stringify(value)}`, () => {
      const by = masker([], [path])
      assert.deepEqual(mask(by, value), JSON.parse(JSON.stringify(wanted).replaceAll('#', '[lockkeeper:masked:field]')))
      const bytes = Buffer.from(JSON.stringify(value))
      assert.equal(streamed(by.stream(), bytes, [...bytes.keys()]).toString(), Buffer.from(by.maskJson(bytes).bytes).toString())
    })
  }

  it('invariant 9: a masked field may be of any size, and what is in it must still be JSON', () => {
    const by = masker([], ['a'], { maxStringLength: 32 })
    assert.deepEqual(mask(by, { a: 'x'.repeat(1000), b: 1 }), { a: '[lockkeeper:masked:field]', b: 1 })
    for (const json of ['{"a":{"b":}}', '{"a":[1,]}', '{"a":"\\x"}', '{"a":01}', '{"a":{"b":1]}', '{"a":"x"']) assert.throws(() => maskText(by, json), cannotMask, json)
  })

  it('members with names of the language are members like others', () => {
    const by = masker(['secrets'], ['constructor', '__proto__.x'])
    assert.equal(maskText(by, '{"constructor":1,"__proto__":{"x":2},"toString":3,"hasOwnProperty":"y"}'), '{"constructor":"[lockkeeper:masked:field]","__proto__":{"x":"[lockkeeper:masked:field]"},"toString":3,"hasOwnProperty":"y"}')
  })
})

describe('any chunking', () => {
  const plan = masker(['personal-data', 'secrets'], ['**.password', 'items[].owner'])
  const text = fc.oneof(
    fc.string({ unit: 'binary', maxLength: 20 }), fc.constantFrom('zone', 'x@', '@', '\\', '"', '[lockkeeper:masked:email]', '1700000000000000', 'é＠\ud800'),
    fc.tuple(fc.string({ maxLength: 6 }), fc.constantFrom(...SECRETS.map(([secret]) => secret)), fc.string({ maxLength: 6 })).map(parts => parts.join(' ')),
    fc.constantFrom(...SECRETS.map(([secret]) => Buffer.from(secret).toString('base64'))), fc.constantFrom(...SECRETS.map(([secret]) => JSON.stringify({ a: secret }))),
  )
  const { document } = fc.letrec<{ document: unknown, key: string }>(tie => ({
    key: fc.oneof(fc.constantFrom('password', 'items', 'owner', 'data', 'phone', 'a@b.example', '__proto__'), text),
    document: fc.oneof({ maxDepth: 4 }, text, fc.integer(), fc.double({ noNaN: true, noDefaultInfinity: true }), fc.constantFrom(null, true, false, 4111111111111111), fc.array(tie('document'), { maxLength: 4 }), fc.dictionary(tie('key') as fc.Arbitrary<string>, tie('document'), { maxKeys: 4 })),
  }))
  /** Some of the characters written as escapes, as other serialisers do. */
  const written = fc.tuple(document, fc.constantFrom(0, 2), fc.nat(5)).map(([value, indent, every]) => {
    const json = JSON.stringify(value, null, indent)
    let count = 0
    return every === 0 ? json : json.replace(/[@<>=&é]/g, c => count++ % every === 0 ? `\\u${c.charCodeAt(0).toString(16).padStart(4, '0')}` : c)
  })

  it('invariant 9: any split of any document gives the bytes of the whole document, valid JSON, and the same count', () => {
    fc.assert(fc.property(written, fc.array(fc.nat(), { maxLength: 30 }), (json, cuts) => {
      const bytes = Buffer.from(json)
      const whole = plan.maskJson(bytes)
      const stream = plan.stream()
      assert.equal(streamed(stream, bytes, cuts).toString('latin1'), Buffer.from(whole.bytes).toString('latin1'))
      assert.equal(stream.masked, whole.masked)
      JSON.parse(Buffer.from(whole.bytes).toString())
      if (whole.masked === 0) assert.equal(whole.bytes, bytes)
    }), { numRuns: 1500 })
  })

  it('invariant 9: byte by byte gives the same', () => {
    fc.assert(fc.property(written, json => {
      const bytes = Buffer.from(json)
      assert.equal(streamed(plan.stream(), bytes, [...bytes.keys()]).toString('latin1'), Buffer.from(plan.maskJson(bytes).bytes).toString('latin1'))
    }), { numRuns: 500 })
  })

  it('invariant 9: no planted secret survives anywhere, also decoded', () => {
    fc.assert(fc.property(written, json => {
      const result = Buffer.from(plan.maskJson(Buffer.from(json)).bytes).toString()
      for (const [, part] of SECRETS) assertGone(result, part)
    }), { numRuns: 400 })
  })

  it('invariant 9: at no cut has a byte of a secret left', () => {
    for (const [secret] of SECRETS) {
      const bytes = Buffer.from(JSON.stringify({ value: secret, after: [1] }))
      const begin = bytes.indexOf(':') + 1
      const end = bytes.indexOf(',"after"')
      for (let cut = begin; cut < end; cut++) {
        const released = Buffer.concat(plan.stream().push(bytes.subarray(0, cut)))
        assert.equal(released.toString(), '{"value":', `${secret} cut at ${cut}`)
      }
    }
  })

  it('valid documents are what JSON.parse takes, and no others', () => {
    const by = masker(['email'])
    fc.assert(fc.property(fc.oneof(fc.array(fc.constantFrom(...'{}[]",:\\/0123456789.eE+-truefalsn u"""  ', '\n'), { maxLength: 12 }).map(parts => parts.join('')), written.chain(json => fc.nat(json.length).map(at => json.slice(0, at) + json.slice(at + 1)))), json => {
      let valid = true
      try {
        JSON.parse(json)
      } catch {
        valid = json === ''
      }
      let taken = true
      try {
        by.maskJson(Buffer.from(json))
      } catch {
        taken = false
      }
      assert.equal(taken, valid, json)
    }), { numRuns: 4000 })
  })
})
