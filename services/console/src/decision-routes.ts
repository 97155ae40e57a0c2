/** Deciding: a challenge first, then what the person proves with it. The console makes no proof itself (invariant 7). */
import { refuse } from '@lockkeeper/domain/errors'
import { grantPattern, passkeyAssertion } from '@lockkeeper/domain/events'
import { sendProblem } from '@lockkeeper/service-kit/server'
import type { Request, Response, Router } from 'express'
import { z } from 'zod'
import { give, answer } from './answers.ts'
import { signedInOf } from './api-session.ts'
import type { ApprovalDetail, Challenge } from './api-types.ts'
import { confirmWord } from './confirm-word.ts'
import type { IdentityRounds } from './identity-rounds.ts'
import type { ServiceApi } from './service-api.ts'

const said = z.strictObject({ verdict: z.enum(['approve', 'deny']), reason: z.string().trim().min(1).max(2000).optional(), grant: grantPattern.optional(), breakGlass: z.literal(true).optional() })
const digest = z.string().min(1).max(256)
export const asking = z.strictObject({ said, digest, confirm: z.string().max(1024).optional() })
export const deciding = asking.extend({ at: z.int(), assertion: passkeyAssertion })
const note = z.string().trim().min(1).max(2000)
export const reviewing = z.strictObject({ note })
export const closing = reviewing.extend({ at: z.int(), assertion: passkeyAssertion })

interface ProofNeeds { readonly digest: string, readonly nonce: string, readonly passkey: { readonly challenge: string, readonly at: number } }

export interface DecisionParts {
  readonly approval: ServiceApi
  readonly decideBy: 'passkey' | 'idToken'
  readonly rpId: () => string
  readonly rounds: IdentityRounds
}

export function addDecisionRoutes(router: Router, parts: DecisionParts): void {
  const { approval, decideBy } = parts
  const idOf = (request: Request): string => encodeURIComponent(String(request.params['id']))

  router.post('/api/approvals/:id/challenge', answer(async (request, response) => {
    const body = asking.parse(request.body)
    if (!await mayAsk(approval, idOf(request), body, response)) return
    const needs = await approval.call({ method: 'POST', path: `/v1/approvals/${idOf(request)}/challenge`, body: body.said })
    if (needs.status >= 400) return give(response, needs)
    if ((needs.body as ProofNeeds).digest !== body.digest) return sendProblem(response, refuse('STATE_CHANGED', 'The call is not the one that the page shows. Reload the card.'))
    await challenge(parts, request, response, needs.body as ProofNeeds, { kind: 'decision', approval: String(request.params['id']), digest: body.digest, said: body.said })
  }))

  router.post('/api/approvals/:id/decisions', answer(async (request, response) => {
    if (decideBy !== 'passkey') return sendProblem(response, refuse('REQUEST_INVALID', 'Decisions are proved by the identity provider here.'))
    const { said: decision, at, assertion, ...body } = deciding.parse(request.body)
    if (!await mayAsk(approval, idOf(request), { said: decision, ...body }, response)) return
    give(response, await approval.call({ method: 'POST', path: `/v1/approvals/${idOf(request)}/decisions`, body: { ...decision, digest: body.digest, proof: { kind: 'passkey', at, assertion } } }))
  }))

  router.post('/api/reviews/:id/challenge', answer(async (request, response) => {
    const body = reviewing.parse(request.body)
    const needs = await approval.call({ method: 'POST', path: `/v1/reviews/${idOf(request)}/challenge`, body })
    if (needs.status >= 400) return give(response, needs)
    await challenge(parts, request, response, needs.body as ProofNeeds, { kind: 'review', review: String(request.params['id']), note: body.note })
  }))

  router.post('/api/reviews/:id/close', answer(async (request, response) => {
    if (decideBy !== 'passkey') return sendProblem(response, refuse('REQUEST_INVALID', 'Reviews are closed by the identity provider here.'))
    const { note: text, at, assertion } = closing.parse(request.body)
    give(response, await approval.call({ method: 'POST', path: `/v1/reviews/${idOf(request)}/close`, body: { note: text, proof: { kind: 'passkey', at, assertion } } }))
  }))
}

/** Before a call of class critical is approved its place is typed: a click by habit does not get here. */
async function mayAsk(approval: ServiceApi, id: string, { said: { verdict }, confirm }: z.output<typeof asking>, response: Response): Promise<boolean> {
  if (verdict === 'deny') return true
  const detail = await approval.call({ method: 'GET', path: `/v1/approvals/${id}` })
  if (detail.status >= 400) {
    give(response, detail)
    return false
  }
  const { card, approval: shown } = detail.body as ApprovalDetail
  if (card?.risk !== 'critical' || confirm === confirmWord(shown)) return true
  sendProblem(response, refuse('REQUEST_INVALID', 'The call is of class critical: type the last part of its resource to approve it.'))
  return false
}

async function challenge({ decideBy, rpId, rounds }: DecisionParts, request: Request, response: Response, { nonce, passkey }: ProofNeeds, purpose: Parameters<IdentityRounds['prove']>[2]): Promise<void> {
  if (decideBy === 'passkey') return void response.json({ kind: 'passkey', ...passkey, rpId: rpId() } satisfies Challenge)
  await rounds.prove({ request, response, person: signedInOf(request).person.id }, nonce, purpose)
}
