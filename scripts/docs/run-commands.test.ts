/** Blocks that a page marks with `<!-- runs -->` are run, as they stand there, in a new folder with a copy of docs/examples. */
import assert from 'node:assert/strict'
import { spawn, type ChildProcess } from 'node:child_process'
import { once } from 'node:events'
import { cpSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import process from 'node:process'
import { text as readAll } from 'node:stream/consumers'
import { readRepositoryFiles } from '../checks/repository-files.ts'
import { readPage, type Fence } from './markdown.ts'

const ROOT = join(import.meta.dirname, '../..')
const MAIN = join(ROOT, 'services/cli/src/main.ts')

const BLOCKS = readRepositoryFiles(ROOT).filter(({ file }) => file.endsWith('.md')).flatMap(({ file, text }) => readPage(text).fences.filter(({ runs }) => runs !== undefined).map((fence) => ({ file, fence })))

/** What the block says is run, line by line where it shows what is printed. */
function linesOf({ language, text, runs }: Fence): readonly { readonly command: string, readonly prints: readonly string[] | undefined }[] {
  const wanted = (line: string): boolean => !(runs?.without ?? []).some((word) => line.split(/\s+/).includes(word))
  if (language === 'sh') return text.split('\n').filter((line) => line.trim() !== '' && wanted(line)).map((command) => ({ command, prints: undefined }))
  return text.split('\n$ ').map((part) => part.replace(/^\$ /, '').split('\n')).filter(([command = '']) => wanted(command)).map(([command = '', ...prints]) => ({ command, prints }))
}

/** `…` stands for anything, and for any lines where it stands alone. */
function patternOf(prints: readonly string[]): RegExp {
  const escaped = prints.map((line) => line.trim() === '…' ? '[^]*' : line.split('…').map((part) => part.replaceAll(/[$()*+.?[\\\]^{|}]/g, '\\$&')).join('.*'))
  return new RegExp(`^${escaped.join('\n')}\n*$`)
}

describe('commands that the docs mark as run', function () {
  this.timeout(60_000)
  let folder: string
  let sandbox: ChildProcess | undefined
  let environment: NodeJS.ProcessEnv

  const runShell = async (command: string): Promise<{ readonly code: number | null, readonly out: string }> => {
    const child = spawn('sh', ['-euc', command], { cwd: folder, env: environment, stdio: ['ignore', 'pipe', 'pipe'] })
    const [out, err, [code]] = await Promise.all([readAll(child.stdout), readAll(child.stderr), once(child, 'close') as Promise<[number | null]>])
    return { code, out: out + err }
  }

  before(async () => {
    folder = mkdtempSync(join(tmpdir(), 'lockkeeper-docs-'))
    cpSync(join(ROOT, 'docs/examples'), join(folder, 'docs/examples'), { recursive: true })
    const bin = join(folder, '.bin')
    mkdirSync(bin)
    writeFileSync(join(bin, 'main.mjs'), `import { main } from ${JSON.stringify(`file://${MAIN}`)}\nawait main(process.argv.slice(2))\n`)
    writeFileSync(join(bin, 'lockkeeper'), `#!/bin/sh\nexec "${process.execPath}" "${bin}/main.mjs" "$@"\n`, { mode: 0o755 })
    writeFileSync(join(bin, 'npx'), '#!/bin/sh\nexec "$@"\n', { mode: 0o755 })
    environment = { HOME: folder, PATH: `${bin}:${process.env['PATH'] ?? ''}`, LANG: 'C.UTF-8' }
    if (!BLOCKS.some(({ fence }) => fence.runs?.sandbox === true)) return
    sandbox = spawn(join(bin, 'lockkeeper'), ['up', '--sandbox'], { cwd: folder, env: environment, stdio: ['ignore', 'pipe', 'inherit'] })
    environment = { ...environment, LOCKKEEPER_ADMIN: await adminOf(sandbox) }
  })

  after(async () => {
    if (sandbox !== undefined && sandbox.exitCode === null) {
      const ended = once(sandbox, 'exit')
      sandbox.kill('SIGTERM')
      await ended
    }
    rmSync(folder, { recursive: true, force: true })
  })

  it('there are some, also some that need a gateway', () => assert.deepEqual([...new Set(BLOCKS.map(({ fence }) => fence.runs?.sandbox))].sort(), [false, true]))

  for (const { file, fence } of BLOCKS) it(`${file}:${fence.line} ${linesOf(fence)[0]?.command ?? ''}`, async () => {
    for (const { command, prints } of linesOf(fence)) {
      const { code, out } = await runShell(command)
      if (prints === undefined) assert.equal(code, 0, `${command}\n${out}`)
      else assert.match(out, patternOf(prints), command)
    }
  })
})

/** The socket that the sandbox names once it is up. */
function adminOf(child: ChildProcess): Promise<string> {
  const { promise, resolve, reject } = Promise.withResolvers<string>()
  let written = ''
  child.stdout?.setEncoding('utf8').on('data', (text: string) => {
    written += text
    const found = /export LOCKKEEPER_ADMIN='([^']+)'/.exec(written)?.[1]
    if (found !== undefined) resolve(found)
  })
  child.once('exit', () => reject(new TypeError(`the sandbox ended before it was up:\n${written}`)))
  return promise
}
