/** Reads small files here and large ones in a worker thread: parsing a megabyte of YAML takes half a second. */
import { Worker } from 'node:worker_threads'
import { locate, readYaml, type Path, type Place, type YamlResult } from './yaml-source.ts'

/** Characters that are parsed on the event loop. */
const INLINE_LENGTH = 16 * 1024
const WORKER_TIMEOUT_MS = 30_000

export interface YamlReader {
  read(text: string): Promise<YamlResult>
  locate(text: string, paths: readonly Path[]): Promise<readonly Place[]>
}

/** `workerUrl`: where the worker's code lies when this package is bundled. */
export function createYamlReader(workerUrl: URL = new URL('./yaml-worker.ts', import.meta.url)): YamlReader {
  return {
    read: (text) => isSmall(text) ? Promise.resolve(readYaml(text)) : inWorker<YamlResult>(workerUrl, { text }, () => readYaml(text)),
    locate: (text, paths) => isSmall(text) ? Promise.resolve(locate(text, paths)) : inWorker<readonly Place[]>(workerUrl, { text, paths }, () => locate(text, paths)),
  }
}

const isSmall = (text: string): boolean => text.length <= INLINE_LENGTH

/** `here` serves where the worker's code is not there: slower for the others on this loop, and the same answer. */
function inWorker<T>(url: URL, workerData: { readonly text: string, readonly paths?: readonly Path[] }, here: () => T): Promise<T> {
  return new Promise((resolve, reject) => {
    const worker = new Worker(url, { workerData, resourceLimits: { maxOldGenerationSizeMb: 1_024 } })
    const timer = setTimeout(() => {
      reject(new Error(`a policy file took longer than ${WORKER_TIMEOUT_MS / 1_000} s to read`))
      void worker.terminate()
    }, WORKER_TIMEOUT_MS)
    worker.once('message', resolve)
    worker.once('error', (error: NodeJS.ErrnoException) => {
      if (error.code !== 'ERR_MODULE_NOT_FOUND' && error.code !== 'MODULE_NOT_FOUND') reject(error)
      else resolve(here())
    })
    worker.once('exit', () => {
      clearTimeout(timer)
      reject(new Error('the worker that reads policy files ended without an answer'))
    })
  })
}
