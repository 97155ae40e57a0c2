import assert from 'node:assert/strict'
import type { AccessRequest, CanonicalCall } from '@lockkeeper/domain/ports'
import { aCanonicalCall, anAccessRequest, anAgent } from '@lockkeeper/testkit'
import fc from 'fast-check'
import { describe, it } from 'mocha'
import { callDifferences } from './call-differences.ts'
import { renderCard, type Card, type CardInput } from './card.ts'
import { renderCardText } from './card-text.ts'
import { earlierText, riskWhy, titleOf } from './card-words.ts'
import { prettyJson } from './pretty-json.ts'
import { untrusted, visible } from './shown-text.ts'

const input = (request: Partial<AccessRequest>, changes: Partial<CardInput> = {}): CardInput => ({
  request: anAccessRequest(request), state: 'pending', expiresAt: Date.UTC(2026, 0, 1, 0, 30), reviewers: ['Bo', 'Cy'], quorum: 1, approvedBy: [], ...changes,
})
const cardOf = (call: Partial<CanonicalCall>, request: Partial<AccessRequest> = {}): Card => renderCard(input({ call: aCanonicalCall(call), ...request }))
const texts = (card: Card): string => JSON.stringify(card)

const HIDDEN = ['\u0007', '\u001b[31m', '\r', '\n', '\u0085', '\u202e', '\u2066', '\u200b', '\u200f', '\u2028', '\ufeff', '\u{e0041}', '\u00ad', '\u3164']

describe('card', () => {
  const TITLES: readonly (readonly [string, readonly string[], string])[] = [
    ['storage.buckets.delete', ['//storage.googleapis.com/projects/_/buckets/b'], 'Delete projects/_/buckets/b'],
    ['cloudresourcemanager.projects.setIamPolicy', ['//cloudresourcemanager.googleapis.com/projects/shop'], 'Change who has access to projects/shop'],
    ['compute.firewallPolicies.patch', ['//compute.googleapis.com/p', '//compute.googleapis.com/q'], 'Change firewall policy p and 1 more'],
    ['odd.things.frobnicate', [], 'Call odd.things.frobnicate on odd.googleapis.com'],
    ['bare', [], 'Call bare on odd.googleapis.com'],
    ['storage.buckets.constructor', [], 'Call storage.buckets.constructor on odd.googleapis.com'],
  ]
  for (const [method, resources, wanted] of TITLES) {
    it(`the title of ${method} is “${wanted}”`, () => assert.equal(titleOf(method, resources, 'odd.googleapis.com'), wanted))
  }

  it('a risk class that nobody knows is shown as one to look at closely', () => {
    for (const risk of ['', 'none', 'constructor', '__proto__']) assert.match(riskWhy(risk), /look closely/)
  })

  for (const hidden of HIDDEN) {
    it(`no text on a card can hide or move anything with ${JSON.stringify(hidden)}`, () => {
      const evil = `a${hidden}b`
      const card = renderCard(input({
        call: aCanonicalCall({ method: evil, path: `/${evil}`, host: evil, target: evil, risk: evil, resources: [evil], arguments: { [evil]: evil }, headers: { [evil]: evil }, body: { kind: 'json', text: JSON.stringify({ [evil]: [evil] }) }, iam: { known: true, added: [{ role: evil, member: evil, condition: evil }], removed: [], auditConfigsChanged: false } }),
        agent: anAgent({ id: evil, run: evil, subject: evil, sponsor: evil, chain: [{ issuer: evil, subject: evil }] }), statedReason: evil,
      }, { reviewers: [evil], approvedBy: [evil], earlier: { approval: evil, at: 0, state: 'denied', why: evil, agent: evil, run: evil, changed: [evil] }, differences: { from: evil, lines: [evil] } }))
      const shown = [texts(card), renderCardText(card).replaceAll('\n', '')]
      for (const text of shown) assert.doesNotMatch(text, /[\p{Cc}\p{Cf}\p{Zl}\p{Zp}\u3164]/u)
    })
  }

  it('the stated reason is marked as the agent\'s own, on one line and bounded', () => {
    const card = cardOf({}, { statedReason: `safe\n\nrisk: none ${'x'.repeat(2000)}` })
    assert.ok((card.statedReason ?? '').length <= 500)
    assert.match(renderCardText(card), /^it says {4}“safe risk: none$/m)
    assert.match(renderCardText(card).replace(/\s+/g, ' '), /\(the agent's own words, not checked\)/)
    assert.doesNotMatch(renderCardText(card), /^ *risk: none/m)
  })

  it('an agent\'s words cannot end the quotation that they stand in and go on as ours', () => {
    const card = cardOf({}, { statedReason: 'tidy up” (checked by security) „and «so» on" ＂' })
    assert.equal(card.statedReason, 'tidy up\' (checked by security) \'and \'so\' on\' \'')
    assert.equal(renderCardText(card).split('”').length, 2)
  })

  it('a body keeps every digit and every member', () => {
    const { body } = cardOf({ body: { kind: 'json', text: '{"big":12345678901234567890.5,"list":[1,{"a":null}],"none":{},"e":[]}' } })
    assert.deepEqual(body, ['{', '  "big": 12345678901234567890.5,', '  "list": [', '    1,', '    {', '      "a": null', '    }', '  ],', '  "none": {},', '  "e": []', '}'])
  })

  it('a body that is longer than what is shown says so, and that all of it is approved', () => {
    const { body, warnings } = cardOf({ body: { kind: 'json', text: JSON.stringify(Array.from({ length: 2000 }, (_, index) => index)) } })
    assert.equal(body.length, 501)
    assert.match(warnings.join(), /Not shown: 1502 lines of the body. What is approved is all of it/)
  })

  const CUT: readonly (readonly [string, Partial<CanonicalCall>, RegExp])[] = [
    ['a grant of access behind five hundred others', { iam: { known: true, added: Array.from({ length: 501 }, (_, index) => ({ role: 'roles/viewer', member: `user:${index}` })), removed: [], auditConfigsChanged: false } }, /1 more grants of access/],
    ['a resource behind fifty others', { resources: Array.from({ length: 60 }, (_, index) => `//a/${index}`) }, /10 more resources/],
    ['an argument behind fifty others', { arguments: Object.fromEntries(Array.from({ length: 51 }, (_, index) => [`k${index}`, ''])) }, /1 more arguments/],
    ['the end of a long argument', { arguments: { a: `${'x'.repeat(2000)}evil` } }, /the ends of long arguments/],
    ['the end of a long line of the body', { body: { kind: 'json', text: JSON.stringify({ a: `${'x'.repeat(5000)}evil` }) } }, /the ends of long lines of the body/],
    ['the end of a vast body', { body: { kind: 'json', text: JSON.stringify('x'.repeat(4_000_000)) } }, /3950002 characters of the body/],
  ]
  for (const [what, call, wanted] of CUT) {
    it(`${what} is not left out in silence`, () => assert.match(cardOf(call).warnings[0] ?? '', wanted))
  }

  it('a card of four MiB of small members costs little', () => {
    const started = process.cpuUsage()
    cardOf({ body: { kind: 'json', text: `[${'1,'.repeat(2_000_000)}1]` } })
    cardOf({ body: { kind: 'json', text: `[${'1,'.repeat(120_000)}1]` } })
    const { user, system } = process.cpuUsage(started)
    assert.ok(user + system < 2_000_000, `${user + system} µs`)
  })

  it('a change of access is shown as what is added and removed', () => {
    const iam = { known: true, added: [{ role: 'roles/owner', member: 'user:eve@x', condition: 'request.time < t' }], removed: [{ role: 'roles/viewer', member: 'group:g@x' }], auditConfigsChanged: true }
    assert.deepEqual(cardOf({ iam }).iam, ['+ roles/owner  user:eve@x  if request.time < t', '- roles/viewer  group:g@x', '! the audit configuration changes'])
    assert.match(cardOf({ iam: { ...iam, known: false } }).iam[0] ?? '', /what it removes is not known/)
  })

  const MEDIA: readonly (readonly [Partial<Extract<CanonicalCall['body'], { kind: 'media' }>>, RegExp, RegExp])[] = [
    [{ size: 5, checksum: 'crc32c=A' }, /text\/plain, 5 bytes, checksum crc32c=A/, /content of the upload was not seen/],
    [{}, /size not declared/, /no checksum: its content is not bound/],
    [{ metadata: '{"name":"o"}' }, /"name": "o"/, /not seen/],
  ]
  for (const [body, shown, warning] of MEDIA) {
    it(`an upload with ${JSON.stringify(body)} says what is known and what is not`, () => {
      const card = cardOf({ body: { kind: 'media', contentType: 'text/plain', ...body } })
      assert.match(card.body.join('\n'), shown)
      assert.match(card.warnings.join('\n'), warning)
    })
  }

  it('a name that only looks familiar is pointed out', () => {
    assert.match(cardOf({ resources: ['//storage.googleapis.com/projects/_/buckets/pаypal'] }).warnings.join(), /plain ASCII/)
    assert.deepEqual(cardOf({}).warnings, [])
  })

  it('invariant 14: a sandbox card says so on its first line, a real one never', () => {
    assert.match(renderCardText(cardOf({}, { mode: 'sandbox' })), /^SANDBOX /)
    assert.doesNotMatch(renderCardText(cardOf({}, { mode: 'real' })), /sandbox/i)
  })

  it('invariant 13: only a denied past is called denied', () => {
    for (const state of ['expired', 'cancelled', 'answered', 'unknown'] as const) {
      assert.doesNotMatch(earlierText({ approval: 'apr_1', at: 0, state, agent: 'a', run: 'r', changed: [] }), /den(?:y|ied|ial)/i)
    }
    assert.match(earlierText({ approval: 'apr_1', at: 0, state: 'denied', why: 'no', agent: 'a', run: 'r', changed: [] }), /was denied at 1970-01-01T00:00:00Z .*: no/)
  })

  for (const width of [10, 40, 80, 100, 200]) {
    it(`no line is wider than the ${width} columns asked for, and no word is lost`, () => {
      const card = cardOf({ path: `/${'deep/'.repeat(60)}`, body: { kind: 'json', text: JSON.stringify({ a: 'lorem '.repeat(80), b: 'x'.repeat(300) }) } }, { statedReason: 'because '.repeat(30) })
      const text = renderCardText(card, { width })
      for (const line of text.split('\n')) assert.ok(line.length <= Math.max(40, width), line)
      assert.ok(text.replace(/\s/g, '').includes('deep/'.repeat(60)))
      assert.equal(text.match(/lorem/g)?.length, 80)
    })
  }

  it('rendering any request neither throws nor shows a control character', () => {
    const json = fc.jsonValue().map((value) => JSON.stringify(value))
    fc.assert(fc.property(fc.string({ unit: 'binary' }), json, fc.dictionary(fc.string(), fc.string()), (text, body, args) => {
      const card = renderCard(input({ call: aCanonicalCall({ method: text, path: text, resources: [text], arguments: args, body: { kind: 'json', text: body } }), statedReason: text }))
      assert.doesNotMatch(renderCardText(card).replaceAll('\n', ''), /[\p{Cc}\p{Cf}]/u)
    }), { numRuns: 100 })
  })
})

describe('differences of two calls', () => {
  const base = aCanonicalCall({ body: { kind: 'json', text: '{"a":[1,{"b":"c"}],"d":1}' } })
  const CASES: readonly (readonly [string, Partial<CanonicalCall>, readonly string[]])[] = [
    ['nothing', {}, []],
    ['a member', { body: { kind: 'json', text: '{"a":[1,{"b":"x"}],"d":1}' } }, ['body.a[1].b: "c" → "x"']],
    ['a member more and one less', { body: { kind: 'json', text: '{"a":[1,{"b":"c"}],"e":1}' } }, ['body.d: 1 → nothing', 'body.e: nothing → 1']],
    ['the order of keys', { body: { kind: 'json', text: '{"d":1,"a":[1,{"b":"c"}]}' } }, []],
    ['the body as a whole', { body: { kind: 'none' } }, ['body: {"a":[1,{"b":"c"}],"d":1} → null']],
    ['an argument', { arguments: { project: 'x', force: 'true' } }, ['argument force: nothing → "true"', 'argument project: "shop" → "x"']],
    ['a member called __proto__', { body: { kind: 'json', text: '{"a":[1,{"b":"c"}],"d":1,"__proto__":2}' } }, ['body.__proto__: nothing → 2']],
  ]
  for (const [what, change, wanted] of CASES) {
    it(`${what}: ${wanted.length} lines`, () => assert.deepEqual(callDifferences(base, { ...base, ...change }), wanted))
  }

  it('many differences are counted, and a vast body is not compared without end', () => {
    const many = (n: number, value: number): Partial<CanonicalCall> => ({ body: { kind: 'json', text: JSON.stringify(Array(n).fill(value)) } })
    assert.match(callDifferences({ ...base, ...many(100, 1) }, { ...base, ...many(100, 2) }).at(-1) ?? '', /and 80 more differences/)
    assert.deepEqual(callDifferences({ ...base, ...many(1_000_000, 1) }, { ...base, ...many(1_000_000, 2) }), ['body: changed; it is too long to be compared member by member'])
    assert.match(callDifferences({ ...base, ...many(100_000, 1) }, { ...base, ...many(100_000, 2) }).at(-1) ?? '', /was not compared/)
  })
})

describe('shown text', () => {
  it('hiding characters become visible escapes, and words of an agent lose them', () => {
    for (const hidden of HIDDEN) {
      assert.match(visible(`a${hidden}b`), /^a\\u\{[0-9a-f]+\}.*b$/)
      assert.match(untrusted(`a${hidden}b`, 100), /^a .*b$/)
    }
    assert.equal(visible('plain ünïcode 日本'), 'plain ünïcode 日本')
  })

  it('text that is no JSON is shown as it is, and bounded', () => {
    assert.deepEqual(prettyJson('not { json', 10), { lines: ['not { json'] })
    assert.equal(prettyJson(JSON.stringify('x'.repeat(10_000)), 10).lines[0]?.length, 2000 + '… (8002 more characters)'.length)
  })
})
