/** The console's page within a package or an image: built by Vite, so its libraries are not in esbuild's own list. */
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { join } from 'node:path'
import process from 'node:process'
import { text } from 'node:stream/consumers'
import type { Metafile } from 'esbuild'

/** From the root → from the bundle's folder, where the console looks for it. */
export const CONSOLE_PAGE: readonly [from: string, to: string] = ['services/console/dist-page', './console-page']

/** What the page is made of beside our own files. */
const LIBRARIES = ['react', 'react-dom', 'scheduler', '@simplewebauthn/browser']
const BUILD_WITHIN_MS = 120_000

/** Builds it anew, in about a second. */
export async function buildConsolePage(root: string): Promise<void> {
  const child = spawn(process.execPath, [join(root, 'node_modules/vite/bin/vite.js'), 'build', '--config', join(root, 'services/console/vite.config.ts')], { cwd: root, stdio: ['ignore', 'ignore', 'pipe'], timeout: BUILD_WITHIN_MS })
  const [said, [code]] = await Promise.all([text(child.stderr), once(child, 'close') as Promise<[number | null]>])
  if (code !== 0) throw new Error(`the console's page could not be built:\n${said}`)
}

/** The list of what is bundled, with the page's libraries in it: for the licences. */
export function withPageLibraries({ inputs, ...rest }: Metafile): Metafile {
  return { ...rest, inputs: { ...inputs, ...Object.fromEntries(LIBRARIES.map((name) => [`node_modules/${name}/package.json`, { bytes: 0, imports: [] }])) } }
}
