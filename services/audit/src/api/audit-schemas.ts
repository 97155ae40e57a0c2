/** What the audit service answers. The types say that each schema has all members of what is answered, and no other. */
import type { CallFacts, RecordCommon, RecordEntry } from '@lockkeeper/domain/records'
import type { LogProblem, LogReport, RecordProof, StoredRecord, WriterReport } from '@lockkeeper/transparency-log'
import { z } from 'zod'
import type { ExportedLog } from '../log-export.ts'
import type { RecordPage } from '../record-search.ts'
import type { RecordView, ShownBody } from '../record-view.ts'
import type { Session, SessionStep } from '../session.ts'

type Members<T> = Readonly<Record<keyof T, z.ZodType>>
type Of<K extends RecordEntry['kind']> = StoredRecord & { readonly kind: K }

const epochMs = z.number().nonnegative().meta({ description: 'Epoch ms.', examples: [1_795_521_600_000] })
const id = z.string().meta({ description: '`rec_`, writer and sequence.', examples: ['rec_kQ3v.17'] })

const common = { at: epochMs, mode: z.enum(['sandbox', 'real']), isolation: z.enum(['none', 'user', 'container']), origin: z.enum(['agent', 'gateway', 'operator']) } satisfies Members<RecordCommon>
const call = {
  issuer: z.string().optional(), agent: z.string().optional(), run: z.string().optional(), sponsor: z.string().optional(), tokenHash: z.string().optional(), door: z.enum(['path', 'domain', 'forward', 'none']),
  host: z.string(), verb: z.string(), path: z.string(), target: z.string().optional(), method: z.string().optional(), risk: z.string().optional(), change: z.boolean().optional(), resources: z.array(z.string()).optional(),
  digest: z.string().optional(), effect: z.enum(['allow', 'deny', 'approve']).optional(), rule: z.string().optional(), notify: z.literal(true).optional().meta({ description: 'The policy says that somebody is told of the call.' }), bundle: z.string().optional(), approval: z.string().optional(), fence: z.string().optional(),
  principal: z.string().optional().meta({ description: 'Upstream principal whose credential was used.' }), credential: z.enum(['whole', 'bucket', 'object']).optional().meta({ description: 'How far that credential reaches: as far as the principal, or only the buckets or objects that the call names. Absent: none was sent, or the record is older.' }), requestBody: z.string().optional().meta({ description: 'SHA-256 of the masked body.' }),
  statedReason: z.string().optional().meta({ description: 'The agent\'s own words, never checked.' }), trace: z.string().optional(),
} satisfies Members<CallFacts>

const intent = z.strictObject({ id, kind: z.literal('intent'), ...common, ...call } satisfies Members<Of<'intent'>>)
const outcome = z.strictObject({
  id, kind: z.literal('outcome'), ...common, ...call, intent: id.optional(), reference: z.string().optional().meta({ description: 'The call\'s name upstream.' }),
  result: z.enum(['answered', 'refused', 'failed', 'unknown', 'receipt', 'pending', 'left']), status: z.int(), reason: z.string().optional(), detail: z.string().optional(), requestBytes: z.int(), responseBytes: z.int(),
  responseBody: z.string().optional(), masked: z.int().optional(), durationMs: z.number(), heldMs: z.number().optional(),
} satisfies Members<Of<'outcome'>>)
const event = z.strictObject({
  id, kind: z.literal('event'), ...common, name: z.string(), who: z.string().optional(), run: z.string().optional(), approval: z.string().optional(), text: z.string(), facts: z.record(z.string(), z.string()).optional(),
} satisfies Members<Of<'event'>>)

export const recordSchema = z.discriminatedUnion('kind', [intent, outcome, event]).meta({ id: 'Record', description: 'One record of the log: what was to be done, how it ended, or what people and the gateway did.' })
const records = z.array(recordSchema)

export const recordPage = z.strictObject({ records: records.meta({ description: 'Newest first.' }), cursor: z.string().optional().meta({ description: 'Give it to go on to older records. It can be there although this page is not full.' }) } satisfies Members<RecordPage>)

const shownBody = z.strictObject({
  hash: z.string(), contentType: z.string().optional(), text: z.string().optional().meta({ description: 'Where the bytes are UTF-8.' }), base64: z.string().optional().meta({ description: 'Where they are not.' }),
} satisfies Members<ShownBody>).meta({ id: 'Body', description: 'A masked body. Neither `text` nor `base64`: it was erased, or never kept.' })

export const recordView = z.strictObject({
  record: recordSchema, partners: records.meta({ description: 'What closes or corrects it, or what it closes itself.' }), request: shownBody.optional(), response: shownBody.optional(), segment: z.int(), line: z.int(),
} satisfies Members<RecordView>)

export const recordProof = z.strictObject({
  record: z.string(), lineHashes: z.array(z.string()), header: z.string(), batch: z.int(), path: z.array(z.string()).meta({ description: 'Siblings from the batch to the root, base64.' }), checkpoint: z.string(),
} satisfies Members<RecordProof>).meta({ description: 'Shows that the record stands in the log, and no other record\'s text.' })

const step = z.strictObject({ at: epochMs, records, request: shownBody.optional(), response: shownBody.optional() } satisfies Members<SessionStep>)
export const sessionSchema = z.strictObject({
  run: z.string(), agents: z.array(z.string()), steps: z.array(step), truncated: z.boolean().meta({ description: 'Records beyond the first 10,000 were left out.' }),
} satisfies Members<Session>)

const logProblem = z.strictObject({
  kind: z.string(), message: z.string(), segment: z.int().optional(), line: z.int().optional(), batch: z.int().optional(), writer: z.string().optional(), seq: z.int().optional(), checkpoint: z.int().optional(),
} satisfies Members<LogProblem>)
const writer = z.strictObject({ writer: z.string(), service: z.string(), bootId: z.string(), records: z.int(), status: z.enum(['open', 'closed', 'lost']) } satisfies Members<WriterReport>)
export const logReport = z.strictObject({
  ok: z.boolean(), problems: z.array(logProblem).meta({ description: 'The first 100.' }), furtherProblems: z.int(), segments: z.int(), batches: z.int(), records: z.int(), checkpoints: z.int(), root: z.string(), checkedAt: epochMs.optional(),
  uncovered: z.int().meta({ description: 'Batches that no checkpoint covers yet.' }), writers: z.array(writer),
} satisfies Members<LogReport>)

export const exportedLog = z.strictObject({ segments: z.int(), bodies: z.int(), checkpoints: z.int() } satisfies Members<ExportedLog>)
