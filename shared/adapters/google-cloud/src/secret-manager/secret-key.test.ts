import assert from 'node:assert/strict'
import { randomBytes } from 'node:crypto'
import { inspect } from 'node:util'
import type { SecretSource } from '@lockkeeper/domain/ports'
import { secretKey32 } from './secret-key.ts'

const holding = (value: string): SecretSource => ({ access: () => Promise.resolve({ value, version: '1' }) })

describe('google-cloud: a key of 32 bytes out of a secret', () => {
  it('comes in base64 or base64url, padded or not', async () => {
    const key = Uint8Array.from({ length: 32 }, (_, index) => (index * 29 + 250) % 256)
    const bytes = Buffer.from(key)
    for (const value of [bytes.toString('base64'), bytes.toString('base64url'), `${bytes.toString('base64url')}=`]) assert.deepEqual(await secretKey32(holding(value), 'receipts'), key)
  })

  it('the newline that openssl ends it with is no part of it', async () => {
    const key = randomBytes(32)
    assert.deepEqual(await secretKey32(holding(`${key.toString('base64')}\n`), 'receipts'), new Uint8Array(key))
    await assert.rejects(secretKey32(holding(`${key.toString('base64')}\n\n`), 'receipts'))
  })

  it('any random key is taken', async () => {
    for (let round = 0; round < 200; round++) assert.equal((await secretKey32(holding(randomBytes(32).toString('base64')), 'k')).byteLength, 32)
  })

  const good = Buffer.from(Uint8Array.from({ length: 32 }, (_, index) => index * 7))
  const bad: Readonly<Record<string, string>> = {
    'nothing': '',
    '31 bytes': good.subarray(1).toString('base64'),
    '33 bytes': Buffer.concat([good, Buffer.from('x')]).toString('base64'),
    'hexadecimal': good.toString('hex'),
    'a space in it': `${good.toString('base64').slice(0, 42)} =`,
    'loose bits at its end': `${good.toString('base64').slice(0, 42)}${good.toString('base64')[42] === '9' ? '8' : '9'}=`,
    'a passphrase of the right length': 'correct-horse-battery-staple-correct-horse!',
    'zeros': Buffer.alloc(32).toString('base64'),
    'a pattern': Buffer.from('abcdefgh'.repeat(4)).toString('base64'),
  }
  for (const [what, value] of Object.entries(bad)) {
    it(`${what} is refused, and not quoted`, async () => {
      await assert.rejects(secretKey32(holding(value), 'receipts'), (error: Error) => {
        assert.equal((error as { reason?: string }).reason, 'CREDENTIAL_UNAVAILABLE')
        assert.ok(error.message.includes('receipts'))
        if (value.length > 8) assert.ok(!inspect(error, { depth: 9 }).includes(value.slice(0, 12)))
        return true
      })
    })
  }
})
