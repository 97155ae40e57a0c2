import { strict as assert } from 'node:assert'
import { spawn, type ChildProcess } from 'node:child_process'
import { once } from 'node:events'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import { PortUnavailable } from '@lockkeeper/domain/ports'
import { collector, tempDir, THINGS } from '@lockkeeper/testkit'
import { openSqlite } from './index.ts'

const WRITER = new URL('./testing/write-until-killed.ts', import.meta.url).pathname
const ACKNOWLEDGED = 2000

interface Writer { readonly child: ChildProcess, readonly lines: ReturnType<typeof collector<string>> }

function startWriter(file: string): Writer {
  const child = spawn(process.execPath, [WRITER, file], { stdio: ['ignore', 'pipe', 'ignore'] })
  const lines = collector<string>()
  createInterface({ input: child.stdout! }).on('line', lines.add)
  return { child, lines }
}

async function kill({ child }: Writer): Promise<void> {
  const ended = once(child, 'close')
  child.kill('SIGKILL')
  await ended
}

const named = (lines: readonly string[], word: string): string[] => lines.filter(line => line.startsWith(`${word} `)).map(line => line.slice(word.length + 1))

describe('SQLite: durability', () => {
  it(`invariant 8: a kill in the middle of ${ACKNOWLEDGED} acknowledged writes loses none of them, facts neither`, async function () {
    this.timeout(20_000)
    const file = join(tempDir(), 'store.sqlite')
    const first = await openSqlite({ file, collections: [THINGS] })
    const registered = [first.events.subscribe({ topic: 'durable', name: 'd' }, async () => undefined), first.events.subscribe({ topic: 'locks', name: 'd' }, async () => undefined)]
    await Promise.all(registered.map(subscription => subscription.close()))
    await first.close()

    const writer = startWriter(file)
    await writer.lines.count(ACKNOWLEDGED, 15_000)
    await kill(writer)

    const store = await openSqlite({ file, collections: [THINGS] })
    const got = collector<string>()
    for (const topic of ['durable', 'locks']) store.events.subscribe({ topic, name: 'd', concurrency: 500 }, async ({ event }) => got.add((event.data as { id: string }).id))
    const published = named(writer.lines.items, 'published')
    const committed = named(writer.lines.items, 'committed')
    assert.ok(published.length + committed.length >= ACKNOWLEDGED - 1)
    await got.until(items => {
      const seen = new Set(items)
      return published.every(id => seen.has(id)) && committed.every(id => seen.has(`fact of ${id}`))
    })
    for (let start = 0; start < committed.length; start += 500) {
      const ids = committed.slice(start, start + 500)
      const docs = await store.documents.read(ids.map(id => ({ collection: THINGS, id })))
      assert.deepEqual(docs.map((doc, index) => doc === undefined ? ids[index] : undefined).filter(id => id !== undefined), [])
    }
    await store.close()
  })

  it('a store that another process has is refused with a text that names it, and free once that was killed', async () => {
    const file = join(tempDir(), 'store.sqlite')
    const writer = startWriter(file)
    await writer.lines.until(lines => named(lines, 'open').length === 1)
    await assert.rejects(openSqlite({ file, collections: [], lockWaitMs: 20 }), (error: unknown) => error instanceof PortUnavailable && error.message.includes(`in use by process ${writer.child.pid} since`))
    await kill(writer)
    await (await openSqlite({ file, collections: [] })).close()
  })

  it('a second opening in the same process is refused too and does not loosen the first', async () => {
    const file = join(tempDir(), 'store.sqlite')
    const store = await openSqlite({ file, collections: [THINGS] })
    await assert.rejects(openSqlite({ file, collections: [], lockWaitMs: 20 }), /in use by process/)
    await assert.rejects(openSqlite({ file, collections: [], lockWaitMs: 20 }), /in use by process/)
    const writer = startWriter(file)
    await once(writer.child, 'close')
    assert.deepEqual(writer.lines.items, [], 'the child could not open it')
    await store.close()
  })
})
