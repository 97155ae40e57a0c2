/** `/v1/waiting`, `/v1/passkeys` and the challenges of decisions: what the console asks beyond what operators' commands do. */
import { isRefusal } from '@lockkeeper/domain/errors'
import { EVENT_DATA } from '@lockkeeper/domain/events'
import type { Router } from 'express'
import { z } from 'zod'
import type { ApprovalAdmin } from './admin.ts'
import { codeChallenge, decisionChallenge, signInChallenge } from './passkey-proof.ts'
import type { Passkeys } from './passkeys.ts'
import { malformed, send } from './problem-answers.ts'
import { idTokenNonce, type Decision } from './proof.ts'
import { closingDecision } from './reviews.ts'

const waitingQuery = z.strictObject({ limit: z.coerce.number().int().min(1).max(200).optional(), cursor: z.string().max(2048).optional() })
const { verdict, reason, grant, breakGlass } = EVENT_DATA['decision.submitted'].shape
const said = z.strictObject({ verdict, reason, grant, breakGlass })
const closing = z.strictObject({ note: z.string().trim().min(1).max(2000) })
const challengeFor = z.discriminatedUnion('purpose', [
  z.strictObject({ purpose: z.literal('sign-in'), nonce: z.string().min(20).max(64) }),
  z.strictObject({ purpose: z.literal('code'), person: z.string().min(1).max(64) }),
])
const personQuery = z.strictObject({ person: z.string().min(1).max(64) })

/** What a proof of exactly this decision has to carry. */
export interface DecisionChallenge {
  readonly digest: string
  /** `nonce` of an ID token. */
  readonly nonce: string
  /** Challenge of a passkey, and the time that it covers. */
  readonly passkey: { readonly challenge: string, readonly at: number }
}

export const CONSOLE_PATHS = ['/v1/waiting', '/v1/passkeys'] as const

export function addConsoleRoutes(router: Router, admin: ApprovalAdmin, passkeys: Passkeys, now: () => number): void {
  router.get('/v1/waiting', async (request, response) => {
    const filter = waitingQuery.safeParse(request.query)
    if (!filter.success) return malformed(response, filter.error)
    send(response, await admin.waiting(filter.data as Parameters<ApprovalAdmin['waiting']>[0]))
  })
  router.post('/v1/approvals/:id/challenge', async (request, response) => {
    const body = said.safeParse(request.body)
    if (!body.success) return malformed(response, body.error)
    const detail = await admin.show(request.params.id)
    if (isRefusal(detail)) return send(response, detail)
    send(response, challengeOf({ ...body.data as Decision, approval: detail.approval.id, digest: detail.approval.digest }, now()))
  })
  router.post('/v1/reviews/:id/challenge', (request, response) => {
    const body = closing.safeParse(request.body)
    if (!body.success) return malformed(response, body.error)
    send(response, challengeOf(closingDecision(request.params.id, body.data.note), now()))
  })
  router.get('/v1/passkeys', async (request, response) => {
    const query = personQuery.safeParse(request.query)
    if (!query.success) return malformed(response, query.error)
    send(response, { passkeys: await passkeys.listPasskeys(query.data.person) })
  })
  router.post('/v1/passkeys/challenges', (request, response) => {
    const body = challengeFor.safeParse(request.body)
    if (!body.success) return malformed(response, body.error)
    const at = now()
    send(response, { at, challenge: body.data.purpose === 'code' ? codeChallenge(body.data.person, at) : signInChallenge(body.data.nonce, at) })
  })
  router.post('/v1/passkeys/registrations', async (request, response) => send(response, await passkeys.beginRegistration(request.body)))
  router.post('/v1/passkeys', async (request, response) => send(response, await passkeys.finishRegistration(request.body)))
  router.post('/v1/passkeys/sign-ins', async (request, response) => send(response, await passkeys.signIn(request.body)))
  router.post('/v1/passkeys/codes', async (request, response) => send(response, await passkeys.codeByPasskey(request.body)))
  router.post('/v1/passkeys/:id/remove', async (request, response) => {
    const body = personQuery.safeParse(request.body)
    if (!body.success) return malformed(response, body.error)
    send(response, await passkeys.removePasskey({ id: request.params.id, person: body.data.person }))
  })
}

function challengeOf(decision: Parameters<typeof decisionChallenge>[0] | Omit<Parameters<typeof decisionChallenge>[0], 'at'>, at: number): DecisionChallenge {
  return { digest: decision.digest, nonce: idTokenNonce(decision), passkey: { challenge: decisionChallenge({ ...decision, at }), at } }
}
