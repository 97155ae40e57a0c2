import assert from 'node:assert/strict'
import { delimiter, dirname } from 'node:path'
import { findProgram, runChild } from './child.ts'

const node = (script: string, more: object = {}) => runChild({ command: process.execPath, args: ['-e', script], environment: {}, ...more })

describe('children of the tour', () => {
  it('get the given environment and nothing else', async () => {
    process.env.SANDBOX_PLANTED = 'planted'
    try {
      const { stdout } = await node('console.log(JSON.stringify(process.env))', { environment: { ONLY: 'this' } })
      // A coverage run adds its own variable to every child of Node's.
      const { NODE_V8_COVERAGE: _coverage, ...seen } = JSON.parse(stdout) as Record<string, string>
      assert.deepEqual(seen, { ONLY: 'this' })
    } finally {
      delete process.env.SANDBOX_PLANTED
    }
  })

  it('are read whole: output, errors, exit code and input', async () => {
    const { code, stdout, stderr } = await node('process.stdin.on("data", (d) => console.log("in", String(d))); console.error("err"); process.exitCode = 7', { input: 'hello' })
    assert.deepEqual([code, stdout, stderr], [7, 'in hello\n', 'err\n'])
  })

  it('that do not end are ended', async () => {
    assert.equal((await node('setInterval(() => {}, 1000)', { timeoutMs: 100 })).code, null)
  })

  it('that print without end are cut, not kept', async () => {
    const { stdout } = await node('process.stdout.write("x".repeat(3 * 1024 * 1024))')
    assert.equal(stdout.length, 1024 * 1024)
  })

  it('that cannot be started are an error', async () => {
    await assert.rejects(runChild({ command: '/nonexistent/program', args: [], environment: {} }), { code: 'ENOENT' })
  })

  it('a program is found on PATH or it is not', async () => {
    const folder = dirname(process.execPath)
    assert.equal(await findProgram('node', ['/nonexistent', folder].join(delimiter)), process.execPath)
    assert.equal(await findProgram('node', ''), undefined)
    assert.equal(await findProgram('no-such-program', folder), undefined)
  })
})
