import assert from 'node:assert/strict'
import fc from 'fast-check'
import { createMasker } from '../masker.ts'
import type { Masker } from '../masker.ts'
import { resolveDetectors } from '../plan.ts'

function masker(...detectors: string[]): Masker {
  const made = createMasker({ detectors, fields: [] })
  if ('problem' in made) throw new TypeError(made.problem)
  return made
}

/** Each text with what must be gone from it and what must stand there; `#` is the marker. */
const FOUND: Readonly<Record<string, readonly (readonly [string, string])[]>> = {
  email: [
    ['alice@example.com', '#'],
    ['Write to Alice.B+tag@Sub.Example.CO.UK!', 'Write to #!'],
    ['user:alice@example.com', 'user:#'],
    ['deleted:user:alice@example.com?uid=1', 'deleted:user:#?uid=1'],
    ['"john doe"@example.com', '#'],
    ['<o\'hara@example.com>', '<#>'],
    ['bob@[192.168.0.1]', '#'],
    ['bob@[IPv6:2001:db8::1]', '#'],
    ['zażółć@gęśla.example', '#'],
    ['用户@例子.公司', '#'],
    ['bob@xn--bcher-kva.example', '#'],
    ['bob＠example．com', '#'],
    ['bob@example。com', '#'],
    ['b\u200bob@exam\u00adple.com', '#'],
    ['ｂｏｂ@example.com', '#'],
    ['𝐛𝐨𝐛@example.com', '#'],
    ['mailto:bob%40example.com', 'mailto:#'],
    ['bob%2540example.com', '#'],
    ['bob&#64;example.com', '#'],
    ['bob&#x40;example&period;com', '#'],
    ['bob\\u0040example.com', '#'],
    ['bob\\x40example\\x2ecom', '#'],
    ['b\u0000o\u0000b\u0000@\u0000e\u0000x\u0000.\u0000c\u0000o\u0000', '#'],
    ['bob\u202e@example.com', '#'],
    ['bob@\u{e0041}ex\u007fample.com', '#'],
    ['bob\\\\u0040example.com', '#'],
    ['a@b.example,c@d.example', '#,#'],
    ['https://h.example/p?mail=a@b.example&x=1', 'https://h.example/p?#&x=1'],
    ['users/alice@example.com/keys', 'users/#/keys'],
    ['alice@x.iam.gserviceaccount.com.evil.example', '#'],
    ['bounce+alice=home.example@list.example', '#'],
    ['é👍@example.com', '#'],
  ],
  phone: [
    ['+14155552671', '#'], ['+1 (415) 555-2671', '#'], ['+48 601 234 567 (home)', '# (home)'], ['+49.30.123456', '#'], ['0048 601 234 567', '#'],
    ['call (415) 555-2671 now', 'call # now'], ['415-555-2671', '#'], ['415.555.2671', '#'], ['1-415-555-2671', '#'], ['601 234 567', '#'],
    ['020 7946 0958', '#'], ['06 12 34 56 78', '#'], ['(030) 123456', '#'], ['0171/1234567', '#'], ['tel:5552671', '#'], ['＋１ ４１５ ５５５ ２６７１', '#'], ['+٤٤ ٢٠ ٧٩٤٦ ٠٩٥٨', '#'],
  ],
  card: [
    ['4111111111111111', '#'], ['4111 1111 1111 1111', '#'], ['4111-1111-1111-1111', '#'], ['5555.5555.5555.4444', '#'], ['378282246310005', '#'], ['3782 822463 10005', '#'],
    ['30569309025904', '#'], ['6011111111111117', '#'], ['3530111333300000', '#'], ['2223003122003222', '#'], ['6304000000000000', '#'], ['6200000000000005', '#'], ['4222222222222', '#'],
    ['card=4111111111111111;', 'card=#;'], ['4111 1111 1111 1111 123', '# 123'], ['12 4111 1111 1111 1111 2027', '12 # 2027'], ['id4111111111111111x', 'id#x'],
    ['4111\u00a01111\u00a01111\u00a01111', '#'], ['４１１１１１１１１１１１１１１１', '#'], ['4111%201111%201111%201111', '#'], ['4 1 1 1 1 1 1 1 1 1 1 1 1 1 1 1', '#'],
  ],
  iban: [
    ['DE89370400440532013000', '#'], ['DE89 3704 0044 0532 0130 00', '#'], ['de89 3704 0044 0532 0130 00 please', '# please'], ['GB82WEST12345698765432', '#'], ['GB82-WEST-1234-5698-7654-32', '#'],
    ['PL61109010140000071219812874', '#'], ['FR1420041010050500013M02606', '#'], ['NO9386011117947', '#'], ['MT84MALT011000012345MTLCAST001S', '#'], ['IBAN:CH9300762011623852957,', 'IBAN:#,'], ['xDE89370400440532013000y', 'x#y'],
  ],
  'google-api-key': [['AIzaSyA1234567890abcdefghijklmnopqrstu_-', '#'], ['?key=AIzaSyA1234567890abcdefghijklmnopqrstuv&x', '?key=#&x'], [`AQ.${'Ab8'.repeat(16)}`, '#']],
  'google-oauth-token': [
    ['ya29.a0AfH6SMBx-1234567890_abcdef', '#'], ['Bearer ya29.c.b0Aaekm1J.xyz', 'Bearer #'], ['1//0gAbCdEfGhIjKlMnOpQrStUvWx', '#'], ['1\\/\\/0gAbCdEfGhIjKlMnOpQrStUvWx', '#'], ['1%2F%2F0gAbCdEfGhIjKlMnOpQrStUvWx', '#'],
    ['4/0AX4XfWhabcdefghijklmnop', '#'], ['GOCSPX-abcdefghijklmnopqrstuvwx', '#'],
  ],
  jwt: [
    ['eyJhbGciOiJSUzI1NiJ9.eyJzdWIiOiIxIn0.c2lnbmF0dXJl', '#'], ['t=eyJhbGciOiJub25lIn0.eyJzdWIiOiIxIn0.', 't=#'], ['eyJhbGciOiJub25lIn0.eyJzdWIiOiIxIn0', '#'],
    ['eyJhbGciOiJkaXIiLCJlbmMiOiJBMTI4R0NNIn0..iv.ciphertext.tag', '#'], ['eyJhbGciOiJSUzI1NiJ9\\u002eeyJzdWIiOiIxIn0\\u002ec2ln', '#'],
  ],
  pem: [
    ['-----BEGIN PRIVATE KEY-----\nMIIE\n-----END PRIVATE KEY-----\n', '#\n'], ['a -----BEGIN RSA PRIVATE KEY-----\\nMIIE\\n-----END RSA PRIVATE KEY-----\\n b', 'a #\\n b'],
    ['-----BEGIN EC PRIVATE KEY-----\nMIIE', '#'], ['-----BEGIN OPENSSH PRIVATE KEY-----\r\nb3Bl\r\n-----END OPENSSH PRIVATE KEY-----', '#'], ['-----BEGIN PGP PRIVATE KEY BLOCK-----\nx\n-----END PGP PRIVATE KEY BLOCK-----', '#'],
    ['-----BEGIN%20PRIVATE%20KEY-----%0AMIIE%0A-----END%20PRIVATE%20KEY-----', '#'],
  ],
  'aws-key': [['AKIAIOSFODNN7EXAMPLE', '#'], ['id ASIAIOSFODNN7EXAMPLE.', 'id #.']],
  'github-token': [[`ghp_${'a1B2'.repeat(9)}`, '#'], [`github_pat_${'a1B2_'.repeat(12)}`, '#']],
  'slack-token': [['xoxb-123456789012-abcdefABCDEF', '#'], ['https://hooks.slack.com/services/T000/B000/XXXXXXXX', 'https://#']],
  'url-password': [['postgres://user:pa55@db.example/x', 'postgres://#@db.example/x'], ['redis://:s3cret@h:6379', 'redis://#@h:6379']],
}

const PASSED: Readonly<Record<string, readonly string[]>> = {
  email: ['', '@', '@type', '@example.com', 'a@', 'type.googleapis.com/google.rpc.ErrorInfo', 'image@sha256:abc', 'pkg@1.2.3', 'build@proj.iam.gserviceaccount.com', 'serviceAccount:1-compute@developer.gserviceaccount.com', 'user@localhost'],
  phone: ['2024-01-02T03:04:05.678901234Z', '01-02-2024', '2024-01-02 03:04:05 +0000', '10.128.0.255', '1234567890', '1700000000000000', '123456789012', '550e8400-e29b-41d4-a716-446655440000', '12345678-1234-1234-1234-123456789012', 'debian-12-bookworm-v20240110', 'cos-stable-109-17800-66-27', '1.23.456', 'e+10', '1,234,567,890'],
  card: ['4111111111111112', '1700000000000000', '41111111111111', '41111111111111110', '12345678901234567', '2024-01-02T03:04:05.678901234Z', '0000000000000000', '1234567890123', '4111,1111,1111,1111'],
  iban: ['DE89370400440532013001', 'DE8937040044053201300', 'XX89370400440532013000', 'us-central1-a', 'DE89  3704', 'projects/de12'],
  'google-api-key': ['AIza', 'AIzaShort', 'AQ.short'],
  'google-oauth-token': ['ya29', 'https://storage.googleapis.com/v1//x', 'v4/0', 'GOCSPX-'],
  jwt: ['eyJhbGciOiJSUzI1NiJ9', 'eyJ.a.b', 'eyJwYWdlIjoxfQ.x'],
  pem: ['-----BEGIN CERTIFICATE-----\nMIIE\n-----END CERTIFICATE-----', '-----BEGIN PUBLIC KEY-----', 'the PRIVATE KEY'],
  'aws-key': ['AKIA', 'AKIAshort'],
  'github-token': ['ghp_short', 'high_resolution'],
  'slack-token': ['xoxb-', 'xox'],
  'url-password': ['https://example.com:443/x', 'https://user@example.com', 'a://b:c/d@e'],
}

describe('detectors', () => {
  for (const [name, rows] of Object.entries(FOUND)) {
    for (const [text, wanted] of rows) {
      it(`invariant 9: ${name} masks ${JSON.stringify(text)} whole, in text and in JSON`, () => {
        const expected = wanted.replaceAll('#', `[lockkeeper:masked:${name}]`)
        assert.equal(masker(name).maskText(text).text, expected)
        const { bytes } = masker(name).maskJson(Buffer.from(JSON.stringify({ value: text })))
        assert.equal((JSON.parse(Buffer.from(bytes).toString()) as { value: string }).value, expected)
      })
    }
  }
  for (const [name, texts] of Object.entries(PASSED)) {
    it(`${name} lets what only looks like it pass`, () => {
      for (const text of texts) assert.equal(masker(name).maskText(text).text, text)
    })
  }
})

/** Built so that a naive pattern would walk the same stretch again and again. */
const HOSTILE: readonly string[] = [
  '@', 'a@', 'a.', 'a@a.', 'a@a-', '"', '"@', '1', '1 ', '4 ', '41', '+1', '+1 (', '0', '01-', '(0', '00', 'eyJ', 'eyJaaaaa', 'eyJaaaaaa.', 'DE12', 'MT84', 'A1', '-', '-----BEGIN ', '-----BEGIN PRIVATE KEY', '-----END ', 'AIza', 'AKIA',
  'ghp_', 'xoxb-', 'ya29.', '1//', '://', '://a:', 'http://a', '\\', '\\u', '\\u0040', '%', '%25', '%40', '&#', '&#64;', '＠', '\u200b', 'ą@', '{', '[', '"{', '[[', '{"a":', 'YWFh', 'YWFh/', 'A-/', ' ', '\n', '=', 'LS0t', '５',
]

describe('hints', () => {
  const samples = Object.values(FOUND).flatMap(rows => rows.map(([text]) => text))
  const text = fc.array(fc.oneof(fc.constantFrom(...samples), fc.constantFrom(' ', '-', '.', '+', '(', ')', '0', '00', '1', '41', 'a', 'DE', '@', '/', '://', ':', '=', '\n'), fc.string({ maxLength: 4 })), { maxLength: 8 }).map(parts => parts.join(''))
  for (const detector of resolveDetectors({ detectors: ['personal-data', 'secrets'], fields: [] }).patterns) {
    it(`invariant 9: what ${detector.name} finds, its hint has seen`, () => {
      assert.equal(detector.hint.flags, '')
      fc.assert(fc.property(text, content => {
        let found = 0
        detector.find(content, () => { found++ })
        assert.ok(found === 0 || detector.hint.test(content), content)
      }), { numRuns: 600 })
    })
  }
})

describe('hostile texts', () => {
  const all = masker('personal-data', 'secrets')
  for (const piece of HOSTILE) {
    it(`1 MB of ${JSON.stringify(piece)} takes no more than linear time`, () => {
      const text = piece.repeat(Math.ceil(1_000_000 / piece.length))
      const json = Buffer.from(JSON.stringify([text.slice(0, 300_000)]))
      const start = process.cpuUsage()
      all.maskText(text)
      const spent = process.cpuUsage(start).user / 1000
      all.maskJson(json)
      // Quadratic behaviour takes minutes; a linear pass takes 10 to 200 ms here. CPU time, so that a busy machine changes little.
      assert.ok(spent < 1000, `${spent.toFixed(0)} ms`)
    })
  }
})
