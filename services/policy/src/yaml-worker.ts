/** Runs in a worker thread: one large file, then the end. */
import { constants, setPriority } from 'node:os'
import { parentPort, workerData } from 'node:worker_threads'
import { locate, readYaml, type Path } from './yaml-source.ts'

// Calls go first where a core is shared. On Linux a niceness belongs to the thread that sets it, elsewhere to the whole process.
if (process.platform === 'linux') setPriority(0, constants.priority.PRIORITY_LOW)
const { text, paths } = workerData as { readonly text: string, readonly paths?: readonly Path[] }
parentPort?.postMessage(paths === undefined ? readYaml(text) : locate(text, paths))
