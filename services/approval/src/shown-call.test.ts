import assert from 'node:assert/strict'
import { EVENT_DATA } from '@lockkeeper/domain/events'
import type { AccessRequest, StateChange } from '@lockkeeper/domain/ports'
import { aCanonicalCall, anAccessRequest } from '@lockkeeper/testkit'
import { shownCall } from './shown-call.ts'

const shown = EVENT_DATA['approval.requested'].shape.shown.unwrap()
const patch = (value: object) => aCanonicalCall({ method: 'storage.buckets.patch', change: true, body: { kind: 'json', text: JSON.stringify(value) } })
const of = (request: Partial<AccessRequest>) => shown.parse(shownCall(anAccessRequest(request), undefined))

describe('what travels with a request', () => {
  it('has the fields that change, what the API says that it would do, and whether it can be undone, as the card has them', () => {
    const { edits, effect, undo, whole } = of({
      call: patch({ labels: { team: 'b' } }), state: { kind: 'bound', changes: [{ path: ['labels', 'team'], before: '"a"' }] }, effect: { kind: 'objects', amount: '12' },
    })
    assert.deepEqual([edits, effect, whole], [['labels.team: "a" → "b"'], 'There are 12 objects in it.', true])
    assert.match(undo ?? '', /setting the old fields again/)
  })

  it('has none of them where nothing was read and nothing is changed', () => {
    const { edits, effect, undo } = of({ call: aCanonicalCall({ change: false }) })
    assert.deepEqual([edits, effect, undo], [undefined, undefined, undefined])
  })

  it('is bounded, says what it leaves out, and a call that is shown whole stays so', () => {
    const changes = Array.from({ length: 50 }, (_, index): StateChange => ({ path: [`f${index}`], before: 'x'.repeat(1000) }))
    const { edits = [], whole } = of({ call: patch({ f0: 'y' }), state: { kind: 'bound', changes, moreChanges: 7 } })
    assert.deepEqual([edits.length, edits.at(-1), whole], [21, '… and 31 more; see the card', true])
    assert.ok(edits.every((line) => line.length <= 300))
  })

  it('hides nothing in what others wrote', () => {
    const { edits = [], effect = '' } = of({ call: patch({}), state: { kind: 'bound', changes: [{ path: ['a\u202eb'], before: '\u200b' }] }, effect: { kind: 'unknown', why: 'x\u0000y' } })
    assert.doesNotMatch(`${edits.join()}${effect}`, /[\p{Cc}\p{Cf}]/u)
  })
})
