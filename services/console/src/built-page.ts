/** Where the built page lies: beside a packed bundle, or in the checkout, where it is built when it is asked for and not fresh. */
import { spawn } from 'node:child_process'
import { existsSync, globSync, statSync } from 'node:fs'
import { once } from 'node:events'
import { createRequire } from 'node:module'
import { dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { text } from 'node:stream/consumers'
import type { PageFolder } from './page-files.ts'

const BUILD_WITHIN_MS = 120_000

/** From source `../dist-page/`, from a bundle `./console-page/` (the packer puts the built page there). */
export function builtPage(base: string = import.meta.url): PageFolder {
  return async () => {
    const packed = fileURLToPath(new URL(`${'./console-page/'}`, base))
    if (existsSync(join(packed, 'index.html'))) return packed
    const room = fileURLToPath(new URL(`${'../'}`, base))
    const built = join(room, 'dist-page/')
    if (!isFresh(room, built)) await buildPage(room)
    return built
  }
}

/** Newer than everything that it is made of. */
function isFresh(room: string, built: string): boolean {
  const index = statSync(join(built, 'index.html'), { throwIfNoEntry: false })
  if (index === undefined) return false
  const sources = ['vite.config.ts', ...globSync(['page/**/*.{ts,tsx,css,html,svg}', 'src/{api-types,confirm-word,runs}.ts'], { cwd: room })]
  return sources.every((file) => statSync(join(room, file)).mtimeMs <= index.mtimeMs)
}

/** About a second. */
async function buildPage(room: string): Promise<void> {
  const manifest = createRequire(join(room, 'package.json')).resolve('vite/package.json')
  const child = spawn(process.execPath, [join(dirname(manifest), 'bin/vite.js'), 'build', '--config', join(room, 'vite.config.ts')], { cwd: room, stdio: ['ignore', 'ignore', 'pipe'], timeout: BUILD_WITHIN_MS })
  const [said, [code]] = await Promise.all([text(child.stderr), once(child, 'close') as Promise<[number | null]>])
  if (code !== 0) throw new Error(`the console's page could not be built: ${said.slice(0, 2_000)}`)
}
