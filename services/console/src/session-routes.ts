/** Where a person is signed in, and the end of it: here, everywhere, and for somebody else where an operator says so. */
import { refuse } from '@lockkeeper/domain/errors'
import type { Log } from '@lockkeeper/service-kit'
import { sendProblem } from '@lockkeeper/service-kit/server'
import type { Router } from 'express'
import { z } from 'zod'
import { answer } from './answers.ts'
import { signedInOf, type People } from './api-session.ts'
import type { SignIns } from './api-types.ts'
import type { Cookies } from './cookies.ts'
import type { Sessions } from './sessions.ts'

export const signingOut = z.strictObject({ person: z.string().min(1).max(128).optional() })

export interface SessionRouteParts {
  readonly sessions: Sessions
  readonly cookies: Cookies
  readonly people: People
  readonly log: Log
}

export function addSessionRoutes(router: Router, { sessions, cookies, people, log }: SessionRouteParts): void {
  router.post('/api/sign-out', answer(async (request, response) => {
    cookies.clear(response)
    await sessions.end(signedInOf(request).id)
    response.json({})
  }))

  router.get('/api/sign-ins', answer(async (request, response) => {
    const { id, person } = signedInOf(request)
    response.json({ signIns: await sessions.ofPerson(person.id, id) } satisfies SignIns)
  }))

  router.post('/api/sign-ins/end', answer(async (request, response) => {
    const { person, operator } = signedInOf(request)
    const named = signingOut.parse(request.body).person ?? person.id
    if (named !== person.id && !operator) return sendProblem(response, refuse('CALLER_REFUSED', 'Only operators may sign others out; your person is in none of their groups.'))
    const whose = people.byId(named)
    if (whose === undefined) return sendProblem(response, refuse('NOT_FOUND', 'There is no such person here.'))
    const ended = await sessions.endAll(whose.id)
    log.info({ person: whose.id, by: person.id, ended }, 'a person was signed out everywhere')
    if (whose.id === person.id) cookies.clear(response)
    response.json({ ended })
  }))
}
