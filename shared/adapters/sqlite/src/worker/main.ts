/** The worker thread that owns the store's connection. It ends when told to close, or when its file cannot be opened. */
import { parentPort, receiveMessageOnPort, workerData } from 'node:worker_threads'
import type { Envelope, FromWorker, WorkerSettings } from '../protocol.ts'
import { CommitGroups } from './commit-groups.ts'
import { openConnection, releaseConnection } from './connection.ts'

const port = parentPort
if (port === null) throw new TypeError('the store worker runs as a worker thread only')
const settings = workerData as WorkerSettings
const post = (message: FromWorker): void => port.postMessage(message)

try {
  serve()
} catch (error) {
  post({ kind: 'unopened', message: error instanceof Error ? error.message : String(error) })
}

function serve(): void {
  const db = openConnection(settings)
  const groups = new CommitGroups(db, settings)
  const beat = setInterval(() => post({ kind: 'beat', group: groups.group }), settings.beatMs)
  const close = (id: number): void => {
    clearInterval(beat)
    releaseConnection(db, settings.file)
    post({ kind: 'answers', answers: [{ id, value: null }], group: groups.group })
    port!.close()
  }
  port!.on('message', (first: readonly Envelope[]) => {
    const batch = [...first]
    // Whatever came in while the last group was written goes into this one.
    for (let more = receiveMessageOnPort(port!); more !== undefined; more = receiveMessageOnPort(port!)) batch.push(...more.message as readonly Envelope[])
    const closing = batch.find(({ op }) => op.kind === 'close')
    groups.run(batch.filter(({ op }) => op.kind !== 'close'), (answers, group) => post({ kind: 'answers', answers, group }))
    if (closing !== undefined) return close(closing.id)
    groups.tidy()
  })
  post({ kind: 'ready' })
}
