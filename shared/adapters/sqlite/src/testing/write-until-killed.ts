/** A process that writes without end and says what was acknowledged; the durability test kills it. */
import { anEvent, THINGS } from '@lockkeeper/testkit'
import { openSqlite } from '../index.ts'

const file = process.argv[2]
if (file === undefined) throw new TypeError('which file?')
const { documents, events } = await openSqlite({ file, collections: [THINGS], lockWaitMs: 20 })
process.stdout.write(`open ${process.pid}\n`)

/** Several lines run side by side, so that groups have more than one member when the kill comes. */
async function line(name: string): Promise<never> {
  for (let n = 0; ; n++) {
    const id = `${name}-${n}`
    await events.publish('durable', [anEvent({ id })])
    process.stdout.write(`published ${id}\n`)
    const ref = { collection: THINGS, id }
    await documents.transact([ref], () => ({ writes: [{ kind: 'put', ref, data: { kind: name, n } }], facts: [anEvent({ id: `fact of ${id}` })], result: null }))
    process.stdout.write(`committed ${id}\n`)
  }
}

await Promise.all(Array.from({ length: 20 }, (_, index) => line(`line${index}`)))
