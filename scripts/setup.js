#!/usr/bin/env node
// Makes a fresh clone ready: installs the locked packages when they are missing or the lockfile changed.
// Plain JavaScript with Node built-ins only, so that the system's Node (20 or newer) can run it before anything is installed.
import { spawnSync } from 'node:child_process'
import { createHash } from 'node:crypto'
import { existsSync, readFileSync, writeFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import process from 'node:process'
import { fileURLToPath } from 'node:url'

const root = join(dirname(fileURLToPath(import.meta.url)), '..')
const stampFile = join(root, 'node_modules', '.lockkeeper-setup')

/** The stamp of an installation: the lockfile and the platform that it was installed for. */
function wantedStamp() {
  const lock = readFileSync(join(root, 'package-lock.json'))
  return createHash('sha256').update(lock).update(`${process.platform}-${process.arch}`).digest('hex')
}

function isInstalled() {
  return existsSync(stampFile) && readFileSync(stampFile, 'utf8').trim() === wantedStamp()
}

function install() {
  process.stderr.write('lockkeeper: installing the locked packages (first run or changed lockfile)\n')
  const npm = process.env['npm_execpath']
  const arguments_ = ['ci', '--include=dev', '--include=optional', '--no-audit', '--no-fund', '--loglevel=error']
  const result = npm === undefined
    ? spawnSync('npm', arguments_, { cwd: root, stdio: ['ignore', 2, 2], shell: process.platform === 'win32' })
    : spawnSync(process.execPath, [npm, ...arguments_], { cwd: root, stdio: ['ignore', 2, 2] })
  if (result.status !== 0) {
    process.stderr.write('lockkeeper: npm ci failed; nothing else was done. Its own message stands above.\n')
    process.exit(1)
  }
  writeFileSync(stampFile, `${wantedStamp()}\n`)
}

/** npm puts node_modules/.bin first on PATH, so a Node 24 that came as a package is what runs next. */
function checkRuntime() {
  const bundled = join(root, 'node_modules', '.bin', process.platform === 'win32' ? 'node.cmd' : 'node')
  if (existsSync(bundled)) return
  const major = Number(process.versions.node.split('.')[0])
  if (major >= 24) return
  process.stderr.write(`lockkeeper: this platform (${process.platform}-${process.arch}) gets no Node 24 from the packages and runs Node ${process.versions.node}; install Node 24 or newer and try again.\n`)
  process.exit(1)
}

if (!isInstalled()) install()
checkRuntime()
