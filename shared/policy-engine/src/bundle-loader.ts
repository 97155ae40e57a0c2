/** From a verified pointer to a compiled policy. */
import type { Clock, MaskPlan, Method } from '@lockkeeper/domain'
import type { BlobStore } from '@lockkeeper/domain/ports'
import { decodeBundle, methodsDigest, type BundlePointer } from './bundle.ts'
import { compile } from './compile.ts'
import type { Policy } from './policy.ts'
import { createSlices } from './slices.ts'
import type { Loaded } from './watch-publication.ts'

export interface LoadOptions {
  readonly blobs: BlobStore
  readonly methods: readonly Method[]
  readonly clock: Clock
  /** What is wrong with a plan of detectors and fields here (the masking package's own check): such a bundle is not put in force. */
  readonly maskProblems?: (plan: MaskPlan) => readonly string[]
}

/** Throws on an outage, absence of the blob included: trying again may help. */
export async function loadBundle({ key, version }: BundlePointer, { blobs, methods, clock, maskProblems }: LoadOptions): Promise<Loaded<Policy>> {
  const name = version.slice(0, 12)
  const bytes = await blobs.read(key)
  if (bytes === undefined) throw new Error(`bundle ${name} is not in the store`)
  const bundle = await decodeBundle(bytes, version, createSlices(clock))
  if ('problem' in bundle) return bundle
  const compiled = await compile(bundle.documents, methods, { bundle: version, clock, ...(maskProblems === undefined ? {} : { maskProblems }) })
  if ('policy' in compiled) return { value: compiled.policy }
  const first = compiled.problems[0]
  const catalog = bundle.methods === methodsDigest(methods) ? '' : ' (it was checked with another catalog)'
  return { problem: `bundle ${name} does not compile here${catalog}: ${first?.document ?? ''} ${first?.path.join('.') ?? ''}: ${first?.message ?? ''}` }
}
