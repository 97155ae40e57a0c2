import { strict as assert } from 'node:assert'
import { LockkeeperError } from '@lockkeeper/domain/errors'
import type { OpenedSecrets } from './subjects.ts'

const HOSTILE_NAMES = ['', '.', '..', '../etc/passwd', '/etc/passwd', 'a/b', 'a\u0000', 'a b', 'a\nb', '-a', '.hidden', 'ü', 'x'.repeat(129), '__proto__/x']

/** Every rule of the SecretSource port. `open` gives a source without secrets. */
export function secretSourceCompliance(name: string, open: () => Promise<OpenedSecrets>): void {
  describe(`${name} keeps the contract of a SecretSource`, () => {
    let opened: OpenedSecrets
    beforeEach(async () => { opened = await open() })
    afterEach(async () => { await opened.close() })

    it('a secret comes back with its value and a version', async () => {
      await opened.set('db-password', 'pass "word" ü=\\ ')
      const { value, version } = await opened.secrets.access('db-password')
      assert.equal(value, 'pass "word" ü=\\ ')
      assert.ok(version.length > 0)
    })

    it('the same value keeps its version, a new value is seen and has another one', async function () {
      await opened.set('token', 'one')
      const one = await opened.secrets.access('token')
      assert.deepEqual(await opened.secrets.access('token'), one)
      await opened.set('token', 'two')
      const two = await opened.secrets.access('token')
      assert.equal(two.value, 'two')
      if (opened.versions !== false) assert.notEqual(two.version, one.version)
    })

    it('an absent secret is CREDENTIAL_UNAVAILABLE and names it', async () => {
      for (const absent of ['absent', 'constructor', 'toString']) {
        await assert.rejects(opened.secrets.access(absent), (error: unknown) => error instanceof LockkeeperError && error.reason === 'CREDENTIAL_UNAVAILABLE' && error.message.includes(absent))
      }
    })

    it('an empty secret is as good as none', async () => {
      await opened.set('empty', '')
      await assert.rejects(opened.secrets.access('empty'), { reason: 'CREDENTIAL_UNAVAILABLE' })
    })

    it('a version tells nothing of the value', async () => {
      await opened.set('token', 'tiny')
      const { version } = await opened.secrets.access('token')
      assert.ok(!version.includes('tiny'))
    })

    for (const hostile of HOSTILE_NAMES) {
      it(`the name ${JSON.stringify(hostile.slice(0, 40))} is a TypeError`, async () => {
        await assert.rejects(opened.secrets.access(hostile), TypeError)
      })
    }
  })
}
