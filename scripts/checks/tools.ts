/** The checks that are programs of their own, run with this Node. Their faults are the lines that they print. */
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { join, relative } from 'node:path'
import process from 'node:process'
import { text } from 'node:stream/consumers'

interface Run {
  readonly code: number | null
  readonly stdout: string
  readonly stderr: string
}

/** Minutes that a tool may take on a slow machine. */
const TIMEOUT_MS = 10 * 60_000

export async function checkTypes(root: string): Promise<readonly string[]> {
  // The page is compiled for browsers: other libraries, other words.
  const runs = await Promise.all([root, join(root, 'services/console/page')].map((project) => runTool(root, 'typescript', 'bin/tsc', ['-p', project, '--noEmit', '--pretty', 'false'])))
  return runs.flatMap((run) => linesOf('tsc', run))
}

export async function checkSyntax(root: string): Promise<readonly string[]> {
  const run = await runTool(root, 'eslint', 'bin/eslint.js', [root, '--format', 'json', '--max-warnings', '0', '--cache', '--cache-location', join(root, 'node_modules/.cache/eslint/'), '--cache-strategy', 'content'])
  if (run.code === 0) return []
  if (!run.stdout.startsWith('[')) return linesOf('eslint', run)
  const files = JSON.parse(run.stdout) as readonly { readonly filePath: string, readonly messages: readonly { readonly line?: number, readonly ruleId: string | null, readonly message: string }[] }[]
  // A rule may say the same about many parts of one expression: once a line is enough.
  const byPlace = new Map(files.flatMap(({ filePath, messages }) => messages.map(({ line, ruleId, message }) => {
    const place = `${relative(root, filePath)}:${line ?? 1}`
    return [`${place} ${ruleId}`, `${place} ${message} (${ruleId ?? 'eslint'})`] as const
  })))
  return [...byPlace.values()]
}

export async function checkUnused(root: string): Promise<readonly string[]> {
  return linesOf('knip', await runTool(root, 'knip', 'bin/knip.js', ['--no-progress', '--no-config-hints']))
}

function linesOf(tool: string, { code, stdout, stderr }: Run): readonly string[] {
  if (code === 0) return []
  const lines = `${stdout}\n${stderr}`.split('\n').filter((line) => line.trim() !== '')
  return lines.length > 0 ? lines : [`${tool} ended with ${code ?? 'a signal'} and said nothing`]
}

async function runTool(root: string, name: string, path: string, args: readonly string[]): Promise<Run> {
  const child = spawn(process.execPath, [join(root, 'node_modules', name, path), ...args], { cwd: root, stdio: ['ignore', 'pipe', 'pipe'], timeout: TIMEOUT_MS })
  const [stdout, stderr, [code]] = await Promise.all([text(child.stdout), text(child.stderr), once(child, 'close') as Promise<[number | null]>])
  return { code, stdout, stderr }
}
