import assert from 'node:assert/strict'
import { digestOf } from '@lockkeeper/domain/digest'
import type { AccessRequest, StateFacts } from '@lockkeeper/domain/ports'
import { aCanonicalCall, anAccessRequest } from '@lockkeeper/testkit'
import { readAccessRequest } from './access-request.ts'
import { placesOf } from './call-places.ts'
import { renderCard, type Card } from './card.ts'
import { renderCardText } from './card-text.ts'

const AT = Date.UTC(2026, 0, 1)
const body = (value: object) => ({ kind: 'json' as const, text: JSON.stringify(value) })
const cardOf = (request: Partial<AccessRequest>): Card => renderCard({ request: anAccessRequest(request), state: 'pending', expiresAt: AT, reviewers: ['Bo'], quorum: 1, approvedBy: [] })
const withState = (state: StateFacts, value: object = {}): Card => cardOf({ state, call: aCanonicalCall({ body: body(value), bound: ['ifGenerationMatch'] }) })

describe('the state on a card', () => {
  const KINDS: readonly (readonly [StateFacts, RegExp])[] = [
    [{ kind: 'bound', exists: true, at: AT, reader: 'storage.objects.get' }, /Bound to the state that was read at 2026-01-01T00:00:00Z by storage\.objects\.get: .*the API itself refuses/],
    [{ kind: 'checked', at: AT }, /no precondition.*a moment is left/],
    [{ kind: 'none' }, /cannot be read beforehand: the approval is bound to the call alone/],
    [{ kind: 'unread', why: 'the upstream answered 403' }, /could not be read \(the upstream answered 403\)/],
    [{ kind: 'bound', exists: false }, /There was no such resource/],
  ]
  for (const [state, wanted] of KINDS) {
    it(`${state.kind}${state.exists === false ? ' to nothing' : ''} is said plainly`, () => {
      const card = withState(state)
      assert.match(card.boundTo.join('\n'), wanted)
      assert.ok(renderCardText(card).includes('\nbound '))
    })
  }

  it('what the gateway put into the call is named, and one that could not read warns', () => {
    assert.match(withState({ kind: 'bound' }).boundTo.join('\n'), /put in by the gateway: ifGenerationMatch/)
    assert.match(withState({ kind: 'unread' }).warnings.join('\n'), /could not be read/)
  })

  it('what else the call depends on is told, each with how far it is bound', () => {
    const others = [
      { role: 'source', name: 'gs://a/b', exists: true, bound: true, facts: [['generation', '7'], ['size', '12']] }, { role: 'source', name: 'gs://a/c', exists: false, bound: false, facts: [] },
      { role: 'document', name: 'projects/p/databases/d/documents/a/b', exists: true, bound: true, facts: [['does', 'is deleted'], ['updated', 'T']] }, { role: 'document', name: 'x', bound: false, facts: [['does', 'is transformed']] },
    ] as const
    assert.deepEqual(withState({ kind: 'checked', others, moreOthers: 3 }).boundTo.slice(1), [
      'source gs://a/b: generation 7, size 12', 'source gs://a/c: does not exist (not bound to this state)', 'document projects/p/databases/d/documents/a/b: is deleted, updated T',
      'document x: was not read (not bound to this state)', '… and 3 more, of which nothing is shown', 'put in by the gateway: ifGenerationMatch',
    ])
    assert.match(withState({ kind: 'checked', others }).boundTo[0] ?? '', /no precondition for all of this call/)
  })

  for (const [dedupeKey, bound, told] of [['requestId', ['requestId'], true], ['jobReference.jobId', ['body.jobReference'], true], ['jobReference.jobId', ['body.jobReference.jobId'], true], ['ifGenerationMatch', ['ifGenerationMatch'], false], ['requestId', ['body.etag'], false]] as const) {
    it(`a key ${bound.join()} ${told ? 'is' : 'is not'} told as one`, () => {
      const { boundTo } = cardOf({ state: { kind: 'none' }, call: aCanonicalCall({ body: { kind: 'none' }, dedupeKey, bound }) })
      assert.equal(boundTo.some((line) => line.startsWith('By the key')), told)
    })
  }

  it('fields are shown from what was read to what the call itself says', () => {
    const changes = [{ path: ['labels', 'team'], before: '"a"' }, { path: ['labels', 'new'] }, { path: ['labels', 'old'], before: '"x"' }, { path: ['cors', '0'], before: '1' }]
    assert.deepEqual(withState({ kind: 'bound', changes }, { labels: { team: 'b', new: 1, old: null }, cors: [{ a: 1 }] }).edits, ['labels.team: "a" → "b"', 'labels.new: nothing → 1', 'labels.old: "x" → nothing', 'cors.0: 1 → {"a":1}'])
  })

  it('what is left out is counted and warned of', () => {
    const card = withState({ kind: 'bound', changes: [{ path: ['a'], before: '1' }], moreChanges: 7 }, { a: 2 })
    assert.deepEqual(card.edits.at(-1), '… and 7 more')
    assert.match(card.warnings[0] ?? '', /7 more changed fields/)
  })

  for (const hidden of ['\u202e', '\n', '\u0007', '\u{e0041}']) {
    it(`a hostile state hides nothing with ${JSON.stringify(hidden)}`, () => {
      const evil = `a${hidden}b`
      const card = withState({ kind: 'unread', why: evil, reader: evil, changes: [{ path: [evil], before: evil }], others: [{ role: 'source', name: evil, exists: true, bound: true, facts: [[evil, evil]] }] }, { [evil]: evil })
      assert.doesNotMatch(JSON.stringify([card, renderCardText(card).replaceAll('\n', '')]), /[\p{Cc}\p{Cf}]/u)
    })
  }
})

describe('a bound call', () => {
  const call = aCanonicalCall({ arguments: { bucket: 'b', ifGenerationMatch: '7' }, headers: { 'if-match': 'e' }, body: body({ name: 'n', policy: { bindings: [], etag: 'x' } }), bound: ['ifGenerationMatch', 'header.if-match', 'body.policy.etag'] })
  const sent = aCanonicalCall({ arguments: { bucket: 'b' }, headers: {}, body: body({ name: 'n', policy: { bindings: [] } }) })
  const request = (changes: Partial<AccessRequest> = {}): AccessRequest => {
    const { attach, ...rest } = anAccessRequest({ call, ...changes })
    return { ...rest, attach: { ...attach, digest: digestOf(sent) } }
  }
  const problem = (data: AccessRequest): string => {
    const read = readAccessRequest(JSON.parse(JSON.stringify(data)), data.mode)
    return 'problem' in read ? read.problem : ''
  }

  it('invariant 4: is the agent\'s call but for what the gateway says that it put in', () => {
    assert.equal(problem(request()), '')
    assert.match(problem(request({ call: { ...call, arguments: { ...call.arguments, force: 'true' } } })), /digest is not that of its call/)
    assert.match(problem(request({ call: { ...call, bound: ['ifGenerationMatch'] } })), /digest is not that of its call/)
  })

  it('invariant 4: its card names the digest of the call with what was put in', () => {
    const card = cardOf({ call })
    assert.equal(card.digest, digestOf(call))
    assert.notEqual(card.digest, digestOf(sent))
  })

  it('a body that the gateway made is none of the agent\'s', () => {
    const none = aCanonicalCall({ body: { kind: 'none' } })
    const { attach, ...rest } = anAccessRequest({ call: { ...none, body: body({ etag: 'x' }), bound: ['body'] } })
    assert.equal(problem({ ...rest, attach: { ...attach, digest: digestOf(none) } }), '')
  })

  it('a pattern bounds nothing that the gateway put in', () => {
    assert.deepEqual([...placesOf(call)?.keys() ?? []], ['bucket', 'body.name', 'body.policy.bindings'])
    assert.deepEqual([...placesOf(aCanonicalCall({ arguments: {}, body: body({ etag: 'x' }), bound: ['body'] }))?.keys() ?? []], [])
  })

  it('facts beyond their bounds are refused whole', () => {
    const change = { path: ['a'], before: 'x' }
    for (const state of [{ kind: 'bound', changes: Array.from({ length: 51 }, () => change) }, { kind: 'bound', changes: [{ path: [] }] }, { kind: 'bound', changes: [{ path: ['a'], before: 'x'.repeat(1025) }] }, { kind: 'odd' }, { kind: 'bound', more: 1 }]) {
      assert.match(problem(request({ state: state as StateFacts })), /^state/)
    }
  })
})
