import assert from 'node:assert/strict'
import type { EffectFacts } from '@lockkeeper/domain/ports'
import { anAccessRequest } from '@lockkeeper/testkit'
import { effectText } from './card-effect.ts'
import { renderCard } from './card.ts'
import { renderCardText } from './card-text.ts'
import { readSettings } from './settings.ts'
import { shownCall } from './shown-call.ts'

const CASES: readonly (readonly [EffectFacts, string])[] = [
  [{ kind: 'bytes', amount: '0' }, 'By a dry run the query reads 0 bytes.'],
  [{ kind: 'bytes', amount: '1023' }, 'By a dry run the query reads 1023 bytes.'],
  [{ kind: 'bytes', amount: '1610612736' }, 'By a dry run the query reads 1.5 GiB.'],
  [{ kind: 'bytes', amount: '99999999999999999999' }, 'By a dry run the query reads 88817.8 PiB.'],
  [{ kind: 'objects', amount: '0' }, 'There are 0 objects in it (older versions are not counted).'],
  [{ kind: 'objects', amount: '1000', more: true }, 'There are 1000 or more objects in it.'],
  [{ kind: 'tables', amount: '3' }, 'There are 3 tables in it.'],
  [{ kind: 'accepted' }, 'The API has checked it without doing it, and would accept it.'],
  [{ kind: 'refused', why: '400: no such\u202e image' }, 'The API has checked it without doing it, and would refuse it: 400: no such\\u{202e} image'],
  [{ kind: 'unknown', why: 'a\u202eb' }, 'What it would do could not be found out (a\\u{202e}b).'],
  [{ kind: 'unknown' }, 'What it would do could not be found out (no reason is known).'],
]

describe('the effect on a card', () => {
  for (const [effect, wanted] of CASES) it(JSON.stringify(effect), () => assert.equal(effectText(effect), wanted))

  for (const [amount, wanted] of [
    ['0', 'about 0.00 USD'], ['1', 'under 0.01 USD'], ['10995116277', 'about 0.06 USD'], ['1099511627776', 'about 6.25 USD'], ['1649267441664000', 'about 9375.00 USD'],
  ] as const) {
    it(`${amount} bytes at a price of 6.25 USD are ${wanted}`, () => {
      assert.ok(effectText({ kind: 'bytes', amount }, { amount: 6.25, currency: 'USD' }).endsWith(`, which is ${wanted} at 6.25 USD for each TiB.`))
    })
  }

  it('an amount that is none has no price', () => assert.doesNotMatch(effectText({ kind: 'bytes' }, { amount: 6.25, currency: 'USD' }), /USD/))

  it('the card and what messages show tell the same of it', () => {
    const request = anAccessRequest({ effect: { kind: 'bytes', amount: '1099511627776' }, state: { kind: 'bound', others: [{ role: 'source', name: 'gs://a/b', exists: true, bound: true, facts: [['generation', '7']] }] } })
    const price = { amount: 5, currency: 'EUR' }
    const card = renderCard({ request, state: 'pending', expiresAt: 0, reviewers: [], quorum: 1, approvedBy: [], price })
    const shown = shownCall(request, undefined, price)
    assert.equal(card.effect, 'By a dry run the query reads 1.0 TiB, which is about 5.00 EUR at 5 EUR for each TiB.')
    assert.equal(shown.effect, card.effect)
    assert.ok(card.boundTo.includes('source gs://a/b: generation 7') && shown.edits?.includes('source gs://a/b: generation 7'))
    assert.ok(renderCardText(card).includes('5.00 EUR'))
  })

  for (const wrong of [{ amount: 0, currency: 'USD' }, { amount: -1, currency: 'USD' }, { amount: 1, currency: 'usd' }, { amount: 1 }, { amount: 1, currency: 'USD', per: 'GiB' }]) {
    it(`a price ${JSON.stringify(wrong)} stops the start`, () => assert.throws(() => readSettings({ mode: 'real', bigqueryPricePerTiB: wrong as never }), /bigqueryPricePerTiB/))
  }
})
