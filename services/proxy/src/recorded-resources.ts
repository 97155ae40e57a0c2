/** What a record says of the resources of a call: agents choose their names and how many there are, and a record has an end. */
import { strike } from '@lockkeeper/service-kit'

/** Characters of JSON; a whole record may have 256 Ki. */
const MOST_CHARACTERS = 96 * 1024
const SHORT = 1_000

/** Without what looks like a credential; where there is no room for all of them, the last entry counts the rest. */
export function recordedResources(resources: readonly string[]): readonly string[] {
  const [first, second] = resources
  if (first === undefined || (second === undefined && first.length <= SHORT)) return resources.map(strike)
  const kept: string[] = []
  let left = MOST_CHARACTERS
  for (const [index, resource] of resources.entries()) {
    const struck = strike(resource)
    left -= JSON.stringify(struck).length + 1
    if (left < 0) return [...kept, `and ${resources.length - index} more`]
    kept.push(struck)
  }
  return kept
}
