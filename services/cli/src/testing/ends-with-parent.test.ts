import assert from 'node:assert/strict'
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { createInterface } from 'node:readline'
import { spawnWithUs } from './ends-with-parent.ts'

const PARENT = `
import { spawnWithUs } from ${JSON.stringify(import.meta.resolve('./ends-with-parent.ts'))}
const child = spawnWithUs(['-e', 'setInterval(()=>{},1000);console.log("runs")'], {})
child.stdout.once('data', () => console.log(child.pid))
`

function isAlive(pid: number): boolean {
  try {
    return process.kill(pid, 0)
  } catch {
    return false
  }
}

describe('a process that a test has started', function () {
  this.timeout(30_000)

  it('ends when the test run is killed', async () => {
    const parent = spawn(process.execPath, ['--input-type=module', '-e', PARENT], { stdio: ['ignore', 'pipe', 'inherit'] })
    const [line] = await once(createInterface(parent.stdout), 'line') as [string]
    const pid = Number(line)
    assert.ok(isAlive(pid))
    parent.kill('SIGKILL')
    // Bounded by the test's time.
    while (isAlive(pid)) await new Promise((resolve) => { setTimeout(resolve, 20) })
  })

  it('ends by itself when its work is done', async () => {
    const [code] = await once(spawnWithUs(['-e', 'process.exitCode=3'], {}), 'exit') as [number]
    assert.equal(code, 3)
  })
})
