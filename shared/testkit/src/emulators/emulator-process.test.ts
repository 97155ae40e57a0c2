import { strict as assert } from 'node:assert'
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { chmodSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import process from 'node:process'
import { tempDir } from '../temp-dir.ts'
import { startProcess } from './emulator-process.ts'

/** A program in the place of java. */
function program(script: string): { readonly path: string, readonly pidFile: string } {
  const folder = tempDir()
  const path = join(folder, 'java')
  const pidFile = join(folder, 'pid')
  writeFileSync(path, `#!/bin/sh\necho $$ >${pidFile}\n${script}\n`)
  chmodSync(path, 0o755)
  return { path, pidFile }
}

const isAlive = (pid: number): boolean => {
  try {
    return process.kill(pid, 0)
  } catch {
    return false
  }
}

async function untilGone(pid: number): Promise<void> {
  const end = performance.now() + 5000
  while (isAlive(pid)) {
    assert.ok(performance.now() < end, `process ${pid} lives on`)
    await new Promise(resolve => setTimeout(resolve, 10))
  }
}

describe('an emulator that runs as a child', () => {
  it('is there when it says so, on the port that it was given, and gone when it was stopped', async () => {
    const { path, pidFile } = program('echo "$*"; echo Dev App Server is now running; exec sleep 60')
    const { host, stop } = await startProcess('firestore', path, ['start'])
    assert.match(host, /^127\.0\.0\.1:\d+$/)
    const pid = Number(readFileSync(pidFile, 'utf8'))
    assert.ok(isAlive(pid))
    await stop()
    await untilGone(pid)
  })

  it('that ends before it is ready is an error with its last words', async () => {
    await assert.rejects(startProcess('pubsub', program('echo no memory >&2; exit 3').path, []), /the pubsub emulator did not start: it ended with 3: no memory/)
  })

  it('that cannot be found is an error', async () => {
    await assert.rejects(startProcess('pubsub', join(tempDir(), 'nothing'), []), /the pubsub emulator did not start: it ended with 127/)
  })

  it('whose port was taken in the meantime is started once more', async () => {
    const { path } = program('test -e "$0.again" || { touch "$0.again"; echo "java.net.BindException: Address already in use"; exit 1; }; echo Server started, listening on 1; exec sleep 60')
    await (await startProcess('pubsub', path, [])).stop()
  })

  it('ends with a test run that is killed', async () => {
    const { path, pidFile } = program('echo Server started, listening on 1; exec sleep 60')
    const script = `import { startProcess } from ${JSON.stringify(join(import.meta.dirname, 'emulator-process.ts'))}\nawait startProcess('pubsub', ${JSON.stringify(path)}, [])\nprocess.stdout.write('up')\nsetInterval(() => undefined, 1000)`
    const child = spawn(process.execPath, ['--input-type=module', '--eval', script], { stdio: ['ignore', 'pipe', 'inherit'] })
    await once(child.stdout, 'data')
    child.kill('SIGKILL')
    await untilGone(Number(readFileSync(pidFile, 'utf8')))
  })
})
