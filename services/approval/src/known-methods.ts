/** What the catalog says of a method outweighs what a request says of itself: of both, the stricter stands on the card. */
import type { Catalog } from '@lockkeeper/catalog'
import type { RiskClass } from '@lockkeeper/domain'
import type { AccessRequest } from '@lockkeeper/domain/ports'

/** Undefined where the catalog does not know the method, as for targets that are no Google API. */
export type MethodLookup = Catalog['method']

const SEVERITY: readonly RiskClass[] = ['read', 'change', 'sensitive-read', 'medium', 'high', 'critical']

export function strictest(request: AccessRequest, methods: MethodLookup): AccessRequest {
  const { call } = request
  const known = methods(call.method, call.host)
  if (known === undefined) return request
  const risk = severity(known.risk) > severity(call.risk) ? known.risk : call.risk
  return { ...request, call: { ...call, risk, change: call.change || known.change, returnsSecret: call.returnsSecret || known.returnsSecret } }
}

/** A class that nobody knows weighs less than any: the catalog's then stands. */
function severity(risk: string): number {
  return SEVERITY.indexOf(risk as RiskClass)
}
