/** What an approver can say about a call beyond yes and no: shown beside the card, checked again when it is said. Pure. */
import { DEFAULT_PATTERNS, type PersonId } from '@lockkeeper/domain'
import type { AccessRequest } from '@lockkeeper/domain/ports'
import type { ApprovalCase } from './approval-case.ts'
import { placesOf } from './call-places.ts'
import { electorsOf, type RoutingRights } from './routing.ts'
import { visible } from './shown-text.ts'

export interface DecisionOffer {
  readonly reasonRequired: boolean
  /** Persons who may break the glass. */
  readonly breakGlass: readonly PersonId[]
  /** How far a pattern may go; absent where only the call itself can be approved. */
  readonly pattern?: {
    /** Full names, as the pattern has to match them. */
    readonly resources: readonly string[]
    /** What a bound may speak of, and the call's own value: the first 50. */
    readonly places: readonly { readonly name: string, readonly value: string }[]
    readonly maxUses: number
    readonly maxForMs: number
  }
}

const MOST_PLACES = 50
const MOST_VALUE = 200

export function offerOf(request: AccessRequest | undefined, current: ApprovalCase, rights: RoutingRights): DecisionOffer {
  const { glass } = electorsOf(rights, current)
  const pattern = request === undefined ? undefined : patternOffer(request)
  return { reasonRequired: current.terms.reasonRequired, breakGlass: [...glass?.eligible ?? []], ...pattern === undefined ? {} : { pattern } }
}

function patternOffer({ call, decision: { obligations } }: AccessRequest): DecisionOffer['pattern'] {
  const bounds = obligations.approval?.patterns ?? DEFAULT_PATTERNS
  if (bounds === false || (call.risk === 'critical' && !bounds.critical)) return undefined
  const places = placesOf(call)
  if (places === undefined || call.resources.length > 20) return undefined
  return {
    resources: call.resources, maxUses: bounds.maxUses, maxForMs: bounds.maxForMs,
    places: [...places].slice(0, MOST_PLACES).map(([name, { text }]) => ({ name, value: visible(text.slice(0, MOST_VALUE)) })),
  }
}
