import assert from 'node:assert/strict'
import { openCheckpoint, signCheckpoint } from './checkpoint.ts'
import { EMPTY_ROOT } from './merkle.ts'
import { testSigner } from './small-log.fixture.ts'

const checkpoint = { origin: 'lockkeeper.test/log', size: 12, root: EMPTY_ROOT, at: 1_790_000_000_000 }
const signer = testSigner('file:log')

describe('checkpoint', () => {
  for (const [title, key] of [['Ed25519', signer], ['ES256 in DER', testSigner('kms:1', 'ES256')], ['ES256 as r and s', testSigner('kms:2', 'ES256', 'ieee-p1363')]] as const) {
    it(`a checkpoint signed with ${title} is read back`, async () => assert.deepEqual(openCheckpoint(await signCheckpoint(checkpoint, key), [key.trusted]), checkpoint))
  }

  it('invariant 8: a checkpoint with any byte changed, dropped or repeated is refused', async () => {
    const text = await signCheckpoint(checkpoint, signer)
    for (let at = 0; at < text.length; at++) {
      const [head, tail] = [text.slice(0, at), text.slice(at + 1)]
      const other = text[at] === 'A' ? 'B' : 'A'
      for (const changed of [head + other + tail, head + tail, head + text[at] + text[at] + tail]) {
        if (changed !== text) assert.equal(openCheckpoint(changed, [signer.trusted]), undefined, JSON.stringify(changed))
      }
    }
  })

  it('invariant 8: a checkpoint of another key is refused, also under the same name', async () => {
    const other = testSigner('file:log')
    assert.equal(openCheckpoint(await signCheckpoint(checkpoint, other), [signer.trusted]), undefined)
    assert.equal(openCheckpoint(await signCheckpoint(checkpoint, signer), []), undefined)
  })

  it('a witness may add its signature', async () => {
    const text = `${await signCheckpoint(checkpoint, signer)}— witness.example AAAAAAAA\n`
    assert.deepEqual(openCheckpoint(text, [signer.trusted]), checkpoint)
  })

  for (const origin of ['', 'two words', 'a+b', 'a\nb', 'x'.repeat(201)]) {
    it(`an origin ${JSON.stringify(origin.slice(0, 10))} cannot be signed`, async () => assert.rejects(signCheckpoint({ ...checkpoint, origin }, signer), TypeError))
  }
})
