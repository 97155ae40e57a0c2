/** The one way of values into spans and metrics (invariant 3). */
import type { Attributes } from '@opentelemetry/api'
import { strike } from '../strike.ts'
import type { Facts } from './telemetry.ts'

const MOST_CHARACTERS = 256

/** Struck first, then cut: half a token is not recognised as one. */
export function plainFacts(facts: Facts): Attributes {
  const plain: Attributes = {}
  for (const [name, value] of Object.entries(facts)) {
    if (value === undefined) continue
    plain[name] = typeof value === 'string' ? plainText(value) : value
  }
  return plain
}

export function plainText(text: string): string {
  return strike(text.slice(0, 64 * 1024)).slice(0, MOST_CHARACTERS)
}
