/** What the admin socket of the embedded edition answers besides the services' own operations: the gateway's state, deciding at its terminal, made-up agents. */
import { decidedSchema, reviewSchema } from '@lockkeeper/approval'
import { grantPattern } from '@lockkeeper/domain/events'
import { operation } from '@lockkeeper/service-kit/server'
import { z } from 'zod'

const id = z.strictObject({ id: z.string().min(1).max(128) })
const age = z.number().meta({ description: 'Ms since it was last known to be complete.' })

const status = z.strictObject({
  version: z.string(), mode: z.enum(['sandbox', 'real']), isolation: z.enum(['none', 'user', 'container']),
  config: z.string().meta({ description: 'Path of the configuration.' }),
  origin: z.string().meta({ description: 'Where agents reach the gateway.' }),
  doors: z.strictObject({ path: z.boolean(), domain: z.string().optional(), forward: z.boolean() }),
  authority: z.string().optional().meta({ description: 'PEM of the forward door\'s certificate authority.' }),
  policy: z.strictObject({ version: z.string().optional(), rules: z.int().optional(), problems: z.int().meta({ description: 'Of the newest set, which is not in force then.' }) }),
  proxy: z.strictObject({ held: z.int(), open: z.int(), policyAgeMs: age, locksAgeMs: age, approvalsAgeMs: age, targetsAgeMs: age }),
  files: z.strictObject({ secret: z.array(z.string()), settings: z.array(z.string()) }).meta({ description: 'Paths that agents are kept away from.' }),
}).meta({ id: 'GatewayStatus' })

export const getStatus = operation({
  id: 'getStatus', method: 'get', path: '/v1/status', tag: 'gateway', summary: 'Says how the gateway runs, and how old what it goes by is.',
  answer: { description: 'The state.', schema: status },
})

export const decideAtTerminal = operation({
  id: 'decideAtTerminal', method: 'post', path: '/v1/terminal/approvals/{id}', tag: 'terminal', summary: 'Decides a call as the person at this machine\'s terminal.',
  description: 'Signed with the terminal\'s key and checked by the approval service like any other proof. Refused at isolation level none in real mode, where an agent of the same user could send it.',
  params: id,
  body: {
    schema: z.strictObject({ verdict: z.enum(['approve', 'deny']), reason: z.string().min(1).max(2000).optional(), grant: grantPattern.optional(), breakGlass: z.literal(true).optional() }),
    example: { verdict: 'approve', reason: 'agreed in the stand-up' },
  },
  answer: { description: 'What the decision led to.', schema: decidedSchema, example: { approval: 'apr_7RkXo2m', state: 'approved', person: 'ana', approvals: 1, quorum: 1 } },
  refusals: ['NOT_FOUND', 'CALLER_REFUSED', 'TOKEN_INVALID', 'POLICY_DENIED', 'STATE_CHANGED', 'APPROVAL_UNAVAILABLE'],
})

export const closeReviewAtTerminal = operation({
  id: 'closeReviewAtTerminal', method: 'post', path: '/v1/terminal/reviews/{id}', tag: 'terminal', summary: 'Closes the review of a break-glass as the person at this machine\'s terminal.',
  params: id, body: { schema: z.strictObject({ note: z.string().min(1).max(2000) }), bytes: 16 * 1024, example: { note: 'the outage was real' } },
  answer: { description: 'The closed review.', schema: reviewSchema }, refusals: ['NOT_FOUND', 'CALLER_REFUSED', 'TOKEN_INVALID', 'POLICY_DENIED', 'APPROVAL_UNAVAILABLE'],
})

export const mintAgentToken = operation({
  id: 'mintAgentToken', method: 'post', path: '/v1/sandbox/tokens', tag: 'sandbox', summary: 'Makes a token of a made-up agent, in the sandbox alone.',
  body: {
    schema: z.strictObject({ agent: z.string().min(1).max(200), run: z.string().min(1).max(200), sponsor: z.string().max(200).optional(), ttlSeconds: z.int().min(60).max(86_400).default(3600) }), bytes: 16 * 1024,
    example: { agent: 'coder', run: 'run-7', sponsor: 'sam.sponsor@sandbox.example.com' },
  },
  answer: { description: 'The token.', schema: z.strictObject({ token: z.string() }), example: { token: 'eyJ…' } },
})

export const GATEWAY_OPERATIONS = [getStatus, decideAtTerminal, closeReviewAtTerminal] as const
export const SANDBOX_OPERATIONS = [mintAgentToken] as const
