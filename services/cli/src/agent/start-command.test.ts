import assert from 'node:assert/strict'
import { spawn, spawnSync } from 'node:child_process'
import { existsSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import { startPlain } from './start-command.ts'

const ENVIRONMENT = { PATH: '/usr/bin:/bin' }
const HERE = fileURLToPath(new URL('./start-command.ts', import.meta.url))

describe('a command that is stood in for', () => {
  before(function () {
    if (process.platform === 'win32') this.skip()
  })
  const code = (program: string, ...args: readonly string[]): Promise<number> => startPlain({ program, arguments: args, environment: ENVIRONMENT }).ended

  it('gives its own exit code', async () => assert.equal(await code('/bin/sh', '-c', 'exit 9'), 9))
  it('that a signal ends gives 128 + its number', async () => assert.equal(await code('/bin/sh', '-c', 'kill -KILL $$'), 137))
  it('can be ended at once', async () => {
    const started = startPlain({ program: '/bin/sh', arguments: ['-c', 'trap "" TERM; while :; do sleep 1; done'], environment: ENVIRONMENT })
    started.kill()
    assert.equal(await started.ended, 137)
  })
  it('takes its listeners for signals with it', async () => {
    const earlier = process.listenerCount('SIGTERM')
    await code('/bin/sh', '-c', 'exit 0')
    assert.equal(process.listenerCount('SIGTERM'), earlier)
  })

  it('at a terminal, Ctrl-C reaches it once, not once from the terminal and once more from here', async function () {
    if (spawnSync('script', ['--version']).status !== 0 || !existsSync('/dev/ptmx')) {
      process.stdout.write('      skipped: there is no `script` to make a terminal with\n')
      this.skip()
    }
    const program = `import(${JSON.stringify(HERE)}).then(({ startPlain }) => startPlain({ program: '/bin/sh', arguments: ['-c', 'n=0; trap "n=$((n+1))" INT; echo ready; sleep 0.5; sleep 0.5; echo "told $n"; exit 4'], environment: { PATH: '/usr/bin:/bin' } }).ended).then((code) => { process.exitCode = code })`
    const terminal = spawn('script', ['-qec', `exec "${process.execPath}" -e "$PROGRAM"`, '/dev/null'], { env: { ...ENVIRONMENT, PROGRAM: program, SHELL: '/bin/sh' }, stdio: ['pipe', 'pipe', 'ignore'] })
    let out = ''
    terminal.stdout.setEncoding('utf8').on('data', (text: string) => {
      if (!out.includes('ready') && (out + text).includes('ready')) terminal.stdin.write('\u0003')
      out += text
    })
    const ended = await new Promise((resolve) => terminal.once('close', resolve))
    assert.match(out, /told 1/)
    assert.equal(ended, 4)
  })
})
