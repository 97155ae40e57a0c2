/** What the admin socket answers: the services' routes, decisions at this terminal, dead letters, status. Errors: problem+json (RFC 9457). */
import express, { type Router } from 'express'
import { isRefusal, refuse, type Refusal } from '@lockkeeper/domain/errors'
import type { IsolationLevel } from '@lockkeeper/domain'
import { deadLetterRoutes, serve } from '@lockkeeper/service-kit/server'
import { closeReview, submitAtTerminal } from '../gateway/decide-at-terminal.ts'
import { gatewayFiles } from '../gateway/isolation.ts'
import type { LoadedConfig } from '../gateway/load-config.ts'
import type { Sandbox } from '../gateway/sandbox.ts'
import type { Gateway } from '../gateway/wire.ts'
import { VERSION } from '../version.ts'
import { closeReviewAtTerminal, decideAtTerminal, getStatus, mintAgentToken } from './admin-operations.ts'

export function adminRoutes(gateway: Gateway, loaded: LoadedConfig, isolation: IsolationLevel): readonly Router[] {
  return [ownRoutes(gateway, loaded, isolation), deadLetterRoutes(gateway.events), gateway.approval.routes, gateway.audit.routes, gateway.policy.routes, ...gateway.notifier === undefined ? [] : [gateway.notifier.routes]]
}

/** Of the embedded edition alone; asked for nothing before a request comes. */
export function ownRoutes(gateway: Gateway, loaded: LoadedConfig, isolation: IsolationLevel): Router {
  const router = express.Router()
  serve(router, getStatus, () => {
    const { config, file } = loaded
    const { pointer, problems } = gateway.policy.status()
    return {
      version: VERSION, mode: config.mode, isolation, config: file, origin: gateway.origin, doors: { path: config.doors.path, domain: config.doors.domain, forward: gateway.authority !== undefined },
      ...(gateway.authority === undefined ? {} : { authority: gateway.authority }),
      policy: { version: pointer?.version, rules: pointer?.rules, problems: problems.length }, proxy: gateway.proxy.status(),
      // Paths alone: what `lockkeeper run` keeps agents away from.
      files: gatewayFiles(loaded),
    }
  })
  const personHere = (): string | Refusal => {
    const { config } = loaded
    const person = config.terminal?.person
    if (person === undefined) return refuse('CALLER_REFUSED', 'The configuration names no person for this terminal (terminal.person), so nobody can decide here.')
    // At level none an agent of the same user could send this request itself (invariant 7).
    return isolation === 'none' && config.mode === 'real' ? refuse('CALLER_REFUSED', 'At isolation level none an agent could do this too: press the key in the terminal of `lockkeeper up` instead.') : person
  }
  serve(router, decideAtTerminal, async ({ params, body: { reason, ...decision } }) => {
    const person = personHere()
    if (isRefusal(person)) return person
    // Break-glass takes a reason of its own, never one that we make up.
    const why = reason ?? (decision.breakGlass === true ? undefined : `admin socket, for ${person}`)
    return submitAtTerminal(gateway, person, params.id, { ...decision, ...why === undefined ? {} : { reason: why } })
  })
  serve(router, closeReviewAtTerminal, ({ params, body: { note } }) => {
    const person = personHere()
    return isRefusal(person) ? person : closeReview(gateway, person, params.id, note)
  })
  return router
}

/** Tokens of agents that exist only in the sandbox. */
export function sandboxRoutes(sandbox: Sandbox): Router {
  const router = express.Router()
  serve(router, mintAgentToken, async ({ body: { sponsor, ...wanted } }) => ({ token: await sandbox.idp.mintAgentToken({ ...wanted, ...(sponsor === undefined ? {} : { sponsor }) }) }))
  return router
}
