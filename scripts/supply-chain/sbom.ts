/**
 * A bill of materials (CycloneDX 1.6) of one bundle: the libraries that are really in it. `npm sbom` would list what is installed, and in a
 * workspace its `--omit dev` leaves out libraries that are shipped. The same bundle gives the same bytes: no time, no random number.
 */
import { createHash } from 'node:crypto'
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import type { Metafile } from 'esbuild'
import { installedLicence, nameOf, type Allowed, type Lock } from './check-packages.ts'
import { isAllowed } from './licences.ts'

interface Component {
  readonly type: 'library'
  readonly 'bom-ref': string
  readonly name: string
  readonly version: string
  readonly purl: string
  readonly licenses: readonly [{ readonly expression: string }]
  readonly hashes: readonly [{ readonly alg: 'SHA-512', readonly content: string }]
}

export interface Sbom {
  readonly bomFormat: 'CycloneDX'
  readonly specVersion: '1.6'
  readonly serialNumber: string
  readonly version: 1
  readonly metadata: { readonly component: { readonly type: 'application', readonly name: string, readonly version: string, readonly licenses: readonly [{ readonly expression: 'Apache-2.0' }] } }
  readonly components: readonly Component[]
}

/** TypeError when a library is not in the lockfile, or under a licence that may not be shipped. */
export function sbomOf(root: string, name: string, { inputs }: Pick<Metafile, 'inputs'>): Sbom {
  const lock = JSON.parse(readFileSync(join(root, 'package-lock.json'), 'utf8')) as Lock
  const { shipped } = JSON.parse(readFileSync(join(root, 'scripts/supply-chain/allowed.json'), 'utf8')) as Allowed
  const { version } = JSON.parse(readFileSync(join(root, 'package.json'), 'utf8')) as { readonly version: string }
  const components = [...new Set(Object.keys(inputs).flatMap(placeOf))].map((place) => componentAt(root, place, lock, shipped))
  const unique = [...new Map(components.map((one) => [one.purl, one])).values()].sort((a, b) => a.purl < b.purl ? -1 : 1)
  return {
    bomFormat: 'CycloneDX', specVersion: '1.6', serialNumber: serialOf(name, version, unique), version: 1,
    metadata: { component: { type: 'application', name, version, licenses: [{ expression: 'Apache-2.0' }] } }, components: unique,
  }
}

/** `node_modules/a/node_modules/@b/c/index.js` → `node_modules/a/node_modules/@b/c`. What a plugin made up (`plugin:path`) is no library. */
function placeOf(input: string): readonly string[] {
  if (/^[\w-]+:/.test(input)) return []
  const start = input.lastIndexOf('node_modules/')
  const name = /^(?:@[^/]+\/)?[^/]+/.exec(start < 0 ? '' : input.slice(start + 'node_modules/'.length))?.[0]
  return name === undefined ? [] : [`${input.slice(0, start)}node_modules/${name}`]
}

function componentAt(root: string, place: string, { packages }: Lock, shipped: readonly string[]): Component {
  const { version, integrity, license } = packages[place] ?? {}
  const licence = license ?? installedLicence(root, place)
  if (version === undefined || integrity === undefined) throw new TypeError(`${place} is bundled and not in package-lock.json`)
  if (licence === undefined || !isAllowed(licence, shipped)) throw new TypeError(`${place} is bundled and under ${licence ?? 'no licence'}, which may not be shipped`)
  const name = nameOf(place)
  const purl = `pkg:npm/${name.replace('@', '%40')}@${version}`
  return { type: 'library', 'bom-ref': purl, name, version, purl, licenses: [{ expression: licence }], hashes: [{ alg: 'SHA-512', content: Buffer.from(integrity.replace(/^sha512-/, ''), 'base64').toString('hex') }] }
}

/** A UUID of version 8 (RFC 9562) from what it names. */
function serialOf(name: string, version: string, components: readonly Component[]): string {
  const hash = createHash('sha256').update(JSON.stringify([name, version, components])).digest('hex')
  return `urn:uuid:${hash.slice(0, 8)}-${hash.slice(8, 12)}-8${hash.slice(13, 16)}-a${hash.slice(17, 20)}-${hash.slice(20, 32)}`
}
