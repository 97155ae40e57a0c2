/**
 * The Discovery documents of Google's APIs, as Google publishes them inside its Python client library (Apache-2.0): one
 * pinned archive, checked by its hash, that holds every document with flat paths, patterns, repeated arguments and schemas.
 */
import { execFileSync } from 'node:child_process'
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'

export const SOURCE = 'google-api-python-client==2.201.0'
const SOURCE_SHA256 = '2d9bf1ba3f12eee8ed3d0f1791ce0605d163432f496baa72d3677faa2cf097d6'
const DOCUMENTS = 'googleapiclient/discovery_cache/documents'

/** Discovery's own JSON, as far as the generator reads it. */
export interface DiscoverySchema {
  readonly id?: string
  readonly $ref?: string
  readonly type?: string
  readonly format?: string
  readonly enum?: readonly string[]
  readonly properties?: Readonly<Record<string, DiscoverySchema>>
  readonly additionalProperties?: DiscoverySchema
  readonly items?: DiscoverySchema
}

export interface DiscoveryParameter {
  readonly location: 'path' | 'query'
  readonly pattern?: string
  readonly repeated?: boolean
}

export interface DiscoveryMethod {
  readonly id: string
  readonly httpMethod: string
  readonly path: string
  readonly flatPath?: string
  readonly parameters?: Readonly<Record<string, DiscoveryParameter>>
  readonly request?: { readonly $ref: string }
  readonly response?: { readonly $ref: string }
  readonly supportsMediaDownload?: boolean
  readonly mediaUpload?: { readonly protocols: Readonly<Record<string, { readonly path: string }>> }
}

export interface DiscoveryResource {
  readonly methods?: Readonly<Record<string, DiscoveryMethod>>
  readonly resources?: Readonly<Record<string, DiscoveryResource>>
}

export interface DiscoveryDocument extends DiscoveryResource {
  readonly name: string
  readonly version: string
  readonly revision: string
  readonly rootUrl: string
  readonly servicePath: string
  readonly endpoints?: readonly { readonly endpointUrl: string }[]
  readonly schemas: Readonly<Record<string, DiscoverySchema>>
}

/** Downloads the archive with pip into a temporary folder and reads the documents named (`storage.v1`). Needs python3 with pip. */
export function readDocuments(names: readonly string[]): readonly DiscoveryDocument[] {
  const folder = mkdtempSync(join(tmpdir(), 'lockkeeper-catalog-'))
  try {
    const requirements = join(folder, 'requirements.txt')
    writeFileSync(requirements, `${SOURCE} --hash=sha256:${SOURCE_SHA256}\n`)
    const wheels = join(folder, 'wheels')
    mkdirSync(wheels)
    run(['-m', 'pip', 'download', '--quiet', '--no-deps', '--only-binary=:all:', '--require-hashes', '--dest', wheels, '--requirement', requirements])
    const unpacked = join(folder, 'unpacked')
    run(['-c', 'import glob, sys, zipfile; zipfile.ZipFile(glob.glob(sys.argv[1] + "/*.whl")[0]).extractall(sys.argv[2])', wheels, unpacked])
    return names.map((name) => JSON.parse(readFileSync(join(unpacked, DOCUMENTS, `${name}.json`), 'utf8')) as DiscoveryDocument)
  } finally {
    rmSync(folder, { recursive: true, force: true })
  }
}

function run(arguments_: readonly string[]): void {
  execFileSync('python3', arguments_, { stdio: ['ignore', 'inherit', 'inherit'] })
}

export function methodsOf(resource: DiscoveryResource): readonly DiscoveryMethod[] {
  return [...Object.values(resource.methods ?? {}), ...Object.values(resource.resources ?? {}).flatMap(methodsOf)]
}
