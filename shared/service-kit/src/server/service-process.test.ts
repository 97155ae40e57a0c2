import assert from 'node:assert/strict'
import { EventEmitter } from 'node:events'
import { runServiceProcess, type RunningService } from './service-process.ts'

class FakeProcess extends EventEmitter {
  readonly codes: number[] = []
  readonly #exited = Promise.withResolvers<number>()
  get exited(): Promise<number> { return this.#exited.promise }
  exit(code: number): void {
    this.codes.push(code)
    this.#exited.resolve(code)
  }
}

describe('service-kit: the process of a service', () => {
  const quiet = (): void => undefined
  const log = { debug: quiet, info: quiet, warn: quiet, error: quiet }
  const run = async (service: Partial<RunningService> | Error, drainMs = 1_000) => {
    const host = new FakeProcess()
    let fail: (error: Error) => void = quiet
    let drains = 0
    await runServiceProcess({
      log, process: host, drainMs,
      open: async (lost) => {
        fail = lost
        if (service instanceof Error) throw service
        return { drain: async () => {
          drains++
          await service.drain?.()
        } }
      },
    })
    return { host, fail: (error: Error) => fail(error), drains: () => drains }
  }

  it('SIGTERM drains once and ends with 0', async () => {
    const { host, drains } = await run({})
    host.emit('SIGTERM')
    host.emit('SIGTERM')
    host.emit('SIGINT')
    assert.equal(await host.exited, 0)
    assert.equal(drains(), 1)
  })

  it('a part that is lost drains and ends with 1', async () => {
    const { host, fail, drains } = await run({})
    fail(new Error('gone'))
    assert.equal(await host.exited, 1)
    assert.equal(drains(), 1)
  })

  it('what nothing caught ends the process at once, without draining', async () => {
    for (const event of ['uncaughtException', 'unhandledRejection']) {
      const { host, drains } = await run({})
      host.emit(event, new Error('ours'))
      assert.equal(await host.exited, 1)
      assert.equal(drains(), 0)
    }
  })

  it('a start that fails, a drain that fails and a drain that hangs end with 1', async () => {
    assert.equal(await (await run(new Error('no'))).host.exited, 1)
    const failing = await run({ drain: () => Promise.reject(new Error('no')) })
    failing.host.emit('SIGTERM')
    assert.equal(await failing.host.exited, 1)
    const hanging = await run({ drain: () => Promise.withResolvers<void>().promise }, 10)
    hanging.host.emit('SIGTERM')
    assert.equal(await hanging.host.exited, 1)
  })
})
