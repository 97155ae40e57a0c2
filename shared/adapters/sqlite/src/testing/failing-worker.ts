/** Stands in for the store's worker: opens at once and behaves as badly as its name for a file says. */
import { parentPort, workerData } from 'node:worker_threads'
import type { Envelope } from '../protocol.ts'

const port = parentPort!
const fault = (workerData as { file: string }).file.split('/').at(-1)!
const beat = setInterval(() => { if (fault !== 'silent') port.postMessage({ kind: 'beat', group: fault === 'gap' ? 99 : 0 }) }, 5)

port.on('message', (batch: readonly Envelope[]) => {
  for (const { id, op } of batch) {
    if (op.kind === 'rows') port.postMessage({ kind: 'answers', answers: [{ id, value: [] }], group: 0 })
    if (op.kind === 'close' || fault === 'exits') {
      clearInterval(beat)
      if (op.kind === 'close') port.postMessage({ kind: 'answers', answers: [{ id, value: null }], group: 0 })
      port.close()
    }
    if (fault === 'throws') throw new Error('a fault of the worker')
  }
})
port.postMessage({ kind: 'ready' })
