/** What makes a change safe to repeat or bound to the state it was judged on, read from the method's own arguments and body. */
import type { SchemaTable } from '../tables.ts'

export interface MethodShape {
  readonly id: string
  readonly change: boolean
  /** Names of query arguments. */
  readonly query: ReadonlySet<string>
  readonly body: string | undefined
  readonly schemas: SchemaTable
}

/** Body fields that Google deduplicates by. */
const BODY_KEYS: Readonly<Record<string, string>> = {
  'bigquery.jobs.insert': 'jobReference.jobId',
  'bigquery.jobs.query': 'requestId',
}

/** Writing or removing an object's content changes its generation, so a second run fails on `ifGenerationMatch`. Metadata patches do not. */
const GENERATION_BOUND: ReadonlySet<string> = new Set([
  'storage.objects.insert', 'storage.objects.compose', 'storage.objects.copy', 'storage.objects.rewrite', 'storage.objects.move', 'storage.objects.delete',
])

export function dedupeKeyOf(shape: MethodShape): string | undefined {
  if (!shape.change) return undefined
  if (GENERATION_BOUND.has(shape.id)) return 'ifGenerationMatch'
  return shape.query.has('requestId') ? 'requestId' : BODY_KEYS[shape.id]
}

export function preconditionOf(shape: MethodShape): string | undefined {
  if (!shape.change) return undefined
  const argument = ['ifGenerationMatch', 'ifMetagenerationMatch', 'etag'].find((name) => shape.query.has(name))
  if (argument !== undefined) return argument
  const body = shape.body === undefined ? undefined : shape.schemas[shape.body]
  if (typeof body !== 'object') return undefined
  if (shape.id.endsWith('.setIamPolicy')) return body['policy'] === undefined ? 'etag' : 'policy.etag'
  // BigQuery's etag field is output only; its precondition is the If-Match header.
  if (shape.id.startsWith('bigquery.') || /\.(?:insert|create|bulkInsert)$/.test(shape.id)) return undefined
  return ['etag', 'fingerprint', 'labelFingerprint'].find((name) => body[name] !== undefined)
}
