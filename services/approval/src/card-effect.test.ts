import assert from 'node:assert/strict'
import type { EffectFacts } from '@lockkeeper/domain/ports'
import { effectText } from './card-effect.ts'

const CASES: readonly (readonly [EffectFacts, string])[] = [
  [{ kind: 'bytes', amount: '0' }, 'By a dry run the query reads 0 bytes.'],
  [{ kind: 'bytes', amount: '1023' }, 'By a dry run the query reads 1023 bytes.'],
  [{ kind: 'bytes', amount: '1610612736' }, 'By a dry run the query reads 1.5 GiB.'],
  [{ kind: 'bytes', amount: '99999999999999999999' }, 'By a dry run the query reads 88817.8 PiB.'],
  [{ kind: 'objects', amount: '0' }, 'There are 0 objects in it (older versions are not counted).'],
  [{ kind: 'objects', amount: '1000', more: true }, 'There are 1000 or more objects in it.'],
  [{ kind: 'tables', amount: '3' }, 'There are 3 tables in it.'],
  [{ kind: 'unknown', why: 'a\u202eb' }, 'What it would do could not be found out (a\\u{202e}b).'],
  [{ kind: 'unknown' }, 'What it would do could not be found out (no reason is known).'],
]

describe('the effect on a card', () => {
  for (const [effect, wanted] of CASES) it(JSON.stringify(effect), () => assert.equal(effectText(effect), wanted))
})
