/** `/v1/waiting`, `/v1/passkeys` and the challenges of decisions: what the console asks beyond what operators' commands do. */
import { isRefusal } from '@lockkeeper/domain/errors'
import { serve } from '@lockkeeper/service-kit/server'
import type { Router } from 'express'
import type { ApprovalAdmin } from './admin.ts'
import { challengeDecision, listWaiting } from './api/approval-operations.ts'
import { challengeReview } from './api/grant-operations.ts'
import { beginRegistration, challengePasskey, codeByPasskey, finishRegistration, listPasskeys, removePasskey, signIn } from './api/passkey-operations.ts'
import { challengeOf } from './decision-challenge.ts'
import { codeChallenge, signInChallenge } from './passkey-proof.ts'
import type { Passkeys } from './passkeys.ts'
import { closingDecision } from './reviews.ts'

export const CONSOLE_PATHS = ['/v1/waiting', '/v1/passkeys'] as const

export function addConsoleRoutes(router: Router, admin: ApprovalAdmin, passkeys: Passkeys, now: () => number): void {
  serve(router, listWaiting, ({ query }) => admin.waiting(query))
  serve(router, challengeDecision, async ({ params, body }) => {
    const detail = await admin.show(params.id)
    return isRefusal(detail) ? detail : challengeOf({ ...body, approval: detail.approval.id, digest: detail.approval.digest }, now())
  })
  serve(router, challengeReview, ({ params, body }) => challengeOf(closingDecision(params.id, body.note), now()))
  serve(router, listPasskeys, async ({ query }) => ({ passkeys: await passkeys.listPasskeys(query.person) }))
  serve(router, challengePasskey, ({ body }) => {
    const at = now()
    return { at, challenge: body.purpose === 'code' ? codeChallenge(body.person, at) : signInChallenge(body.nonce, at) }
  })
  serve(router, beginRegistration, ({ body }) => passkeys.beginRegistration(body))
  serve(router, finishRegistration, ({ body }) => passkeys.finishRegistration(body))
  serve(router, signIn, ({ body }) => passkeys.signIn(body))
  serve(router, codeByPasskey, ({ body }) => passkeys.codeByPasskey(body))
  serve(router, removePasskey, ({ params, body }) => passkeys.removePasskey({ id: params.id, person: body.person }))
}
