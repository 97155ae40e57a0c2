/** What policy says of the call, after the two things that no policy can change (invariants 3 and 12). */
import type { Call, Decision } from '@lockkeeper/domain'
import { isRefusal, refuse, type Refusal } from '@lockkeeper/domain/errors'
import type { Policy } from '@lockkeeper/policy-engine'
import { gatewayOwn } from '../gateway-own.ts'
import { changesIam, withIamInForce } from '../iam-in-force.ts'
import type { Parts } from '../parts.ts'
import type { Classified, Decided, Passage, Witnesses } from '../passage.ts'
import { refreshed } from '../refreshed-view.ts'

type Needs = Passage & Pick<Witnesses, 'verified' | 'classified' | 'unlocked'>

export function decideByPolicy(passage: Needs, parts: Parts): Decided | Refusal | Promise<Decided | Refusal> {
  const { call } = passage.classified
  if (call.method.mintsCredential) {
    passage.facts.effect = 'deny'
    passage.facts.rule = 'builtin/mints-credential'
    return refuse('MINTS_CREDENTIAL', {
      message: `${call.method.id} hands out a credential; agents get none, whatever policy says. Nothing was sent. Call the API through the gateway instead: it puts the credential in itself.`,
      metadata: { method: call.method.id, rule: 'builtin/mints-credential' },
    })
  }
  const own = keptFrom(passage, call, parts)
  if (own !== undefined) return own
  const policy = policyInForce(parts)
  if (policy === undefined) return afterRefresh(passage, parts)
  return decide(passage, policy, parts)
}

/** What belongs to the gateway itself (invariant 12). */
function keptFrom({ facts }: Needs, call: Call, { settings, targets }: Parts): Refusal | undefined {
  const own = gatewayOwn(call, settings.protectedResources) ?? gatewayOwn(call, targets.protectedResources)
  if (own === undefined) return undefined
  facts.effect = 'deny'
  facts.rule = 'builtin/gateway-protected'
  const why = /\/\d+(?:\/|$)/.test(own) && own.startsWith('//iam.') ? 'names a service account by its number, which could be the gateway\'s own; name it by its address' : 'belongs to the gateway itself and is out of reach of every agent'
  return refuse('GATEWAY_PROTECTED', { message: `${own.slice(0, 300)} ${why}. Nothing was sent.`, metadata: { method: call.method.id, rule: 'builtin/gateway-protected' } })
}

/** The view is too old: one strong read within a second, else a refusal (invariant 11). */
async function afterRefresh(passage: Needs, parts: Parts): Promise<Decided | Refusal> {
  const failed = await refreshed(parts.policy)
  const policy = policyInForce(parts)
  return policy === undefined ? { ...STALE, ...failed } : decide(passage, policy, parts)
}

function decide(passage: Needs, policy: Policy, parts: Parts): Decided | Refusal | Promise<Decided | Refusal> {
  const { call } = passage.classified
  // What an IAM change adds and removes is only known beside the policy in force; it is read where a rule speaks about the call at all.
  if (changesIam(call) && policy.concerns(passage.verified.agent, call)) return judgeIamChange(passage, parts)
  return judge(passage, call, policy, parts)
}

async function judgeIamChange(passage: Needs, parts: Parts): Promise<Decided | Refusal> {
  const inForce = await withIamInForce(passage, parts)
  if (isRefusal(inForce)) return inForce
  const own = keptFrom(passage, inForce.call, parts)
  if (own !== undefined) return own
  const policy = policyInForce(parts)
  if (policy === undefined) return STALE
  passage.inForce = inForce.read
  ;(passage as { classified: Classified }).classified = { ...passage.classified, call: inForce.call }
  const decided = judge(passage, inForce.call, policy, parts)
  // A call that waits for a person gets the etag from the gateway; one that nobody looks at again is bound by its own or not at all.
  return isRefusal(decided) || inForce.bound || decided.decision.effect !== 'allow' ? decided : UNBOUND
}

const UNBOUND = refuse('REQUEST_INVALID', 'The IAM policy comes without the etag of the one that it replaces, so what the change adds and removes could be another thing by the time it takes effect. Nothing was sent; read the policy, change it, and send it back with its etag.')
const STALE = refuse('POLICY_STALE', 'The gateway has no policy that is fresh enough to decide by, so it refuses. Nothing was sent; try again in a moment.')

function policyInForce({ policy, settings }: Parts): Policy | undefined {
  return policy.age() <= settings.staleAfterMs ? policy.current() : undefined
}

function judge(passage: Needs, call: Call, policy: Policy, { settings }: Parts): Decided | Refusal {
  const decision = policy.decide(passage.verified.agent, call)
  passage.facts.effect = decision.effect
  passage.facts.rule = decision.rule
  passage.facts.bundle = decision.bundle
  // Judged anew after a hold, maybe by another rule.
  if (decision.obligations.notify) passage.facts.notify = true
  else if (passage.facts.notify === true) delete passage.facts.notify
  return decision.effect === 'deny' ? denied(passage, decision, settings.mode) : { decision } as Decided
}

function denied(passage: Needs, decision: Decision, mode: string): Refusal {
  const { call } = passage.classified
  const where = call.resources[0] === undefined ? '' : ` on ${call.resources[0]}`
  const why = decision.message ?? decision.reasons[0] ?? 'No rule allows it.'
  const hint = decision.wouldAllow === undefined ? '' : ` What would be allowed: ${decision.wouldAllow}`
  return refuse('POLICY_DENIED', {
    message: `Denied by rule ${decision.rule}: ${call.method.id}${where}. ${why} Nothing was sent; sending it again or another way round does not help.${hint}`,
    metadata: {
      method: call.method.id, rule: decision.rule, bundle: decision.bundle, mode,
      ...(decision.wouldAllow === undefined ? {} : { wouldAllow: decision.wouldAllow }),
    },
  })
}
