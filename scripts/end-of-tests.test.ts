import assert from 'node:assert/strict'
import { spawnSync } from 'node:child_process'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { createRequire } from 'node:module'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import process from 'node:process'

const ROOT = join(import.meta.dirname, '..')
const END = join(ROOT, 'scripts/end-of-tests.ts')
const MOCHA = join(createRequire(import.meta.url).resolve('mocha/package.json'), '../bin/mocha.js')

interface Outcome { readonly status: number | null, readonly signal: string | null, readonly stdout: string, readonly stderr: string }

function run(text: string): Outcome {
  return spawnSync(process.execPath, ['--input-type=module', '--eval', `import { failWhenAlive, untilClosed } from ${JSON.stringify(END)}\n${text}`], { encoding: 'utf8', timeout: 60_000 })
}

/** Test files whose processes run beside each other, on a machine without emulators. */
function parallel(files: Readonly<Record<string, string>>): Outcome {
  const folder = mkdtempSync(join(tmpdir(), 'lockkeeper-end-'))
  try {
    const paths = Object.entries(files).map(([name, text]) => {
      writeFileSync(join(folder, `${name}.test.ts`), text)
      return join(folder, `${name}.test.ts`)
    })
    return spawnSync(process.execPath, [MOCHA, '--no-config', '--parallel', '--jobs', '2', '--require', END, ...paths], { encoding: 'utf8', timeout: 60_000, cwd: ROOT, env: { PATH: folder } })
  } finally {
    rmSync(folder, { recursive: true, force: true })
  }
}

describe('the end of a test run', function () {
  this.timeout(60_000)

  it('what a test leaves open is named, and fails the run whatever exit code mocha writes', () => {
    const { status, stderr } = run('process.on("exit", () => { process.exitCode = 0 }); failWhenAlive(20); setInterval(() => undefined, 1000)')
    assert.equal(status, 1)
    assert.match(stderr, /still keep the process alive: .*Timeout/)
  })

  it('a process that ends by itself is left alone', () => {
    const { status, stderr } = run('failWhenAlive(20)')
    assert.equal(status, 0)
    assert.equal(stderr, '')
  })

  it('a worker names what a file leaves open, once, timers excepted, and waits for what is about to close', () => {
    const { status, stderr } = run(`import { createServer } from 'node:net'
      setTimeout(() => undefined, 50)
      await untilClosed('late.test.ts', 10_000)
      setInterval(() => undefined, 1000)
      await untilClosed('timer.test.ts', 10_000)
      createServer().listen(0, '127.0.0.1')
      await untilClosed('one.test.ts', 20).catch(({ message }) => console.error(message))
      await untilClosed('two.test.ts', 20)
      process.exit()`)
    assert.equal(status, 0, stderr)
    assert.match(stderr, /^20 ms after the last test of one.test.ts these are still open: TCPServerWrap; /)
  })

  it('a worker that is killed, files that cannot be loaded, a late error and a failing test are a failure each, and suites that did not run are named last', () => {
    const { status, stdout, stderr } = parallel({
      good: 'describe("good", () => { it("one", () => {}); it("two", () => {}) })',
      killed: 'describe("killed", () => { it("one", () => { process.kill(process.pid, "SIGKILL") }) })',
      lost: 'import "./nothing.ts"',
      only: 'describe("only", () => { it["only"]("one", () => {}) })',
      late: 'describe("late", () => { it("one", () => { setTimeout(() => { throw new Error("too late") }, 50) }) })',
      bad: 'describe("bad", () => { it("one", () => { throw new Error("no") }) })',
      emulated: `import { describeEmulated } from ${JSON.stringify(join(ROOT, 'shared/testkit/src/emulators/index.ts'))}\ndescribeEmulated("pubsub", "a suite", () => { it("one", () => {}) })`,
    })
    assert.equal(status, 5, `${stdout}${stderr}`)
    for (const line of [/^ {2}3 passing/m, /^ {2}1 pending/m, /^ {2}5 failing/m, /too late/, /in \S+killed\.test\.ts:/, /in \S+lost\.test\.ts:/]) assert.match(stdout, line)
    assert.match(stdout.trimEnd().split('\n').at(-1) ?? '', /^NOT RUN: a suite: no pubsub emulator: /)
  })

  it('a run that has lost its workers ends, as a failure', () => {
    const { status, stderr } = parallel({
      killed: 'describe("killed", () => { it("one", () => { process.kill(process.pid, "SIGKILL") }) })',
      leaves: 'describe("leaves", () => { it("one", () => { process.exit(0) }) })',
      never: 'describe("never", () => { it("one", () => {}) })',
    })
    assert.deepEqual([status, /The run broke off before its end/.test(stderr)], [1, true], stderr)
  })
})
