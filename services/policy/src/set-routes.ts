/** Whole sets of policies over the admin listener: the files in force, a push in the place of the set that was seen, and all sets before. */
import { refuse } from '@lockkeeper/domain/errors'
import type { BlobStore, DocumentStore } from '@lockkeeper/domain/ports'
import { serve } from '@lockkeeper/service-kit/server'
import type { Request, Response, Router } from 'express'
import { listSets, pushSet, showOldSet, showSet } from './api/policy-operations.ts'
import { formatProblem } from './policy-files.ts'
import type { PolicySource } from './policy-source.ts'
import { problem } from './problem-json.ts'
import type { Push, Pushed, PushedSource } from './pushed-source.ts'
import { policySets, readEntry, readSet, type SetEntry } from './set-history.ts'

export interface SetRouteParts {
  readonly documents: DocumentStore
  readonly blobs: BlobStore
  readonly source: PolicySource
  /** Where sets are pushed; undefined: a folder is read. */
  readonly pushed: PushedSource | undefined
  /** Who asks, where the listener knows it better than the body says; undefined: it does not. */
  readonly pushedBy?: ((request: Request) => string | undefined) | undefined
}

const MOST_SHOWN = 20

export function setRoutes(router: Router, parts: SetRouteParts): void {
  serve(router, showSet, (_asked, _request, response) => inForce(parts, response))
  serve(router, pushSet, ({ query, body }, request, response) => put(parts, { ...body, dryRun: query.dryRun === 'true' }, request, response))
  serve(router, listSets, async ({ query: { limit, cursor } }) => {
    const found = await parts.documents.query(policySets, { name: 'newest', equal: { kind: 'set' }, limit, ...(cursor === undefined ? {} : { cursor }) })
    return { versions: found.docs.map(({ data }) => shown(data)), ...(found.cursor === undefined ? {} : { cursor: found.cursor }) }
  })
  serve(router, showOldSet, async ({ params }) => {
    const { pushed } = parts
    const entry = pushed === undefined ? undefined : await readEntry(parts.documents, params.number)
    return entry === undefined || pushed === undefined ? refuse('NOT_FOUND', 'There is no policy set of that number.') : filesOf(parts.blobs, pushed, entry)
  })
}

async function inForce({ pushed, source, blobs }: SetRouteParts, response: Response) {
  if (pushed === undefined) return { source: 'folder', files: Object.fromEntries(source.files().map(({ file, text }) => [file, text])) } as const
  const head = await pushed.head()
  response.set('etag', `"${head?.number ?? 0}"`)
  return head === undefined ? { source: 'pushed', files: {} } as const : filesOf(blobs, pushed, head)
}

async function filesOf(blobs: BlobStore, pushed: PushedSource, entry: SetEntry) {
  const fault = await pushed.faultOf(entry)
  const read = fault === undefined ? await readSet(blobs, entry) : { problem: fault }
  return 'problem' in read ? refuse('INTERNAL', `${read.problem}.`) : { source: 'pushed', set: shown(entry), files: read.files } as const
}

function shown({ number, version, bundle, rules, files, by, note, at }: SetEntry) {
  return { number, version, bundle, rules, files, by, note, at }
}

interface Sent { readonly files: Push['files'], readonly by?: string, readonly note: string, readonly dryRun: boolean }

async function put({ pushed, pushedBy }: SetRouteParts, { by: said, ...sent }: Sent, request: Request, response: Response) {
  if (pushed === undefined) return problem(response, 'STATE_CHANGED', 'This gateway reads its policies from a folder: change the files there. Nothing was changed.', 409)
  const replaces = replacedBy(request)
  if (replaces === undefined) return problem(response, 'REQUEST_INVALID', 'Say which set this one takes the place of: If-Match: "NUMBER", or If-None-Match: * for the first. Nothing was changed.', 428)
  const by = pushedBy?.(request) ?? said
  if (by === undefined) return refuse('REQUEST_INVALID', 'by: say who pushes. Nothing was changed.')
  return answer(response, await pushed.push({ ...sent, by, replaces }), replaces)
}

/** RFC 9110 sections 13.1.1 and 13.1.2; one strong tag, since there is one set. */
function replacedBy(request: Request): number | undefined {
  if (request.get('if-none-match') === '*' && request.get('if-match') === undefined) return 0
  const tag = /^"(\d{1,15})"$/.exec(request.get('if-match') ?? '')
  return tag === null ? undefined : Number(tag[1])
}

function answer(response: Response, pushed: Pushed, replaces: number) {
  if (pushed.kind === 'overtaken') return overtaken(response, pushed, replaces)
  if (pushed.kind === 'unsound') return unsound(response, pushed)
  const { kind, warnings, cases } = pushed
  const noCases = cases === 0 ? { hint: 'The set brings no cases (*.cases.yaml), so nothing says that it does what it should.' } : {}
  if (pushed.kind === 'sound') return { dryRun: true, published: false, changes: pushed.changes, warnings, cases, ...noCases }
  response.set('etag', `"${pushed.entry.number}"`)
  return { dryRun: false, published: kind === 'published', set: shown(pushed.entry), warnings, cases, ...noCases }
}

function overtaken(response: Response, { inForce: set, changes }: Extract<Pushed, { kind: 'overtaken' }>, replaces: number) {
  const now = set === undefined ? 'none is' : `set ${set.number} by ${set.by} of ${new Date(set.at).toISOString()} is`
  const differences = changes.slice(0, MOST_SHOWN).map(({ rule, change, text }) => `\n${rule} ${change}: ${text}`).join('')
  const detail = `The set to be replaced (${replaces === 0 ? 'none' : replaces}) is not in force: ${now}. Nothing was changed. What changed in between:${differences === '' ? ' no rule' : differences}`
  return problem(response, 'STATE_CHANGED', detail, 412, { inForce: set === undefined ? undefined : shown(set), changes })
}

function unsound(response: Response, { problems, failed }: Extract<Pushed, { kind: 'unsound' }>) {
  const lines = [...problems.map(formatProblem), ...failed.map(({ file, line, description, why }) => `${file}:${line}: case fails: ${description}: ${why ?? ''}`)]
  const more = lines.length > MOST_SHOWN ? `\nand ${lines.length - MOST_SHOWN} more` : ''
  return problem(response, 'REQUEST_INVALID', `The set is not sound, so it was not published; what was in force stays in force.\n${lines.slice(0, MOST_SHOWN).join('\n')}${more}`, 422, { problems, failed })
}
