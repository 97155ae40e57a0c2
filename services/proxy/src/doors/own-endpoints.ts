/** What the agent port answers itself: the token endpoint that unmodified client libraries ask, and health. */
import type { IncomingMessage, ServerResponse } from 'node:http'
import { exchangeToken, introspect, type TokenVerifier } from '@lockkeeper/auth'
import type { Clock } from '@lockkeeper/domain'
import { isRefusal, refuse } from '@lockkeeper/domain/errors'
import { collectBody } from '../body/collect-body.ts'
import { sendRefusal } from '../send-refusal.ts'

const MAX_FORM_BYTES = 32 * 1024

export interface OwnEndpoints {
  readonly verifier: TokenVerifier
  readonly clock: Clock
  readonly ready: () => boolean
}

export async function answerOwn(path: string, request: IncomingMessage, response: ServerResponse, { verifier, clock, ready }: OwnEndpoints): Promise<void> {
  if (request.method === 'POST' && (path === '/v1/token' || path === '/v1/introspect')) {
    const form = await collectBody(request, response, MAX_FORM_BYTES)
    if (isRefusal(form)) return sendRefusal(request, response, form)
    const text = Buffer.from(form).toString('utf8')
    const answer = path === '/v1/token' ? await exchangeToken(verifier, text, clock) : await introspect(verifier, text)
    return sendJson(response, answer.status, answer.body, answer.headers)
  }
  if (request.method === 'GET' && path === '/healthz') return sendJson(response, 200, { status: 'alive' })
  if (request.method === 'GET' && path === '/readyz') return ready() ? sendJson(response, 200, { status: 'ready' }) : sendJson(response, 503, { status: 'not ready' })
  sendRefusal(request, response, refuse('NOT_FOUND', `${path} does not take ${(request.method ?? '').slice(0, 16)}.`))
}

function sendJson(response: ServerResponse, status: number, body: unknown, headers: Readonly<Record<string, string>> = { 'content-type': 'application/json; charset=UTF-8', 'cache-control': 'no-store' }): void {
  const bytes = Buffer.from(JSON.stringify(body))
  response.writeHead(status, { ...headers, 'content-length': bytes.length })
  response.end(bytes)
}
