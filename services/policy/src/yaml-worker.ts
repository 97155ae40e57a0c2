/** Runs in a worker thread: one large file, then the end. */
import { parentPort, workerData } from 'node:worker_threads'
import { locate, readYaml, type Path } from './yaml-source.ts'

const { text, paths } = workerData as { readonly text: string, readonly paths?: readonly Path[] }
parentPort?.postMessage(paths === undefined ? readYaml(text) : locate(text, paths))
