/**
 * The IAM policy that a setIamPolicy call would replace: read by the gateway itself, so that the change is judged by what it adds and
 * removes. A call of the gateway's own, with its own record; the agent never sees the answer.
 */
import { iamChange } from '@lockkeeper/catalog'
import type { Call } from '@lockkeeper/domain'
import { sha256 } from '@lockkeeper/domain/digest'
import { isRefusal, refuse, type Refusal } from '@lockkeeper/domain/errors'
import { PortUnavailable } from '@lockkeeper/domain/ports'
import { isJsonObject, parseStrict, type JsonObject } from '@lockkeeper/domain/json'
import { strike } from '@lockkeeper/service-kit'
import type { Passage, Witnesses } from './passage.ts'
import type { Parts } from './parts.ts'

export interface IamInForce {
  readonly call: Call
  readonly stateHash: string
  /** The upstream would put the change in force beside this policy only: the call names its etag, or there is none. */
  readonly bound: boolean
}

const MAX_POLICY_BYTES = 1024 * 1024
const READ_WITHIN_MS = 10_000

/** True for the calls that this reading is for. */
export function changesIam({ method, body }: Call): boolean {
  return body.kind === 'json' && method.id.endsWith('.setIamPolicy') && method.reader !== undefined
}

export async function withIamInForce(passage: Passage & Pick<Witnesses, 'verified' | 'classified'>, parts: Parts): Promise<IamInForce | Refusal> {
  const { call } = passage.classified
  const policy = await read(passage, parts)
  if (isRefusal(policy) || call.body.kind !== 'json') return policy as Refusal
  const etag = policy['etag']
  const sent = call.body.value['policy']
  const named = (isJsonObject(sent) ? sent : call.body.value)['etag']
  const bound = typeof etag !== 'string' || etag === '' || (typeof named === 'string' && named !== '')
  return { call: { ...call, iam: iamChange(call.body.value, policy) }, bound, stateHash: sha256(typeof etag === 'string' ? etag : JSON.stringify(policy)) }
}

async function read(passage: Passage & Pick<Witnesses, 'verified' | 'classified'>, parts: Parts): Promise<JsonObject | Refusal> {
  const { call, target } = passage.classified
  const reader = parts.catalog.method(`${call.method.reader ?? ''}@${call.method.version}`) ?? parts.catalog.method(call.method.reader ?? '')
  if (reader === undefined) throw new TypeError(`${call.method.id} names a reader that the catalog does not have`)
  const path = call.path.replace(/([:/])setIamPolicy$/, '$1getIamPolicy')
  const post = reader.verb === 'POST'
  const query = post ? '' : reader.api === 'storage' ? '?optionsRequestedPolicyVersion=3' : '?options.requestedPolicyVersion=3'
  const { records, clock } = parts
  const facts = { door: 'none', host: call.host, verb: reader.verb, path: path + query, target: target.name, method: reader.id, risk: reader.risk, change: false, resources: call.resources.map(strike), principal: target.credential.principal, agent: passage.verified.agent.id, run: passage.verified.agent.run } as const
  const common = { mode: passage.mode, isolation: passage.isolation, origin: 'gateway' } as const
  const started = clock.monotonic()
  const intent = records.append({ kind: 'intent', at: clock.now(), ...common, ...facts })
  try {
    await intent.durable()
  } catch (error) {
    if (!(error instanceof PortUnavailable)) throw error
    return refuse('AUDIT_UNAVAILABLE', { message: 'The audit log cannot take a record, so the IAM policy in force was not read and nothing was sent. Try again in a moment.', detail: error.message })
  }
  const result = await send(reader.verb, path + query, post, passage, parts)
  const status = isRefusal(result) ? 502 : result.status
  records.append({ kind: 'outcome', at: clock.now(), ...common, ...facts, intent: intent.id, result: isRefusal(result) ? 'failed' : 'answered', status, requestBytes: 0, responseBytes: isRefusal(result) ? 0 : result.body.length, durationMs: clock.monotonic() - started })
  if (isRefusal(result)) return result
  return result.status === 200 ? parsed(result.body) : unreadable(`the upstream answered ${result.status}`)
}

async function send(verb: string, path: string, post: boolean, { classified: { call, target, headers } }: Passage & Pick<Witnesses, 'classified'>, { upstreams }: Parts): Promise<{ readonly status: number, readonly body: Uint8Array } | Refusal> {
  try {
    const authorization = await target.credential.authorization(call)
    const project = headers.meaningful['x-goog-user-project']
    const response = await upstreams.pool(target, call.host, false).request({
      method: verb, path, signal: AbortSignal.timeout(READ_WITHIN_MS),
      headers: { host: call.host, accept: 'application/json', 'accept-encoding': 'identity', ...(authorization === undefined ? {} : { authorization }), ...(project === undefined ? {} : { 'x-goog-user-project': project }), ...(post ? { 'content-type': 'application/json' } : {}) },
      body: post ? '{"options":{"requestedPolicyVersion":3}}' : null,
    })
    const chunks: Buffer[] = []
    let size = 0
    for await (const chunk of response.body) {
      size += (chunk as Buffer).length
      if (size > MAX_POLICY_BYTES) return unreadable('the policy in force is over 1 MiB')
      chunks.push(chunk as Buffer)
    }
    return { status: response.statusCode, body: Buffer.concat(chunks) }
  } catch (error) {
    return unreadable((error as Error).message)
  }
}

function parsed(body: Uint8Array): JsonObject | Refusal {
  const value = parseStrict(body)
  if (isRefusal(value) || !isJsonObject(value)) return unreadable('the policy in force is no JSON object')
  return value
}

function unreadable(detail: string): Refusal {
  return refuse('UPSTREAM_UNREACHABLE', { message: 'The IAM policy in force could not be read, so what the change adds and removes is not known. Nothing was changed; try again in a moment.', detail })
}
