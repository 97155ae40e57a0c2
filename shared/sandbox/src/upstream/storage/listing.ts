/** objects.list: prefix, delimiter, offsets and pages, in the byte order of names. */
import { invalid } from '../google-error.ts'
import type { Answer, Exchange } from '../routes.ts'
import { showObject } from './resources.ts'
import type { StoredBucket, StoredObject } from './state.ts'

type Entry = { readonly key: string, readonly object: StoredObject } | { readonly key: string, readonly prefix: string }

const MOST = 1_000

export function listObjects(bucket: StoredBucket, { query }: Exchange): Answer {
  const entries = entriesOf(bucket, query)
  const after = tokenKey(query.get('pageToken'))
  const start = after === undefined ? 0 : entries.findIndex(({ key }) => Buffer.compare(Buffer.from(key), after) > 0)
  const rest = start < 0 ? [] : entries.slice(start)
  const page = rest.slice(0, pageSize(query))
  const last = page.at(-1)
  const items = page.flatMap((entry) => 'object' in entry ? [showObject(entry.object, query.get('projection'))] : [])
  const prefixes = page.flatMap((entry) => 'prefix' in entry ? [entry.prefix] : [])
  return {
    json: {
      kind: 'storage#objects',
      ...(last !== undefined && page.length < rest.length ? { nextPageToken: Buffer.from(last.key).toString('base64url') } : {}),
      ...(prefixes.length > 0 ? { prefixes } : {}),
      ...(items.length > 0 ? { items } : {}),
    },
    headers: { 'cache-control': 'private, max-age=0, must-revalidate, no-transform' },
  }
}

function entriesOf(bucket: StoredBucket, query: URLSearchParams): readonly Entry[] {
  const prefix = query.get('prefix') ?? ''
  const delimiter = query.get('delimiter') ?? ''
  const from = query.get('startOffset') ?? ''
  const before = query.get('endOffset') ?? ''
  const entries = new Map<string, Entry>()
  const names = [...bucket.objects.keys()].filter((name) => name.startsWith(prefix) && name >= from && (before === '' || name < before))
  for (const name of names.toSorted((a, b) => Buffer.compare(Buffer.from(a), Buffer.from(b)))) {
    const cut = delimiter === '' ? -1 : name.indexOf(delimiter, prefix.length)
    const folded = cut < 0 ? undefined : name.slice(0, cut + delimiter.length)
    if (folded === undefined || (folded === name && query.get('includeTrailingDelimiter') === 'true')) entries.set(name, { key: name, object: bucket.objects.get(name)! })
    else entries.set(folded, { key: folded, prefix: folded })
  }
  return [...entries.values()]
}

function pageSize(query: URLSearchParams): number {
  const asked = query.get('maxResults')
  if (asked === null) return MOST
  if (!/^\d{1,9}$/.test(asked)) throw invalid(`Invalid value for maxResults: ${asked}`)
  return Number(asked) === 0 ? MOST : Math.min(Number(asked), MOST)
}

function tokenKey(token: string | null): Buffer | undefined {
  if (token === null || token === '') return undefined
  const key = Buffer.from(token, 'base64url')
  if (key.toString('base64url') !== token) throw invalid('Invalid page token')
  return key
}
