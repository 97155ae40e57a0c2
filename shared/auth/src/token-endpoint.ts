/**
 * The token endpoint that `external_account` credential files use (RFC 8693) and its companion (RFC 7662), as pure logic.
 * The agent gets back the token that it sent: the gateway issues none, so there is nothing that could be stolen from it.
 */
import type { Clock } from '@lockkeeper/domain'
import { isRefusal, type Refusal } from '@lockkeeper/domain/errors'
import type { TokenVerifier } from './verifier.ts'

const MAX_FORM_BYTES = 32 * 1024
const TOKEN_EXCHANGE = 'urn:ietf:params:oauth:grant-type:token-exchange'
const TOKEN_TYPE = 'urn:ietf:params:oauth:token-type:'
const SUBJECT_TYPES = new Set(['jwt', 'id_token', 'access_token'].map((name) => TOKEN_TYPE + name))
const REQUESTED_TYPES = new Set(['access_token', 'jwt'].map((name) => TOKEN_TYPE + name))

const WHITE: ReadonlySet<string> = new Set([' ', '\t', '\n', '\f', '\r'])

/** JSON answer of either endpoint; it must be sent with `Cache-Control: no-store`. */
export interface TokenEndpointAnswer {
  readonly status: number
  readonly headers: Readonly<Record<string, string>>
  readonly body: Readonly<Record<string, unknown>>
}

function answer(status: number, body: TokenEndpointAnswer['body']): TokenEndpointAnswer {
  return { status, headers: { 'content-type': 'application/json', 'cache-control': 'no-store', pragma: 'no-cache' }, body }
}

/** RFC 6749 section 5.2. The description may hold no quotes, backslashes or text beyond ASCII. */
function fault(status: number, error: string, description: string): TokenEndpointAnswer {
  return answer(status, { error, error_description: description.replaceAll(/["`\\]/g, '\'').replaceAll(/[^\x20-\x7e]/g, ' ') })
}

/** An invalid subject token is `invalid_request` (RFC 8693 section 2.2.2). */
function refusedToken(refusal: Refusal): TokenEndpointAnswer {
  return refusal.reason === 'ISSUER_UNAVAILABLE'
    ? fault(503, 'temporarily_unavailable', `Lockkeeper: ${refusal.message}`)
    : fault(400, 'invalid_request', `Lockkeeper: ${refusal.message}`)
}

/** The parameters, each at most once (RFC 6749 section 3.2). */
function readForm(form: string): ReadonlyMap<string, string> | TokenEndpointAnswer {
  if (Buffer.byteLength(form) > MAX_FORM_BYTES) return fault(400, 'invalid_request', `The form is larger than ${MAX_FORM_BYTES} bytes.`)
  const parameters = new Map<string, string>()
  for (const [name, value] of new URLSearchParams(form)) {
    if (parameters.has(name)) return fault(400, 'invalid_request', 'A parameter stands twice in the form.')
    parameters.set(name, value)
  }
  return parameters
}

/**
 * Without ASCII white space at its ends: Google's Python library sends a token file as it is, line feed included. A form over the limit
 * has been refused before, so cutting is bounded. Empty when it is missing.
 */
function tokenIn(parameters: ReadonlyMap<string, string>, name: string): string {
  const value = parameters.get(name) ?? ''
  let [start, end] = [0, value.length]
  while (start < end && WHITE.has(value[start] ?? '')) start++
  while (end > start && WHITE.has(value[end - 1] ?? '')) end--
  return value.slice(start, end)
}

/** Why the exchange is not one that this endpoint does. Audience, scope and resource are the policy's business, not the token's. */
function exchangeProblem(parameters: ReadonlyMap<string, string>): TokenEndpointAnswer | undefined {
  if (parameters.get('grant_type') !== TOKEN_EXCHANGE) return fault(400, 'unsupported_grant_type', 'Only the token exchange of RFC 8693 is offered.')
  if (!SUBJECT_TYPES.has(parameters.get('subject_token_type') ?? '')) return fault(400, 'invalid_request', 'The subject_token_type must be jwt, id_token or access_token.')
  const requested = parameters.get('requested_token_type')
  if (requested !== undefined && !REQUESTED_TYPES.has(requested)) return fault(400, 'invalid_request', 'The requested_token_type must be access_token or jwt.')
  if (parameters.has('actor_token')) return fault(400, 'invalid_request', 'An actor_token is not accepted; delegation belongs into the token itself (act).')
  return undefined
}

/**
 * RFC 8693: gives the subject token back with the seconds it still lives. `form` is the body as received
 * (application/x-www-form-urlencoded, at most 32 KiB). A Basic Authorization, as gcloud sends it, is of no meaning here.
 */
export async function exchangeToken(verifier: TokenVerifier, form: string, clock: Clock): Promise<TokenEndpointAnswer> {
  const parameters = readForm(form)
  if ('status' in parameters) return parameters
  const problem = exchangeProblem(parameters)
  if (problem !== undefined) return problem
  const token = tokenIn(parameters, 'subject_token')
  if (token === '') return fault(400, 'invalid_request', 'The subject_token is missing.')
  const agent = await verifier.verifyToken(token)
  if (isRefusal(agent)) return refusedToken(agent)
  const expiresIn = Math.floor((agent.expiresAt - clock.now()) / 1000)
  // Within the tolerance for clocks a token still works, but nobody should plan with it.
  if (expiresIn < 1) return fault(400, 'invalid_request', 'Lockkeeper: the token has expired. Get a fresh one.')
  return answer(200, { access_token: token, issued_token_type: `${TOKEN_TYPE}access_token`, token_type: 'Bearer', expires_in: expiresIn })
}

/** RFC 7662: what gcloud asks to learn the account's name. A token that is refused is `active: false`, without a reason. */
export async function introspect(verifier: TokenVerifier, form: string): Promise<TokenEndpointAnswer> {
  const parameters = readForm(form)
  if ('status' in parameters) return parameters
  const token = tokenIn(parameters, 'token')
  if (token === '') return fault(400, 'invalid_request', 'The token is missing.')
  const agent = await verifier.verifyToken(token)
  if (isRefusal(agent)) return agent.reason === 'ISSUER_UNAVAILABLE' ? refusedToken(agent) : answer(200, { active: false })
  return answer(200, {
    active: true, username: agent.id, sub: agent.subject, client_id: agent.id, token_type: 'Bearer',
    exp: Math.floor(agent.expiresAt / 1000), iss: verifier.issuerUrl(agent.issuer),
  })
}
