/** Whether this machine lets `lockkeeper run` build the container level. Found out by building one. */
import { spawnSync } from 'node:child_process'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { containerScript, namespaceArguments } from './container-script.ts'
import { loopbackOpener, SYSTEM_PATH, systemProgram } from './system-program.ts'

const PROBE_MS = 10_000
const PROGRAMS = ['unshare', 'setpriv', 'mount', 'umount', 'pivot_root']

/** Why the container level cannot be had; undefined when it can. Takes some 50 ms. */
export function containerProblem(): string | undefined {
  if (process.platform !== 'linux') return 'namespaces are a thing of Linux'
  const missing = PROGRAMS.find((program) => systemProgram(program) === undefined)
  if (missing !== undefined) return `${missing} is missing (package util-linux)`
  if (loopbackOpener() === undefined) return 'none of ip, ifconfig and perl is there to open the loopback interface'
  const directory = mkdtempSync(join(tmpdir(), 'lockkeeper-probe-'))
  try {
    const script = containerScript({ root: directory, uid: process.getuid?.() ?? 0, gid: process.getgid?.() ?? 0, home: '/root', workingDirectory: '/tmp', visible: [], covered: [], command: ['/bin/sh', '-c', ':'] })
    const { status, stderr, error } = spawnSync(systemProgram('unshare') as string, namespaceArguments(script), { env: { PATH: SYSTEM_PATH }, stdio: ['ignore', 'ignore', 'pipe'], timeout: PROBE_MS, encoding: 'utf8', maxBuffer: 64 * 1024 })
    if (status === 0) return undefined
    return `the kernel, or what surrounds this machine, forbids it: ${(error?.message ?? stderr.trim().split('\n').at(0) ?? '').slice(0, 300)}`
  } finally {
    rmSync(directory, { recursive: true, force: true })
  }
}
