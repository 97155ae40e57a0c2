/** Operations about requests for approval. */
import { EVENT_DATA } from '@lockkeeper/domain/events'
import { operation } from '@lockkeeper/service-kit/server'
import { z } from 'zod'
import { approvalDetail, approvalPage, approvalSchema, challengeSchema, decidedSchema, waitingPage } from './approval-schemas.ts'
import { by, byId, page, reason, stateName } from './names.ts'

const DIGEST = 'full:2sXh0m3rJ4Yw6kq1cB8uVt5ZpLd7Nf9aGeRiKoTxQyE'
const { verdict, reason: why, grant, breakGlass, proof, digest } = EVENT_DATA['decision.submitted'].shape
const said = { verdict, reason: why, grant: grant.meta({ description: 'Approves calls like this one too.' }), breakGlass: breakGlass.meta({ description: 'Approves at once and alone, where the rule names the person for it.' }) }
const what = z.string().max(512).optional()

export const listApprovals = operation({
  id: 'listApprovals', method: 'get', path: '/v1/approvals', tag: 'approvals', summary: 'Lists requests for approval, newest first.',
  description: 'With `agent` or `run` a page may hold fewer than `limit`; go on while there is a cursor.',
  query: z.strictObject({ state: stateName.optional(), agent: what, run: what, ...page }),
  answer: { description: 'A page of requests.', schema: approvalPage, example: { mode: 'real', approvals: [] } },
})

export const listWaiting = operation({
  id: 'listWaiting', method: 'get', path: '/v1/waiting', tag: 'approvals', summary: 'Lists what waits, with whom it waits for.',
  query: z.strictObject(page), answer: { description: 'A page of calls that wait, newest first.', schema: waitingPage, example: { mode: 'real', waiting: [] } },
})

export const showApproval = operation({
  id: 'showApproval', method: 'get', path: '/v1/approvals/{id}', tag: 'approvals', summary: 'Shows one request with its card, its votes and what can be said about it.', params: byId,
  answer: { description: 'The request.', schema: approvalDetail, text: 'The card as lines of plain text.' }, refusals: ['NOT_FOUND'],
})

export const decideApproval = operation({
  id: 'decideApproval', method: 'post', path: '/v1/approvals/{id}/decisions', tag: 'approvals', summary: 'Approves or denies, with a proof of the person who decides.',
  description: 'The proof covers digest, verdict, reason, pattern and break-glass, and is checked by this service alone. Ask for the challenge first. The path names the approval, whatever the body says.',
  params: byId,
  body: {
    schema: z.strictObject({ approval: z.string().max(256).optional(), digest, ...said, proof }), bytes: 256 * 1024,
    example: { digest: DIGEST, verdict: 'approve', reason: 'seen with the team', proof: { kind: 'idToken', token: 'HEADER.PAYLOAD.SIGNATURE' } },
  },
  answer: { description: 'What the decision led to.', schema: decidedSchema, example: { approval: 'apr_7RkXo2m', state: 'approved', person: 'ana', approvals: 1, quorum: 1 } },
  refusals: ['NOT_FOUND', 'TOKEN_INVALID', 'POLICY_DENIED', 'STATE_CHANGED', 'AGENT_LOCKED', 'APPROVAL_EXPIRED', 'ISSUER_UNAVAILABLE', 'CREDENTIAL_UNAVAILABLE'],
})

export const challengeDecision = operation({
  id: 'challengeDecision', method: 'post', path: '/v1/approvals/{id}/challenge', tag: 'approvals', summary: 'Says what a proof of exactly this decision has to carry.', params: byId,
  body: { schema: z.strictObject(said), example: { verdict: 'deny', reason: 'not today' } },
  answer: { description: 'The challenges.', schema: challengeSchema }, refusals: ['NOT_FOUND'],
})

export const revokeApproval = operation({
  id: 'revokeApproval', method: 'post', path: '/v1/approvals/{id}/revoke', tag: 'approvals', summary: 'Ends a request or an approval that was not used; takes back the receipt of one that was.',
  description: 'What was given with the approval goes with it. Refused while the call is being run.', params: byId,
  body: { schema: z.strictObject({ by, reason }), example: { by: 'ana', reason: 'the run was stopped' } },
  answer: { description: 'The request as it is now.', schema: approvalSchema }, refusals: ['NOT_FOUND', 'STATE_CHANGED'],
})
