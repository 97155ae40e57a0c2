import { strict as assert } from 'node:assert'
import { spawnSync } from 'node:child_process'
import { writeFileSync } from 'node:fs'
import { createRequire } from 'node:module'
import { join } from 'node:path'
import process from 'node:process'
import { tempDir } from '../temp-dir.ts'

const MOCHA = join(createRequire(import.meta.url).resolve('mocha/package.json'), '../bin/mocha.js')
const ROOT = join(import.meta.dirname, '../../../..')

/** A mocha of its own whose one suite needs an emulator on a machine that has none. */
function run(env: Readonly<Record<string, string>>): { readonly code: number | null, readonly stdout: string } {
  const file = join(tempDir(), 'some.emulated.test.ts')
  writeFileSync(file, `import { describeEmulated } from ${JSON.stringify(join(import.meta.dirname, 'index.ts'))}\ndescribeEmulated('firestore', 'a suite', () => { it('one', () => {}); it('two', () => {}) })\n`)
  const { status, stdout } = spawnSync(process.execPath, [MOCHA, '--no-config', '--require', join(ROOT, 'scripts/end-of-tests.ts'), file], { encoding: 'utf8', timeout: 30_000, cwd: ROOT, env: { PATH: tempDir(), ...env } })
  return { code: status, stdout }
}

describe('a suite whose emulator cannot be had', () => {
  it('is one pending test, and the last line of the run says why', function () {
    this.timeout(30_000)
    const { code, stdout } = run({})
    assert.equal(code, 0, stdout)
    assert.match(stdout, /0 passing/)
    assert.match(stdout, /1 pending/)
    assert.match(stdout.trimEnd().split('\n').at(-1) ?? '', /^NOT RUN: a suite: no firestore emulator: FIRESTORE_EMULATOR_HOST is not set, no container engine answers, and there is no Google Cloud SDK$/)
  })

  it('is a failure with REQUIRE_EMULATORS=1', function () {
    this.timeout(30_000)
    const { code, stdout } = run({ REQUIRE_EMULATORS: '1' })
    assert.equal(code, 1)
    assert.match(stdout, /1 failing/)
    assert.match(stdout, /REQUIRE_EMULATORS=1, but no firestore emulator/)
  })
})
