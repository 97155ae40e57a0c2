/**
 * Whole sets of policies over the admin listener.
 * GET /v1/policies: the files in force; its ETag is the set's number. PUT /v1/policies `{files, by, note?}` with that number as
 * If-Match, or If-None-Match: * for the first; `?dryRun=true` checks and runs the cases only. Answers: 200, 412 (another set is
 * in force), 422 (problems, or cases that fail), 428 (no If-Match), 409 (the gateway reads a folder).
 * GET /v1/policies/versions, /v1/policies/versions/N: all sets that were in force. Pushing an old one's files goes back to it.
 */
import type { BlobStore, DocumentStore } from '@lockkeeper/domain/ports'
import express, { type Request, type Response, type Router } from 'express'
import { z } from 'zod'
import { formatProblem } from './policy-files.ts'
import type { PolicySource } from './policy-source.ts'
import { faults, problem, send } from './problem-json.ts'
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

const pushSchema = z.strictObject({
  files: z.record(z.string().min(1).max(255), z.string()).refine((files) => Object.keys(files).length <= 1_000, 'at most 1,000 files'),
  by: z.string().min(1).max(200).optional(),
  note: z.string().max(500).default(''),
})
const dryRunSchema = z.enum(['true', 'false']).default('false')
const pageSchema = z.strictObject({ limit: z.coerce.number().int().min(1).max(1_000).default(50), cursor: z.string().max(1_000).optional() })
const numberSchema = z.coerce.number().int().min(1)

export function setRoutes(router: Router, parts: SetRouteParts): void {
  router.use('/v1/policies', express.json({ limit: '16mb', strict: true }))
  router.get('/v1/policies', (_request, response) => inForce(parts, response))
  router.put('/v1/policies', (request, response) => put(parts, request, response))
  router.get('/v1/policies/versions', async (request, response) => {
    const page = pageSchema.safeParse(request.query)
    if (!page.success) return problem(response, 'REQUEST_INVALID', faults(page.error))
    const { limit, cursor } = page.data
    const found = await parts.documents.query(policySets, { name: 'newest', equal: { kind: 'set' }, limit, ...(cursor === undefined ? {} : { cursor }) })
    send(response, { versions: found.docs.map(({ data }) => shown(data)), ...(found.cursor === undefined ? {} : { cursor: found.cursor }) })
  })
  router.get('/v1/policies/versions/:number', async (request, response) => {
    const number = numberSchema.safeParse(request.params['number'])
    const { pushed } = parts
    const entry = number.success && pushed !== undefined ? await readEntry(parts.documents, number.data) : undefined
    if (entry === undefined || pushed === undefined) return problem(response, 'NOT_FOUND', 'There is no policy set of that number.')
    await sendSet(parts.blobs, pushed, response, entry)
  })
}

async function inForce({ pushed, source, blobs }: SetRouteParts, response: Response): Promise<void> {
  if (pushed === undefined) return send(response, { source: 'folder', files: Object.fromEntries(source.files().map(({ file, text }) => [file, text])) })
  const head = await pushed.head()
  if (head === undefined) return send(response.set('etag', '"0"'), { source: 'pushed', files: {} })
  await sendSet(blobs, pushed, response.set('etag', `"${head.number}"`), head)
}

async function sendSet(blobs: BlobStore, pushed: PushedSource, response: Response, entry: SetEntry): Promise<void> {
  const fault = await pushed.faultOf(entry)
  const read = fault === undefined ? await readSet(blobs, entry) : { problem: fault }
  if ('problem' in read) return problem(response, 'INTERNAL', `${read.problem}.`)
  send(response, { source: 'pushed', set: shown(entry), files: read.files })
}

function shown({ number, version, bundle, rules, files, by, note, at }: SetEntry) {
  return { number, version, bundle, rules, files, by, note, at }
}

async function put({ pushed, pushedBy }: SetRouteParts, request: Request, response: Response): Promise<void> {
  if (pushed === undefined) return problem(response, 'STATE_CHANGED', 'This gateway reads its policies from a folder: change the files there. Nothing was changed.', 409)
  const [body, dryRun, replaces] = [pushSchema.safeParse(request.body), dryRunSchema.safeParse(request.query['dryRun']), replacedBy(request)]
  if (!body.success) return problem(response, 'REQUEST_INVALID', faults(body.error))
  if (!dryRun.success) return problem(response, 'REQUEST_INVALID', 'dryRun must be true or false.')
  if (replaces === undefined) return problem(response, 'REQUEST_INVALID', 'Say which set this one takes the place of: If-Match: "NUMBER", or If-None-Match: * for the first. Nothing was changed.', 428)
  const by = pushedBy?.(request) ?? body.data.by
  if (by === undefined) return problem(response, 'REQUEST_INVALID', 'by: say who pushes. Nothing was changed.')
  const push: Push = { files: body.data.files, by, note: body.data.note, replaces, dryRun: dryRun.data === 'true' }
  answer(response, await pushed.push(push), push)
}

/** RFC 9110 sections 13.1.1 and 13.1.2; one strong tag, since there is one set. */
function replacedBy(request: Request): number | undefined {
  if (request.get('if-none-match') === '*' && request.get('if-match') === undefined) return 0
  const tag = /^"(\d{1,15})"$/.exec(request.get('if-match') ?? '')
  return tag === null ? undefined : Number(tag[1])
}

function answer(response: Response, pushed: Pushed, { replaces }: Push): void {
  if (pushed.kind === 'overtaken') return overtaken(response, pushed, replaces)
  if (pushed.kind === 'unsound') return unsound(response, pushed)
  const { kind, warnings, cases } = pushed
  const noCases = cases === 0 ? { hint: 'The set brings no cases (*.cases.yaml), so nothing says that it does what it should.' } : {}
  if (pushed.kind === 'sound') return send(response, { dryRun: true, published: false, changes: pushed.changes, warnings, cases, ...noCases })
  send(response.set('etag', `"${pushed.entry.number}"`), { dryRun: false, published: kind === 'published', set: shown(pushed.entry), warnings, cases, ...noCases })
}

function overtaken(response: Response, { inForce: set, changes }: Extract<Pushed, { kind: 'overtaken' }>, replaces: number): void {
  const now = set === undefined ? 'none is' : `set ${set.number} by ${set.by} of ${new Date(set.at).toISOString()} is`
  const differences = changes.slice(0, MOST_SHOWN).map(({ rule, change, text }) => `\n${rule} ${change}: ${text}`).join('')
  const detail = `The set to be replaced (${replaces === 0 ? 'none' : replaces}) is not in force: ${now}. Nothing was changed. What changed in between:${differences === '' ? ' no rule' : differences}`
  problem(response, 'STATE_CHANGED', detail, 412, { inForce: set === undefined ? undefined : shown(set), changes })
}

function unsound(response: Response, { problems, failed }: Extract<Pushed, { kind: 'unsound' }>): void {
  const lines = [...problems.map(formatProblem), ...failed.map(({ file, line, description, why }) => `${file}:${line}: case fails: ${description}: ${why ?? ''}`)]
  const more = lines.length > MOST_SHOWN ? `\nand ${lines.length - MOST_SHOWN} more` : ''
  problem(response, 'REQUEST_INVALID', `The set is not sound, so it was not published; what was in force stays in force.\n${lines.slice(0, MOST_SHOWN).join('\n')}${more}`, 422, { problems, failed })
}
