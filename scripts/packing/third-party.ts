/** The licences of the libraries that a bundle carries, as their authors ask for. */
import { existsSync, globSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import type { Metafile } from 'esbuild'
import { packageOf } from './bundle-contents.ts'

/** TypeError when a library names no licence. */
export function thirdPartyLicences(root: string, { inputs }: Metafile): string {
  const folders = new Map<string, string>()
  for (const input of Object.keys(inputs)) {
    // A module that a plugin made up (`plugin:path`) is no library; what it stands for is listed by itself.
    const name = /^[\w-]+:/.test(input) ? undefined : packageOf(input)
    if (name !== undefined) folders.set(input.slice(0, input.lastIndexOf(`node_modules/${name}/`) + `node_modules/${name}`.length), name)
  }
  const parts = [...folders].sort(([, one], [, other]) => one < other ? -1 : 1).map(([folder, name]) => licenceOf(join(root, folder), name))
  return `This package contains these libraries.\n\n${[...new Set(parts)].join('\n')}`
}

function licenceOf(folder: string, name: string): string {
  const manifest = join(folder, 'package.json')
  const { version, license } = existsSync(manifest) ? JSON.parse(readFileSync(manifest, 'utf8')) as { version?: string, license?: string } : {}
  if (license === undefined) throw new TypeError(`${name} is bundled and names no licence`)
  const texts = globSync('{LICEN[CS]E,licen[cs]e,COPYING,NOTICE}*', { cwd: folder }).filter((file) => !/\.[jt]s$/.test(file)).sort()
  return `${'='.repeat(80)}\n${name} ${version ?? ''} (${license})\n\n${texts.map((file) => readFileSync(join(folder, file), 'utf8').trim()).join('\n\n')}\n`
}
