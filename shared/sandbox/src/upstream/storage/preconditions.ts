/** ifGenerationMatch and its kin, checked as Cloud Storage does: a failed `Match` is 412, a failed `NotMatch` of a read 304. */
import { GoogleError, conditionNotMet, invalid } from '../google-error.ts'

interface Versions { readonly generation?: number, readonly metageneration: number }

/**
 * Throws when the arguments exclude the present state. `present` is undefined when nothing is there, which is generation 0.
 * `prefix` is `ifSource` for the source of a copy.
 */
export function checkPreconditions(query: URLSearchParams, present: Versions | undefined, kind: 'read' | 'change', prefix: 'if' | 'ifSource' = 'if'): void {
  const generation = present?.generation ?? 0
  const metageneration = present?.metageneration ?? 0
  if (differs(query, `${prefix}GenerationMatch`, generation)) throw conditionNotMet()
  if (differs(query, `${prefix}MetagenerationMatch`, metageneration)) throw conditionNotMet()
  for (const [name, value] of [[`${prefix}GenerationNotMatch`, generation], [`${prefix}MetagenerationNotMatch`, metageneration]] as const) {
    if (differs(query, name, value) === false) throw kind === 'read' ? new GoogleError(304, 'notModified', 'Not Modified') : conditionNotMet()
  }
}

/** Undefined when the argument is absent. */
function differs(query: URLSearchParams, name: string, value: number): boolean | undefined {
  const asked = query.get(name)
  if (asked === null) return undefined
  if (!/^\d{1,19}$/.test(asked)) throw invalid(`Invalid value for ${name}: ${asked}`)
  return Number(asked) !== value
}
