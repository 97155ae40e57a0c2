/** An emulator as a child of this process. It ends with us, however we end. */
import { spawn, type ChildProcess } from 'node:child_process'
import { once } from 'node:events'
import { createServer, Socket, type AddressInfo } from 'node:net'
import type { EmulatorName } from './emulator-plan.ts'

export interface StartedEmulator {
  readonly host: string
  stop(): Promise<void>
}

const READY_LINES = { firestore: 'Dev App Server is now running', pubsub: 'Server started, listening on' } as const satisfies Record<EmulatorName, string>
const READY_MS = 60_000
const KEPT_OUTPUT = 4000

/**
 * The shell between us and java ends java when its standard input closes, which happens even when this process is killed and can
 * run no code of its own any more.
 */
const GUARD = 'exec 3<&0; "$@" 3<&- & child=$!; (read -r _ <&3; kill -9 $child) 2>/dev/null & wait $child'

/** Rejects with the emulator's last words when it is not ready within a minute. A port that somebody else took first is tried twice. */
export async function startProcess(name: EmulatorName, java: string, args: readonly string[]): Promise<StartedEmulator> {
  try {
    return await startOnce(name, java, args)
  } catch (error) {
    if (error instanceof Error && /address already in use|BindException/i.test(error.message)) return startOnce(name, java, args)
    throw error
  }
}

async function startOnce(name: EmulatorName, java: string, args: readonly string[]): Promise<StartedEmulator> {
  const port = await freePort()
  const child = spawn('/bin/sh', ['-c', GUARD, `${name}-emulator`, java, ...args, `--port=${port}`], { stdio: ['pipe', 'pipe', 'pipe'] })
  const stop = (): Promise<void> => end(child)
  try {
    await readyLine(child, READY_LINES[name])
  } catch (cause) {
    await stop()
    throw new Error(`the ${name} emulator did not start: ${cause instanceof Error ? cause.message : String(cause)}`, { cause })
  }
  // Whoever waits for an answer keeps the process alive: a run that waits for nothing more must end.
  for (const part of partsOf(child)) part.unref()
  return { host: `127.0.0.1:${port}`, stop }
}

/** Both streams are read to their end, or a full pipe would stop the emulator. */
function readyLine(child: ChildProcess, line: string): Promise<void> {
  return new Promise((resolve, reject) => {
    let output = ''
    const timer = setTimeout(() => reject(new Error(`not ready after ${READY_MS} ms; it said: ${output}`)), READY_MS)
    const settle = (done: () => void): void => {
      clearTimeout(timer)
      done()
    }
    for (const stream of [child.stdout, child.stderr]) {
      stream?.setEncoding('utf8').on('data', (text: string) => {
        output = (output + text).slice(-KEPT_OUTPUT)
        if (output.includes(line)) settle(resolve)
      })
    }
    child.once('error', error => settle(() => reject(error)))
    child.once('close', code => settle(() => reject(new Error(`it ended with ${code}: ${output}`))))
  })
}

async function end(child: ChildProcess): Promise<void> {
  if (child.exitCode !== null || child.signalCode !== null || child.pid === undefined) return
  for (const part of partsOf(child)) part.ref()
  const closed = once(child, 'close')
  child.stdin?.destroy()
  await closed
}

/** What keeps this process alive as long as the child lives. */
function partsOf(child: ChildProcess): readonly { ref(): unknown, unref(): unknown }[] {
  return [child, ...child.stdio.filter((stream): stream is Socket => stream instanceof Socket)]
}

async function freePort(): Promise<number> {
  const server = createServer().listen(0, '127.0.0.1')
  await once(server, 'listening')
  const { port } = server.address() as AddressInfo
  server.close()
  await once(server, 'close')
  return port
}
