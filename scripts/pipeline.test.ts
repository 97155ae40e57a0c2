import assert from 'node:assert/strict'
import { spawnSync } from 'node:child_process'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import process from 'node:process'

const ROOT = join(import.meta.dirname, '..')

interface Outcome { readonly code: number | null, readonly lines: readonly string[] }

interface Step { readonly prints?: string, readonly code?: number }

/** Runs the pipeline with an npm that only prints. */
function pipeline(steps: { readonly lint?: Step, readonly test?: Step, readonly start?: Step, readonly containers?: Step, readonly terraform?: Step, readonly engine?: string }): Outcome {
  const folder = mkdtempSync(join(tmpdir(), 'lockkeeper-pipeline-'))
  try {
    const caseOf = (name: string, { prints = '', code = 0 }: Step = {}): string => `*" ${name} "*) echo "image: $EMULATOR_IMAGE"; cat <<'END'\n${prints}\nEND\nexit ${code};;`
    const { lint, test = { prints: '  7 passing (2s)' }, start, containers = { prints: '  0 passing (1ms)\n  1 pending\nNOT RUN: in containers: no container engine answers' }, terraform = { prints: '  0 passing (1ms)\n  1 pending\nNOT RUN: terraform: there is no terraform on the PATH' } } = steps
    writeFileSync(join(folder, 'npm'), `#!/bin/sh\ncase " $* " in\n${caseOf('lint', lint)}\n${caseOf('test', test)}\n${caseOf('test:compose', containers)}\n${caseOf('test:terraform', terraform)}\n${caseOf('start', start)}\nesac\n`, { mode: 0o755 })
    if (steps.engine !== undefined) writeFileSync(join(folder, 'engine'), steps.engine)
    const engine = steps.engine === undefined ? {} : { LOCKKEEPER_CI_CONTAINER_ENGINE: join(folder, 'engine') }
    const { status, stdout } = spawnSync('bash', [join(ROOT, '.ci/run')], { encoding: 'utf8', env: { PATH: `${folder}:${process.env['PATH'] ?? ''}`, CI: 'true', ...engine } })
    return { code: status, lines: stdout.trimEnd().split('\n') }
  } finally {
    rmSync(folder, { recursive: true, force: true })
  }
}

const OUTCOMES: readonly (readonly [string, Parameters<typeof pipeline>[0], string, number])[] = [
  ['all is well', {}, '9 passed, 0 failed', 0],
  ['tests failed', { test: { prints: '  7 passing (2m)\n  2 pending\n  3 failing\n\n  1) a title', code: 3 } }, '9 passed, 3 failed', 1],
  ['the lint failed', { lint: { prints: 'FAIL types', code: 1 } }, '8 passed, 1 failed', 1],
  ['the tour failed', { start: { prints: 'tour: 8 of 9 steps ok', code: 1 } }, '8 passed, 1 failed', 1],
  ['the tests broke down before their summary', { test: { prints: 'SyntaxError', code: 1 } }, '2 passed, 1 failed', 1],
  ['no test ran', { test: { prints: '  0 passing (1ms)' } }, '2 passed, 1 failed', 1],
  ['no test ran, and only some say why', { test: { prints: '  0 passing (1ms)\nNOT RUN: a suite: no emulator' } }, '2 passed, 1 failed', 1],
  ['all passed but the run did not end well', { test: { prints: '  7 passing (1s)', code: 1 } }, '9 passed, 1 failed', 1],
  ['the containers ran', { containers: { prints: '  30 passing (2m)' } }, '39 passed, 0 failed', 0],
  ['the containers failed', { containers: { prints: '  29 passing (2m)\n  1 failing', code: 1 } }, '38 passed, 1 failed', 1],
  ['the containers did not start and it is not said why', { containers: { prints: '  0 passing (1ms)' } }, '9 passed, 1 failed', 1],
  ['Terraform was there', { terraform: { prints: '  17 passing (40s)' } }, '26 passed, 0 failed', 0],
  ['Terraform found a fault', { terraform: { prints: '  16 passing (40s)\n  1 failing', code: 1 } }, '25 passed, 1 failed', 1],
  ['Terraform tried nothing and it is not said why', { terraform: { prints: '  0 passing (1ms)' } }, '9 passed, 1 failed', 1],
  ['a title looks like a summary', { test: { prints: '    9 passing things\n  7 passing (1s)' } }, '9 passed, 0 failed', 0],
  ['the summary has colours', { test: { prints: '\u001b[92m \u001b[0m\u001b[32m 7 passing\u001b[0m\u001b[90m (1s)\u001b[0m' } }, '9 passed, 0 failed', 0],
]

describe('.ci/run', () => {
  for (const [title, steps, last, code] of OUTCOMES) it(`${title}: ${last}`, () => {
    const outcome = pipeline(steps)
    assert.equal(outcome.lines.at(-1), last)
    assert.equal(outcome.code, code)
  })

  it('what the script for a container engine exports is there for the tests, and one that fails stops nothing', () => {
    const { lines, code } = pipeline({ engine: 'echo "starting" >&2\necho "export EMULATOR_IMAGE=local/one"' })
    assert.equal(code, 0)
    assert.ok(lines.includes('  | image: local/one'), lines.join('\n'))
    const failed = pipeline({ engine: 'echo "export EMULATOR_IMAGE=local/one"; exit 1' })
    assert.equal(failed.code, 0)
    assert.ok(failed.lines.includes('ci: no container engine came up') && !failed.lines.includes('  | image: local/one'))
  })

  it('only the last line is a total, whatever the steps print', () => {
    const { lines } = pipeline({ test: { prints: '1 passed, 0 failed\n  7 passing (1s)' }, start: { prints: '99 passed, 0 failed' } })
    assert.deepEqual(lines.filter((line) => /^\d+ passed, \d+ failed$/.test(line)), ['9 passed, 0 failed'])
  })
})

describe('npm run lint', () => {
  it('a check that does not exist is wrong use', () => {
    const { status, stderr } = spawnSync(process.execPath, [join(ROOT, 'scripts/lint.ts'), 'layer'], { encoding: 'utf8' })
    assert.equal(status, 2)
    assert.match(stderr, /there is no check layer; there are types, /)
  })
})
