/** Tests only: a sandbox gateway with its admin socket in this process, and `lockkeeper` as a real child process. */
import { spawn } from 'node:child_process'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import type { IsolationLevel } from '@lockkeeper/domain'
import { createLogger } from '@lockkeeper/service-kit'
import { adminRoutes, sandboxRoutes } from '../admin/admin-routes.ts'
import { openAdminServer } from '../admin/admin-server.ts'
import { openSandbox, type Sandbox } from '../gateway/sandbox.ts'
import { openGateway, type Gateway } from '../gateway/wire.ts'

export interface Outcome { readonly code: number | null, readonly signal: NodeJS.Signals | null, readonly out: string, readonly err: string }

export interface TestGateway {
  readonly gateway: Gateway
  readonly sandbox: Sandbox
  readonly admin: string
  /** A directory of its own for the agent to work in. */
  readonly work: string
  lockkeeper(args: readonly string[], options?: CommandOptions): Promise<Outcome>
  /** The same, started by another program that gets the command's words after its own. */
  through(starter: readonly [string, ...string[]], args: readonly string[], options?: CommandOptions): Promise<Outcome>
  close(): Promise<void>
}

export interface CommandOptions {
  readonly environment?: Readonly<Record<string, string>>
  readonly directory?: string
  readonly user?: { readonly uid: number, readonly gid: number }
  /** Called with what was written so far, and the process. */
  readonly onOutput?: (out: string, pid: number) => void
}

const COMMAND = fileURLToPath(new URL('../../bin/lockkeeper.js', import.meta.url))

export async function openTestGateway({ stated = 'none' }: { readonly stated?: IsolationLevel } = {}): Promise<TestGateway> {
  const sandbox = await openSandbox(0)
  const failures: Error[] = []
  const gateway = await openGateway({ loaded: sandbox.loaded, isolation: stated, log: createLogger('gateway', { level: 'silent' }), credentials: sandbox.credentials, onFailure: (error) => failures.push(error) })
  await gateway.start()
  const admin = await openAdminServer(join(gateway.directory, 'admin.sock'), [sandboxRoutes(sandbox), ...adminRoutes(gateway, sandbox.loaded, stated)])
  const work = await mkdtemp(join(tmpdir(), 'lockkeeper-work-'))
  const start = (program: string, words: readonly string[], options: CommandOptions): Promise<Outcome> => runProcess(program, words, { directory: work, ...options, environment: { LOCKKEEPER_ADMIN: admin.path, ...options.environment } })
  return {
    gateway, sandbox, admin: admin.path, work,
    lockkeeper: (args, options = {}) => start(process.execPath, [COMMAND, ...args], options),
    through: ([starter, ...words], args, options = {}) => start(starter, [...words, process.execPath, COMMAND, ...args], options),
    async close() {
      await admin.close()
      await gateway.drain()
      await sandbox.close()
      await rm(work, { recursive: true, force: true })
      if (failures[0] !== undefined) throw failures[0]
    },
  }
}

const PASSED = ['PATH', 'HOME', 'LANG', 'TMPDIR', 'NODE_V8_COVERAGE']

/** The environment is what the test says, and little else. */
function runProcess(program: string, args: readonly string[], { environment = {}, directory, user, onOutput }: CommandOptions): Promise<Outcome> {
  const env = { ...Object.fromEntries(PASSED.flatMap((name) => process.env[name] === undefined ? [] : [[name, process.env[name]]])), ...environment }
  return new Promise((resolve, reject) => {
    const child = spawn(program, [...args], { cwd: directory, env, stdio: ['ignore', 'pipe', 'pipe'], ...user })
    let out = ''
    let err = ''
    child.stdout.setEncoding('utf8').on('data', (text: string) => {
      out += text
      onOutput?.(out, child.pid as number)
    })
    child.stderr.setEncoding('utf8').on('data', (text: string) => { err += text })
    child.once('error', reject)
    child.once('close', (code, signal) => resolve({ code, signal, out, err }))
  })
}
