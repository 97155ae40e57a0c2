/** Installs a packed tarball in an empty folder, without a network, and uses it as its user would. */
import { execFile } from 'node:child_process'
import { existsSync } from 'node:fs'
import { mkdtemp, readdir, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { delimiter, join } from 'node:path'
import process from 'node:process'
import { promisify } from 'node:util'

const run = promisify(execFile)
const TIMEOUT_MS = 4 * 60_000

/** Resolves with one line for each thing tried; rejects with what a failing one printed. */
export async function tryPackage(tarball: string, version: string): Promise<readonly string[]> {
  const folder = await mkdtemp(join(tmpdir(), 'lockkeeper-package-'))
  try {
    await command(folder, 'npm', ['install', '--prefix', folder, '--offline', '--ignore-scripts', '--no-audit', '--no-fund', '--loglevel=error', tarball])
    const installed = (await readdir(join(folder, 'node_modules'))).filter((name) => !name.startsWith('.'))
    expect(installed.join() === 'lockkeeper', `brings no dependency, but node_modules has ${installed.join(', ')}`)
    const bin = join(folder, 'node_modules/lockkeeper/bin/lockkeeper.js')
    const lockkeeper = (...args: readonly string[]): Promise<string> => command(folder, process.execPath, [bin, ...args])
    expect((await lockkeeper('--version')).trim() === version, `--version says ${version}`)
    await lockkeeper('policy', 'starter', 'policies')
    const checked = await lockkeeper('policy', 'check', 'policies')
    const tested = await lockkeeper('policy', 'test', 'policies')
    const tour = await lockkeeper('up', '--sandbox', '--once')
    const last = tour.trim().split('\n').at(-1) ?? ''
    expect(/^tour: (\d+) of \1 steps ok$/.test(last), `the tour's last line: ${last}`)
    return [`lockkeeper ${version}`, `policy check: ${checked.trim().split('\n').at(-1)}`, `policy test: ${tested.trim().split('\n').at(-1)}`, last, await tryOldNode(folder, bin)]
  } finally {
    await rm(folder, { recursive: true, force: true })
  }
}

/** An older Node must end with one line that says what is needed. */
async function tryOldNode(folder: string, bin: string): Promise<string> {
  for (const directory of (process.env['PATH'] ?? '').split(delimiter)) {
    const node = join(directory, 'node')
    if (!existsSync(node)) continue
    const version = (await command(folder, node, ['--version'])).trim()
    if (Number.parseInt(version.slice(1), 10) >= 24) continue
    const failed = await run(node, [bin, '--version'], { cwd: folder, timeout: TIMEOUT_MS }).then(() => undefined, (error: Failed) => error)
    expect(failed?.code === 1 && failed.stdout === '' && /^lockkeeper needs Node 24 or newer; this is Node \d+\.\d+\.\d+\. [^\n]*\n$/.test(failed.stderr), `Node ${version} is told what is needed, in one line: ${failed?.stderr ?? 'it ran'}`)
    return `Node ${version}: ${failed.stderr.trim()}`
  }
  return 'no Node older than 24 on PATH, so its message was not tried'
}

interface Failed extends Error { readonly code?: number, readonly stdout: string, readonly stderr: string }

async function command(cwd: string, program: string, args: readonly string[]): Promise<string> {
  try {
    return (await run(program, args, { cwd, timeout: TIMEOUT_MS, maxBuffer: 16 * 1024 * 1024, shell: process.platform === 'win32' })).stdout
  } catch (error) {
    const { stdout, stderr, message } = error as Failed
    throw new Error(`${message}\n${stdout}\n${stderr}`, { cause: error })
  }
}

function expect(holds: boolean, what: string): asserts holds {
  if (!holds) throw new Error(`the package does not hold: ${what}`)
}
