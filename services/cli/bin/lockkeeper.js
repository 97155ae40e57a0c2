#!/usr/bin/env node
// Checks the Node version before anything newer is parsed, then runs the bundle or, in a checkout, the sources.
import { existsSync } from 'node:fs'
import process from 'node:process'
import { fileURLToPath } from 'node:url'

const major = Number(process.versions.node.split('.')[0])
if (major < 24) {
  process.stderr.write(`lockkeeper needs Node 24 or newer; this is Node ${process.versions.node}. In a checkout, \`npm start\` brings its own.\n`)
  process.exit(1)
}

const bundle = new URL('../dist/main.js', import.meta.url)
const main = existsSync(fileURLToPath(bundle)) ? bundle : new URL('../src/main.ts', import.meta.url)
const { main: run } = await import(main.href)
await run(process.argv.slice(2))
