/** Operations of the audit service. */
import { isAbsolute } from 'node:path'
import { operation } from '@lockkeeper/service-kit/server'
import { z } from 'zod'
import { recordFilter } from '../record-filter.ts'
import { exportedLog, logReport, recordPage, recordProof, recordSchema, recordView, sessionSchema } from './audit-schemas.ts'

const time = z.string().max(64).transform((text, context) => {
  const at = /^\d+$/.test(text) ? Number(text) : Date.parse(text)
  if (Number.isFinite(at)) return at
  context.addIssue({ code: 'custom', message: 'must be epoch ms or RFC 3339' })
  return z.NEVER
}).optional().meta({ description: 'Epoch ms or RFC 3339, inclusive.', examples: ['2026-11-24T00:00:00Z'] })
const flag = z.enum(['true', 'false']).transform((text) => text === 'true')
const filter = { ...recordFilter.shape, from: time, to: time }
const byId = z.strictObject({ id: z.string().min(1).max(512).meta({ description: 'Id of a record, or the name that its call has upstream.', examples: ['rec_kQ3v.17'] }) })

export const searchRecords = operation({
  id: 'searchRecords', method: 'get', path: '/v1/audit/records', tag: 'records', summary: 'Searches records, newest first. Every given field must fit.',
  query: z.strictObject({ ...filter, limit: z.coerce.number().int().min(1).max(1_000).default(100), cursor: z.string().max(64).optional().meta({ description: 'As the page before gave it.' }) }),
  answer: { description: 'A page of records.', schema: recordPage, example: { records: [] } },
})

export const showRecord = operation({
  id: 'showRecord', method: 'get', path: '/v1/audit/records/{id}', tag: 'records', summary: 'Shows one record with what belongs to it and the masked bodies.', params: byId, answer: { description: 'The record.', schema: recordView }, refusals: ['NOT_FOUND'],
})

export const proveRecord = operation({
  id: 'proveRecord', method: 'get', path: '/v1/audit/records/{id}/proof', tag: 'records', summary: 'Proves that one record stands in the log, to be checked anywhere with the log\'s public key.', params: byId,
  answer: { description: 'The proof.', schema: recordProof }, refusals: ['NOT_FOUND'],
})

export const showSession = operation({
  id: 'showSession', method: 'get', path: '/v1/audit/sessions/{run}', tag: 'records', summary: 'Tells one run step by step.', params: z.strictObject({ run: z.string().min(1).max(1_000) }),
  query: z.strictObject({ agent: z.string().max(1_000).optional().meta({ description: 'Records of this agent only.' }), bodies: flag.default(false).meta({ description: 'The masked bodies too, about 8 MiB in all.' }) }),
  answer: { description: 'The run. One that nobody used has no steps.', schema: sessionSchema, example: { run: 'run-7', agents: [], steps: [], truncated: false } },
})

export const tailRecords = operation({
  id: 'tailRecords', method: 'get', path: '/v1/audit/tail', tag: 'records', summary: 'Streams records, oldest first.',
  query: z.strictObject({ ...filter, limit: z.coerce.number().int().min(0).max(1_000).default(20).meta({ description: 'How many of those that are there already.' }), follow: flag.default(false).meta({ description: 'Go on with what comes.' }) }),
  answer: { description: 'The records.', schema: recordSchema, as: 'lines' },
})

export const verifyLog = operation({
  id: 'verifyLog', method: 'get', path: '/v1/audit/verify', tag: 'log', summary: 'Checks the whole log as the offline verifier does.', answer: { description: 'What was found.', schema: logReport },
})

export const showCheckpoint = operation({
  id: 'showCheckpoint', method: 'get', path: '/v1/audit/checkpoint', tag: 'log', summary: 'Answers the newest signed checkpoint, worth keeping somewhere else.', answer: { description: 'A signed note.', schema: z.string(), as: 'text' }, refusals: ['NOT_FOUND'],
})

export const exportLog = operation({
  id: 'exportLog', method: 'post', path: '/v1/audit/export', tag: 'log', summary: 'Writes the log into an empty directory of the gateway\'s own machine.', description: 'On the admin socket of the embedded edition only: who reaches it may write there.',
  body: { schema: z.strictObject({ directory: z.string().min(1).max(4_096).refine((path) => isAbsolute(path), 'must be an absolute path') }), bytes: 16 * 1024, example: { directory: '/var/tmp/log' } },
  answer: { description: 'What was written.', schema: exportedLog, example: { segments: 12, bodies: 40, checkpoints: 3 } },
})

export const AUDIT_OPERATIONS = [searchRecords, showRecord, proveRecord, showSession, tailRecords, verifyLog, showCheckpoint, exportLog] as const
