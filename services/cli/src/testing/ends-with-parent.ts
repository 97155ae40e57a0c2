/** Tests only: processes that end when the process that started them does, however that ends: a killed test run leaves none behind. */
import { spawn, type ChildProcess, type SpawnOptions } from 'node:child_process'

/** Runs before the program. The channel is not counted as work, so that a process ends by itself as it would without. */
const PRELOAD = `data:text/javascript,${encodeURIComponent('process.once("disconnect",()=>process.kill(process.pid,"SIGKILL"));process.channel?.unref()')}`

/** A Node program with its arguments. Standard input is as `stdin` says, the outputs are pipes. */
export function spawnWithUs(args: readonly string[], { stdin = 'ignore', ...options }: Pick<SpawnOptions, 'env'> & { readonly stdin?: 'ignore' | 'pipe' }): ChildProcess {
  return spawn(process.execPath, ['--import', PRELOAD, ...args], { ...options, stdio: [stdin, 'pipe', 'pipe', 'ipc'] })
}
