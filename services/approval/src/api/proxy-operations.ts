/** Operations for proxies in other processes: claim, completion, receipt, delivery. Stored answers travel as frames. */
import type { Claim } from '@lockkeeper/domain/ports'
import { operation } from '@lockkeeper/service-kit/server'
import { z } from 'zod'
import { MAX_RECEIPT_BYTES } from '../receipt-box.ts'
import type { Members } from './approval-schemas.ts'

/** Prefix of all routes: what the proxies' guard has to cover. */
export const API_PATH = '/v1/service'

/** The largest answer that is kept, and the facts before it. */
const COMPLETION_BYTES = MAX_RECEIPT_BYTES + 512 * 1024

const approval = z.string().regex(/^apr_[A-Za-z0-9]{3,60}$/)
const name = z.string().min(1).max(512)
const why = z.string().max(2_000)
const status = z.int().min(100).max(599)
const headers = z.array(z.string().max(65_536)).max(1_000).meta({ description: 'Names and values in turn.' })
const attach = z.strictObject({ issuer: name, agent: name, run: name, digest: name, idempotencyKey: z.string().max(512).optional() }).meta({ description: 'Whose call it is: who repeats a call gets at its answer by it.' })
const ofAttach = z.strictObject({ approval, attach })
const outcome = z.discriminatedUnion('kind', [
  z.strictObject({ kind: z.literal('not_sent'), why }),
  z.strictObject({ kind: z.literal('unknown'), why }),
  z.strictObject({ kind: z.literal('answered'), status, delivered: z.boolean(), evidence: why.optional().meta({ description: 'Its answer was lost; by what the API told afterwards it has run.' }), answer: z.strictObject({ status, headers }).optional() }),
])
const REFUSED = ['NOT_FOUND', 'APPROVAL_PENDING', 'APPROVAL_DENIED', 'APPROVAL_EXPIRED', 'AGENT_LOCKED', 'STATE_CHANGED', 'OUTCOME_UNKNOWN'] as const
const ATTACH = { issuer: 'ci', agent: 'acme/shop', run: 'run-7', digest: 'full:2sXh0m3r' }
const common = { method: 'post', tag: 'proxies', caller: 'proxy', verdicts: true } as const

export const claimApproval = operation({
  ...common, id: 'claimApproval', path: `${API_PATH}/claims`, summary: 'Claims an approval for one run of its call.', description: 'The same `claimId` of one holder gets the same answer.',
  body: {
    schema: z.strictObject({ approval, attach, decisionHash: name, stateHash: z.string().max(4_096).optional(), holder: z.string().min(1).max(256), claimId: z.string().min(8).max(64) }),
    example: { approval: 'apr_7RkXo2m', attach: ATTACH, decisionHash: 'h1', holder: 'proxy-1', claimId: 'claim-0001' },
  },
  answer: { description: 'The right to run the call once.', schema: z.strictObject({ fence: z.string(), dialWithinMs: z.number() } satisfies Members<Claim>), example: { fence: 'apr_7RkXo2m.1', dialWithinMs: 5_000 } }, refusals: REFUSED,
})

export const completeClaim = operation({
  ...common, id: 'completeClaim', path: `${API_PATH}/completions`, summary: 'Says how a claimed call ended.',
  body: { schema: z.strictObject({ approval, fence: z.string().min(1).max(128), outcome }), bytes: COMPLETION_BYTES, as: 'frame', example: { approval: 'apr_7RkXo2m', fence: 'apr_7RkXo2m.1', outcome: { kind: 'not_sent', why: 'the dial was refused' } } },
  answer: { description: 'It is written down.' }, refusals: REFUSED,
})

export const readReceipt = operation({
  ...common, id: 'readReceipt', path: `${API_PATH}/receipts`, summary: 'Reads the stored answer of a call that was run.', body: { schema: ofAttach, example: { approval: 'apr_7RkXo2m', attach: ATTACH } },
  answer: { description: 'The answer.', schema: z.strictObject({ status, headers }), as: 'frame', example: { status: 200, headers: ['content-type', 'application/json'] } }, refusals: [...REFUSED, 'RECEIPT_GONE'],
})

export const noteDelivery = operation({
  ...common, id: 'noteDelivery', path: `${API_PATH}/deliveries`, summary: 'Says that the agent has got its answer.', body: { schema: ofAttach, example: { approval: 'apr_7RkXo2m', attach: ATTACH } }, answer: { description: 'It is written down.' },
})
