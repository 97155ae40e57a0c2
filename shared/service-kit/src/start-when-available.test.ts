import assert from 'node:assert/strict'
import { PortUnavailable } from '@lockkeeper/domain/ports'
import { startWhenAvailable } from './start-when-available.ts'

describe('service-kit: a service whose database does not answer yet', () => {
  const retryMs = { first: 1, most: 4 }

  it('invariant 10: is not started, is tried again, and starts once it answers', async () => {
    const warned: object[] = []
    const answers = Promise.withResolvers<void>()
    let attempts = 0
    const starting = startWhenAvailable({
      retryMs, fail: (error) => { throw error }, log: { warn: (facts: object) => { warned.push(facts) } },
      async start() {
        if (++attempts < 5) throw new PortUnavailable('down')
        answers.resolve()
      },
    })
    assert.equal(starting.started, false)
    await answers.promise
    await starting.stop()
    assert.equal(starting.started, true)
    assert.deepEqual(warned.map((facts) => (facts as { readonly againInMs: number }).againInMs), [1, 2, 4, 4])
  })

  it('is given up at once where no waiting mends it', async () => {
    const failed = Promise.withResolvers<Error>()
    const starting = startWhenAvailable({ retryMs, fail: failed.resolve, log: { warn: () => undefined }, start: () => Promise.reject(new TypeError('ours')) })
    assert.equal((await failed.promise).message, 'ours')
    await starting.stop()
    assert.equal(starting.started, false)
  })

  it('is tried no more once it is stopped, and the attempt in flight is waited for', async () => {
    let attempts = 0
    const ends = Promise.withResolvers<void>()
    const starting = startWhenAvailable({ retryMs, fail: (error) => { throw error }, log: { warn: () => assert.fail('tried again') }, start: async () => {
      attempts++
      await ends.promise
      throw new PortUnavailable('down')
    } })
    const stopped = starting.stop()
    ends.resolve()
    await stopped
    assert.deepEqual([attempts, starting.started], [1, false])
  })
})
