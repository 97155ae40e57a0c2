/**
 * `npm run pack`: one package without dependencies that runs wherever Node 24 is. It is built in dist/package (never in services/cli,
 * where a stale bundle would run instead of the sources), packed to dist/, installed in an empty folder and used there.
 */
import { execFile } from 'node:child_process'
import { cp, mkdir, readFile, rm, writeFile } from 'node:fs/promises'
import { dirname, join } from 'node:path'
import process from 'node:process'
import { promisify } from 'node:util'
import { bundle, PACKED } from './packing/bundle.ts'
import { checkBundle } from './packing/bundle-contents.ts'
import { buildConsolePage, CONSOLE_PAGE, withPageLibraries } from './packing/console-page.ts'
import { thirdPartyLicences } from './packing/third-party.ts'
import { tryPackage } from './packing/try-package.ts'

interface Packed { readonly filename: string, readonly size: number, readonly unpackedSize: number }

const MIB = 1024 ** 2

/** Resolves with the package's version. */
async function stage(root: string, folder: string): Promise<string> {
  await rm(folder, { recursive: true, force: true })
  await mkdir(join(folder, 'dist'), { recursive: true })
  const { metafile, copies } = await bundle(root, join(folder, 'dist'))
  const faults = checkBundle(metafile)
  if (faults.length > 0) throw new Error(`the bundle holds what it must not:\n${faults.join('\n')}`)
  await buildConsolePage(root)
  for (const [from, to] of [...copies, CONSOLE_PAGE]) {
    await mkdir(dirname(join(folder, 'dist', to)), { recursive: true })
    await cp(join(root, from), join(folder, 'dist', to), { recursive: true })
  }
  await cp(join(root, PACKED, 'bin'), join(folder, 'bin'), { recursive: true })
  for (const file of ['LICENSE', 'README.md']) await cp(join(root, file), join(folder, file))
  await writeFile(join(folder, 'dist/THIRD-PARTY-LICENSES.txt'), thirdPartyLicences(root, withPageLibraries(metafile)))
  const { devDependencies: _bundled, ...manifest } = JSON.parse(await readFile(join(root, PACKED, 'package.json'), 'utf8')) as { readonly version: string, readonly devDependencies: unknown }
  await writeFile(join(folder, 'package.json'), `${JSON.stringify(manifest, null, 2)}\n`)
  return manifest.version
}

async function main(): Promise<void> {
  const root = join(import.meta.dirname, '..')
  const folder = join(root, 'dist/package')
  const version = await stage(root, folder)
  const { stdout } = await promisify(execFile)('npm', ['pack', '--json', '--ignore-scripts', '--pack-destination', join(root, 'dist')], { cwd: folder, shell: process.platform === 'win32' })
  const [packed] = JSON.parse(stdout) as readonly [Packed]
  process.stdout.write(`dist/${packed.filename}: ${(packed.size / MIB).toFixed(1)} MiB packed, ${(packed.unpackedSize / MIB).toFixed(1)} MiB unpacked\n`)
  for (const line of await tryPackage(join(root, 'dist', packed.filename), version)) process.stdout.write(`ok   ${line}\n`)
}

await main()
