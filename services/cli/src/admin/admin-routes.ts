/** What the admin socket answers: the services' routes, decisions at this terminal, dead letters, status. Errors: problem+json (RFC 9457). */
import express, { type Request, type Response, type Router } from 'express'
import { grantPattern } from '@lockkeeper/domain/events'
import type { IsolationLevel } from '@lockkeeper/domain'
import { deadLetterRoutes } from '@lockkeeper/service-kit/server'
import { z } from 'zod'
import { CommandFailed } from '../command-failed.ts'
import { closeReviewAtTerminal, submitAtTerminal } from '../gateway/decide-at-terminal.ts'
import { gatewayFiles } from '../gateway/isolation.ts'
import type { LoadedConfig } from '../gateway/load-config.ts'
import type { Sandbox } from '../gateway/sandbox.ts'
import type { Gateway } from '../gateway/wire.ts'
import { VERSION } from '../version.ts'

const verdict = z.strictObject({ verdict: z.enum(['approve', 'deny']), reason: z.string().min(1).max(2000).optional(), grant: grantPattern.optional(), breakGlass: z.literal(true).optional() })
const closing = z.strictObject({ note: z.string().min(1).max(2000) })
const agentToken = z.strictObject({ agent: z.string().min(1).max(200), run: z.string().min(1).max(200), sponsor: z.string().max(200).optional(), ttlSeconds: z.number().int().min(60).max(86_400).default(3600) })

export function adminRoutes(gateway: Gateway, loaded: LoadedConfig, isolation: IsolationLevel): readonly Router[] {
  return [ownRoutes(gateway, loaded, isolation), deadLetterRoutes(gateway.events), gateway.approval.routes, gateway.audit.routes, gateway.policy.routes, ...gateway.notifier === undefined ? [] : [gateway.notifier.routes]]
}

function ownRoutes(gateway: Gateway, loaded: LoadedConfig, isolation: IsolationLevel): Router {
  const { config, file } = loaded
  const router = express.Router()
  router.get('/v1/status', (_request, response) => {
    const { pointer, problems } = gateway.policy.status()
    response.json({
      version: VERSION, mode: config.mode, isolation, config: file, origin: gateway.origin, doors: { path: config.doors.path, domain: config.doors.domain, forward: gateway.authority !== undefined },
      ...(gateway.authority === undefined ? {} : { authority: gateway.authority }),
      policy: { version: pointer?.version, rules: pointer?.rules, problems: problems.length }, proxy: gateway.proxy.status(),
      // Paths alone: what `lockkeeper run` keeps agents away from.
      files: gatewayFiles(loaded),
    })
  })
  const personHere = (): string => {
    const person = config.terminal?.person
    if (person === undefined) throw new CommandFailed('the configuration names no person for this terminal (terminal.person), so nobody can decide here')
    // At level none an agent of the same user could send this request itself (invariant 7).
    if (isolation === 'none' && config.mode === 'real') throw new CommandFailed('at isolation level none an agent could do this too: press the key in the terminal of `lockkeeper up` instead')
    return person
  }
  router.post('/v1/terminal/approvals/:id', express.json({ limit: '64kb' }), answer(async (request, response) => {
    const person = personHere()
    const { reason, ...decision } = verdict.parse(request.body)
    // Break-glass takes a reason of its own, never one that we make up.
    const why = reason ?? (decision.breakGlass === true ? undefined : `admin socket, for ${person}`)
    response.json(await submitAtTerminal(gateway, person, String(request.params['id']), { ...decision, ...why === undefined ? {} : { reason: why } }))
  }))
  router.post('/v1/terminal/reviews/:id', express.json({ limit: '16kb' }), answer(async (request, response) => {
    response.json(await closeReviewAtTerminal(gateway, personHere(), String(request.params['id']), closing.parse(request.body).note))
  }))
  return router
}

/** Tokens of agents that exist only in the sandbox. */
export function sandboxRoutes({ idp }: Sandbox): Router {
  const router = express.Router()
  router.post('/v1/sandbox/tokens', express.json({ limit: '16kb' }), answer(async (request, response) => {
    const { sponsor, ...wanted } = agentToken.parse(request.body)
    response.json({ token: await idp.mintAgentToken({ ...wanted, ...(sponsor === undefined ? {} : { sponsor }) }) })
  }))
  return router
}

function answer(handle: (request: Request, response: Response) => Promise<void>) {
  return (request: Request, response: Response, next: (error: unknown) => void): void => {
    handle(request, response).catch((error: unknown) => {
      if (error instanceof z.ZodError) problem(response, 400, error.issues.map(({ path, message }) => `${path.join('.')}: ${message}`).join('; '))
      else if (error instanceof CommandFailed) problem(response, 409, error.message)
      else next(error)
    })
  }
}

function problem(response: Response, status: number, detail: string): void {
  response.status(status).type('application/problem+json').send(JSON.stringify({ type: 'about:blank', title: 'Refused', status, detail }))
}
