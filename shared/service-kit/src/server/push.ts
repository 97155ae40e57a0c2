/** Pub/Sub's push endpoints: for each subscription one path, one audience, one account. Never a push without a token. */
import { createServiceVerifier, type ServiceVerifier } from '@lockkeeper/auth'
import type { Clock, Mode } from '@lockkeeper/domain'
import { isRefusal, refuse, type Refusal } from '@lockkeeper/domain/errors'
import express, { type RequestHandler } from 'express'
import type { PusherSetting } from './cloud-schema.ts'
import { onlyFor } from './callers.ts'
import { rawBody } from './request-body.ts'
import type { Mount } from './service-server.ts'

/** Bytes of a pushed message: Pub/Sub's 10 MB in base64, with its envelope. */
export const PUSH_BYTES = 16 * 1024 * 1024

const PATH = '/push'

export interface PushEndpoint { readonly id: string, readonly pushPath?: string }

export interface Pushers {
  /** Whether the token is the pusher's, for that subscription's endpoint. */
  verify(token: string, subscription: { readonly id: string }): Promise<true | Refusal>
  /** The endpoints; `receive` gets what came with the right token only. */
  mount(receive: (id: string, request: { readonly authorization?: string, readonly body: Uint8Array }) => Promise<{ readonly status: number }>): Mount
}

export function createPushers({ issuers, origin, account }: PusherSetting, endpoints: readonly PushEndpoint[], { clock, mode }: { readonly clock: Clock, readonly mode: Mode }): Pushers {
  const verifiers = new Map<string, ServiceVerifier>(endpoints.map(({ id, pushPath = `${PATH}/${id}` }) => [id, createServiceVerifier({ issuers, audience: origin + pushPath, allowed: [account], clock, mode })]))
  const verifierOf = (id: string): ServiceVerifier | undefined => verifiers.get(id)
  return {
    async verify(token, { id }) {
      const caller = await verifierOf(id)?.verify(`Bearer ${token}`) ?? refuse('NOT_FOUND', 'There is no such endpoint.')
      return isRefusal(caller) ? caller : true
    },
    mount(receive) {
      const router = express.Router({ caseSensitive: true })
      router.post(`${PATH}/:id`, rawBody(PUSH_BYTES), async (request, response) => {
        const { authorization } = request.headers
        const body: unknown = request.body
        const { status } = await receive(String(request.params['id']), { body: Buffer.isBuffer(body) ? body : Buffer.alloc(0), ...authorization === undefined ? {} : { authorization } })
        response.status(status).end()
      })
      return { paths: [PATH], guard: pusherGuard(verifierOf), router }
    },
  }
}

/** Before a byte of the body is read: 16 MiB are not for everybody. */
function pusherGuard(verifierOf: (id: string) => ServiceVerifier | undefined): RequestHandler {
  return (request, response, next) => {
    const verifier = verifierOf(request.path.slice(PATH.length + 1))
    return onlyFor((authorization) => verifier?.verify(authorization) ?? Promise.resolve(refuse('NOT_FOUND', 'There is no such endpoint.')))(request, response, next)
  }
}
