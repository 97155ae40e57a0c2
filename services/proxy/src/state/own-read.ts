/**
 * A read of the gateway's own: with the target's credential, recorded with `origin: gateway` before it is sent and after it was
 * answered, bounded in time and size. The agent never sees the answer.
 */
import type { Method } from '@lockkeeper/domain'
import { isRefusal, refuse, type Refusal } from '@lockkeeper/domain/errors'
import { isJsonObject, parseStrict, type Json } from '@lockkeeper/domain/json'
import { PortUnavailable } from '@lockkeeper/domain/ports'
import { strike } from '@lockkeeper/service-kit'
import { reachOf } from '../guards/mint-credential.ts'
import type { Parts } from '../parts.ts'
import type { Passage, Witnesses } from '../passage.ts'
import { recordedResources } from '../recorded-resources.ts'
import type { OwnRead } from './resource-read.ts'

/** What is read: `path` and `query` upstream; `body` is sent with a POST. An answer that is a `list` comes as the member `items`. */
export interface ReadPlan { readonly reader: Method, readonly path: string, readonly query: string, readonly body?: string, readonly list?: true, /** Answers that refuse (4xx) are an answer, too. */ readonly refusals?: true }

type Reading = Passage & Pick<Witnesses, 'verified' | 'classified'>
interface Answer { readonly status: number, readonly body: Uint8Array }

const MAX_STATE_BYTES = 1024 * 1024
const READ_WITHIN_MS = 10_000
/** Names these reads in Google's own logs. */
const USER_AGENT = 'lockkeeper-own-read'

/** `what` names it in messages: `the IAM policy in force`. Refusals: AUDIT_UNAVAILABLE, UPSTREAM_UNREACHABLE for whatever cannot be read. */
export async function ownRead(what: string, plan: ReadPlan, passage: Reading, parts: Parts): Promise<OwnRead | Refusal> {
  const { call, target } = passage.classified
  const { records, clock } = parts
  const { reader } = plan
  const reach = reachOf(target.credential, call)
  const facts = { door: 'none', host: call.host, verb: reader.verb, path: strike(pathOf(plan)), target: target.name, method: reader.id, risk: reader.risk, change: false, resources: recordedResources(call.resources), principal: target.credential.principal, ...reach === undefined ? {} : { credential: reach }, agent: passage.verified.agent.id, run: passage.verified.agent.run } as const
  const common = { mode: passage.mode, isolation: passage.isolation, origin: 'gateway' } as const
  const started = clock.monotonic()
  const at = clock.now()
  const intent = records.append({ kind: 'intent', at, ...common, ...facts })
  try {
    await intent.durable()
  } catch (error) {
    if (!(error instanceof PortUnavailable)) throw error
    return refuse('AUDIT_UNAVAILABLE', { message: `The audit log cannot take a record, so ${what} was not read and nothing was sent. Try again in a moment.`, detail: error.message })
  }
  const result = await send(what, plan, intent.id, passage, parts)
  const failed = isRefusal(result)
  records.append({ kind: 'outcome', at: clock.now(), ...common, ...facts, intent: intent.id, result: failed ? 'failed' : 'answered', status: failed ? 502 : result.status, requestBytes: 0, responseBytes: failed ? 0 : result.body.length, durationMs: clock.monotonic() - started })
  if (failed) return result
  if (plan.refusals === true && result.status < 500) return { ...readOf(result), reader, record: intent.id, at }
  if (result.status === 404) return { reader, value: undefined, record: intent.id, at }
  if (result.status !== 200) return unreadable(what, `the upstream answered ${result.status}`)
  const parsed = parseStrict(result.body)
  const value = plan.list === true && Array.isArray(parsed) ? { items: parsed as readonly Json[] } : parsed
  return isRefusal(value) || !isJsonObject(value) ? unreadable(what, 'the answer is no JSON object') : { reader, value, record: intent.id, at }
}

function readOf({ status, body }: Answer): Pick<OwnRead, 'value' | 'status'> {
  const value = parseStrict(body)
  return { status, value: isRefusal(value) || !isJsonObject(value) ? undefined : value }
}

function pathOf({ path, query }: ReadPlan): string {
  return query === '' ? path : `${path}?${query}`
}

async function send(what: string, plan: ReadPlan, record: string, { classified: { call, target, headers } }: Reading, { upstreams }: Parts): Promise<Answer | Refusal> {
  try {
    const authorization = await target.credential.authorization(call)
    const project = headers.meaningful['x-goog-user-project']
    const response = await upstreams.pool(target, call.host, false).request({
      method: plan.reader.verb as 'GET', path: pathOf(plan), signal: AbortSignal.timeout(READ_WITHIN_MS), body: plan.body ?? null,
      headers: {
        host: call.host, accept: 'application/json', 'accept-encoding': 'identity', 'user-agent': USER_AGENT, 'x-goog-request-reason': `lockkeeper/${record}`,
        ...authorization === undefined ? {} : { authorization }, ...project === undefined ? {} : { 'x-goog-user-project': project }, ...plan.body === undefined ? {} : { 'content-type': 'application/json' },
      },
    })
    const chunks: Buffer[] = []
    let size = 0
    for await (const chunk of response.body) {
      size += (chunk as Buffer).length
      if (size > MAX_STATE_BYTES) return unreadable(what, 'the answer is over 1 MiB')
      chunks.push(chunk as Buffer)
    }
    return { status: response.statusCode, body: Buffer.concat(chunks) }
  } catch (error) {
    return unreadable(what, (error as Error).message)
  }
}

function unreadable(what: string, detail: string): Refusal {
  return refuse('UPSTREAM_UNREACHABLE', { message: `${what[0]?.toUpperCase()}${what.slice(1)} could not be read, so what the call would change is not known. Nothing was changed; try again in a moment.`, detail })
}
