/**
 * What package-lock.json lets in: each package with its hash and from a registry, none that runs something while it is installed
 * unless scripts/supply-chain/allowed.json says why that does no harm, and only licences that this suite may be shipped with.
 */
import { existsSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { isAllowed } from './licences.ts'

interface LockedPackage {
  readonly version?: string
  readonly resolved?: string
  readonly integrity?: string
  readonly license?: string
  readonly dev?: boolean
  readonly link?: boolean
  readonly hasInstallScript?: boolean
}

export interface Allowed {
  /** Package → why its script may stay unrun. */
  readonly installScripts: Readonly<Record<string, string>>
  /** SPDX ids of what is shipped. */
  readonly shipped: readonly string[]
  /** And of tools that nothing of is shipped. */
  readonly tools: readonly string[]
}

export interface Lock {
  readonly lockfileVersion: number
  readonly packages: Readonly<Record<string, LockedPackage>>
}

export function checkPackages(root: string): readonly string[] {
  const read = (file: string): string => readFileSync(join(root, file), 'utf8')
  const lock = JSON.parse(read('package-lock.json')) as Lock
  const allowed = JSON.parse(read('scripts/supply-chain/allowed.json')) as Allowed
  const quiet = /^ignore-scripts=true$/m.test(read('.npmrc')) ? [] : ['.npmrc: ignore-scripts=true is missing: packages may run what they like while they are installed']
  return [...quiet, ...checkLock(lock, allowed, (place) => installedLicence(root, place))]
}

/** `licenceAt`: what an installed package says where the lockfile says nothing; undefined when it does not either. */
export function checkLock({ lockfileVersion, packages }: Lock, allowed: Allowed, licenceAt: (place: string) => string | undefined): readonly string[] {
  const found = Object.entries(packages).filter(([place, { link }]) => /(?:^|\/)node_modules\//.test(place) && link !== true)
  const scripted = new Set(found.filter(([, one]) => one.hasInstallScript === true).map(([place]) => nameOf(place)))
  return [
    ...lockfileVersion === 3 ? [] : [`package-lock.json has version ${lockfileVersion}, not 3`],
    ...found.flatMap(([place, one]) => [
      ...one.integrity?.startsWith('sha512-') === true ? [] : [`${place} has no sha512 hash: it is not from a registry, or nobody could tell if it changed`],
      ...one.resolved !== undefined && !one.resolved.startsWith('https:') ? [`${place} comes from ${one.resolved.replace(/\/\/[^@/]*@/, '//')}, which is no registry`] : [],
      ...licenceFault(place, one, allowed, licenceAt),
    ]),
    ...[...scripted].filter((name) => allowed.installScripts[name] === undefined).map((name) => `${name} runs a script while it is installed: do without it, or say in scripts/supply-chain/allowed.json why it may stay unrun`),
    ...Object.keys(allowed.installScripts).filter((name) => !scripted.has(name)).map((name) => `scripts/supply-chain/allowed.json: installScripts has ${name}, which has none`),
  ]
}

function licenceFault(place: string, { license, dev }: LockedPackage, { shipped, tools }: Allowed, licenceAt: (place: string) => string | undefined): readonly string[] {
  const licence = license ?? licenceAt(place)
  if (licence === undefined) return [`${place} names no licence`]
  return isAllowed(licence, dev === true ? [...shipped, ...tools] : shipped) ? [] : [`${place} is under ${licence}, which ${dev === true ? 'no tool here is' : 'this suite cannot be shipped with'}`]
}

export function nameOf(place: string): string {
  return place.slice(place.lastIndexOf('node_modules/') + 'node_modules/'.length)
}

/** Old manifests have `licenses: [{ type }]`: any of them may be chosen. */
export function installedLicence(root: string, place: string): string | undefined {
  const file = join(root, place, 'package.json')
  if (!existsSync(file)) return undefined
  const { license, licenses } = JSON.parse(readFileSync(file, 'utf8')) as { readonly license?: string | { readonly type?: string }, readonly licenses?: readonly { readonly type?: string }[] }
  if (typeof license === 'string') return license
  const types = [...license === undefined ? [] : [license], ...licenses ?? []].flatMap(({ type }) => type ?? [])
  return types.length === 0 ? undefined : types.join(' OR ')
}
