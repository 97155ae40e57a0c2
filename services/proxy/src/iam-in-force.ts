/**
 * The IAM policy that a setIamPolicy call would replace: read by the gateway itself, so that the change is judged by what it adds and
 * removes. A call of the gateway's own, with its own record; the agent never sees the answer.
 */
import { iamChange } from '@lockkeeper/catalog'
import type { Call } from '@lockkeeper/domain'
import { isRefusal, refuse, type Refusal } from '@lockkeeper/domain/errors'
import { isJsonObject } from '@lockkeeper/domain/json'
import type { Passage, Witnesses } from './passage.ts'
import type { Parts } from './parts.ts'
import { ownRead, type ReadPlan } from './state/own-read.ts'
import type { OwnRead } from './state/resource-read.ts'

export interface IamInForce {
  readonly call: Call
  readonly read: OwnRead
  /** The upstream would put the change in force beside this policy only: the call names its etag, or there is none. */
  readonly bound: boolean
}

const WHAT = 'the IAM policy in force'

/** True for the calls that this reading is for. */
export function changesIam({ method, body }: Call): boolean {
  return body.kind === 'json' && method.id.endsWith('.setIamPolicy') && method.reader !== undefined
}

export async function withIamInForce(passage: Passage & Pick<Witnesses, 'verified' | 'classified'>, parts: Parts): Promise<IamInForce | Refusal> {
  const { call } = passage.classified
  const read = await ownRead(WHAT, iamReadPlan(call, parts.catalog), passage, parts)
  if (isRefusal(read) || call.body.kind !== 'json') return read as Refusal
  const policy = read.value
  if (policy === undefined) return refuse('UPSTREAM_UNREACHABLE', { message: 'The IAM policy in force could not be read, so what the change adds and removes is not known. Nothing was changed; try again in a moment.', detail: 'the upstream answered 404' })
  const etag = policy['etag']
  const sent = call.body.value['policy']
  const named = (isJsonObject(sent) ? sent : call.body.value)['etag']
  const bound = typeof etag !== 'string' || etag === '' || (typeof named === 'string' && named !== '')
  return { call: { ...call, iam: iamChange(call.body.value, policy) }, bound, read }
}

/** How the policy is read that a setIamPolicy call replaces. TypeError for any other call. */
export function iamReadPlan({ method, path }: Call, catalog: Pick<Parts['catalog'], 'method'>): ReadPlan {
  const reader = catalog.method(`${method.reader ?? ''}@${method.version}`) ?? catalog.method(method.reader ?? '')
  if (reader === undefined) throw new TypeError(`${method.id} names a reader that the catalog does not have`)
  const read = path.replace(/([:/])setIamPolicy$/, '$1getIamPolicy')
  if (reader.verb === 'POST') return { reader, path: read, query: '', body: '{"options":{"requestedPolicyVersion":3}}' }
  return { reader, path: read, query: reader.api === 'storage' ? 'optionsRequestedPolicyVersion=3' : 'options.requestedPolicyVersion=3' }
}
