import assert from 'node:assert/strict'
import { inspect } from 'node:util'
import { LockkeeperError } from '@lockkeeper/domain/errors'
import { manualClock } from '@lockkeeper/testkit'
import { RefreshedCredential, type Minted, type RefreshOptions } from './refreshed-credential.ts'

const LIFE = 3_600_000
type Pending = ReturnType<typeof Promise.withResolvers<Minted>>

describe('google-auth: one refreshed credential', () => {
  let clock = manualClock()
  let mints: Pending[] = []
  let failures: LockkeeperError[] = []
  const create = (extra: Partial<RefreshOptions> = {}): RefreshedCredential => new RefreshedCredential({
    clock, random: () => 0.5, onFailure: (error) => failures.push(error),
    mint() {
      const pending = Promise.withResolvers<Minted>()
      mints.push(pending)
      return pending.promise
    },
    ...extra,
  })
  const mintAt = (index: number): Pending => {
    const pending = mints[index]
    assert.ok(pending !== undefined, `mint ${index} was not asked for`)
    return pending
  }
  const issue = (index: number, life = LIFE): void => mintAt(index).resolve({ token: `t${index}`, expiresAt: clock.now() + life })
  const settled = (): Promise<void> => new Promise((resolve) => { setImmediate(resolve) })
  const first = async (credential: RefreshedCredential): Promise<void> => {
    const header = credential.get()
    issue(0)
    assert.equal(await header, 'Bearer t0')
  }

  beforeEach(() => {
    clock = manualClock()
    mints = []
    failures = []
  })

  it('callers that come together wait for one fetch; afterwards the answer is synchronous', async () => {
    const credential = create()
    const waiting = [credential.get(), credential.get(), credential.get()]
    assert.equal(mints.length, 1)
    issue(0)
    assert.deepEqual(await Promise.all(waiting), ['Bearer t0', 'Bearer t0', 'Bearer t0'])
    assert.equal(credential.get(), 'Bearer t0')
    assert.equal(mints.length, 1)
  })

  it('at 80 % of its life it is renewed once, in the background, while it serves on', async () => {
    const credential = create()
    await first(credential)
    clock.advance(0.8 * LIFE - 1)
    assert.equal(credential.get(), 'Bearer t0')
    assert.equal(mints.length, 1)
    clock.advance(1)
    for (let n = 0; n < 5; n++) assert.equal(credential.get(), 'Bearer t0')
    assert.equal(mints.length, 2)
    issue(1)
    await settled()
    assert.equal(credential.get(), 'Bearer t1')
  })

  it('the moment of renewal differs between instances by ± 4 % of the life', async () => {
    for (const [random, at] of [[0, 0.76], [0.999999, 0.84]] as const) {
      mints = []
      const credential = create({ random: () => random })
      await first(credential)
      clock.advance((at - 0.001) * LIFE)
      credential.get()
      assert.equal(mints.length, 1)
      clock.advance(0.002 * LIFE)
      credential.get()
      assert.equal(mints.length, 2)
    }
  })

  describe('invariant 10: while no renewal succeeds', () => {
    it('the old one serves until its end and not a millisecond longer', async () => {
      const credential = create()
      await first(credential)
      clock.advance(0.9 * LIFE)
      assert.equal(credential.get(), 'Bearer t0')
      mintAt(1).reject(new Error('outage'))
      await settled()
      assert.equal(failures.length, 1)
      clock.advance(0.1 * LIFE - 1)
      assert.equal(credential.get(), 'Bearer t0')
      mintAt(2).reject(new Error('outage'))
      await settled()
      clock.advance(1)
      await assert.rejects(async () => credential.get(), { reason: 'CREDENTIAL_UNAVAILABLE' })
    })

    it('it is tried at most once a second; between, everybody gets the same refusal at once', async () => {
      const credential = create()
      const attempt = async (): Promise<LockkeeperError> => {
        const error = await Promise.resolve(credential.get()).then(() => assert.fail('a credential came'), (reason: unknown) => reason)
        assert.ok(error instanceof LockkeeperError)
        return error
      }
      const begun = attempt()
      mintAt(0).reject(new Error('outage'))
      const refusal = await begun
      for (let n = 0; n < 10; n++) assert.equal(await attempt(), refusal)
      clock.advance(999)
      await attempt()
      assert.equal(mints.length, 1)
      clock.advance(1)
      const header = credential.get()
      issue(1)
      assert.equal(await header, 'Bearer t1')
    })

    it('a source that does not answer is given up, and its late answer is not taken', async () => {
      const credential = create({ timeoutMs: 20 })
      await assert.rejects(async () => credential.get(), { reason: 'CREDENTIAL_UNAVAILABLE' })
      assert.match(failures[0]?.refusal.detail ?? '', /no answer within 20 ms/)
      issue(0)
      await settled()
      await assert.rejects(async () => credential.get(), { reason: 'CREDENTIAL_UNAVAILABLE' })
    })
  })

  describe('what is no usable token is a failure', () => {
    const bad: Readonly<Record<string, Partial<Minted>>> = {
      'an empty token': { token: '' },
      'a token with a line break': { token: 'CANARY\r\nx-evil: 1' },
      'a token with a space': { token: 'CANARY evil' },
      'a token that has ended': { expiresAt: 0 },
      'a token that ends now': { expiresAt: manualClock().now() },
      'a token without an end': { expiresAt: Number.NaN },
    }
    for (const [what, change] of Object.entries(bad)) {
      it(what, async () => {
        const credential = create({ mint: () => Promise.resolve({ token: 'CANARY', expiresAt: clock.now() + LIFE, ...change }) })
        await assert.rejects(async () => credential.get(), { reason: 'CREDENTIAL_UNAVAILABLE' })
        assert.ok(!inspect(failures, { depth: 9 }).includes('CANARY'))
      })
    }
  })

  it('a source that gives the same token until shortly before its end is not asked all the time', async () => {
    const end = clock.now() + LIFE
    let asked = 0
    const credential = create({ mint: () => { asked++; return Promise.resolve({ token: 'same', expiresAt: end }) } })
    await credential.get()
    while (clock.now() < end - 1000) {
      assert.equal(credential.get(), 'Bearer same')
      await settled()
      clock.advance(1000)
    }
    assert.ok(asked < 10, `asked ${asked} times`)
  })

  it('invariant 3: the public text of a failure says nothing of where or why', async () => {
    const credential = create({ mint: () => Promise.reject(new Error('403 for agents@proj.iam.gserviceaccount.com at https://iam')) })
    await assert.rejects(async () => credential.get(), (error: LockkeeperError) => {
      assert.equal(error.refusal.message, 'The upstream credential cannot be obtained. Nothing was sent; try again.')
      assert.match(error.refusal.detail ?? '', /403/)
      return true
    })
  })
})
