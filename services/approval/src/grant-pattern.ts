/**
 * A pattern of calls: what an approver lets through beyond the one call that was shown. What the pattern does not name may not differ
 * from that call, so nothing that nobody thought of passes. Pure.
 */
import { sha256 } from '@lockkeeper/domain/digest'
import type { ArgumentBound, GrantPattern } from '@lockkeeper/domain/events'
import { fromPlain, serialise } from '@lockkeeper/domain/json'
import type { CanonicalCall } from '@lockkeeper/domain/ports'
import { parseGlob, type Glob } from '@lockkeeper/policy-engine'
import { placesOf, type Place } from './call-places.ts'

/** Above zero: a size of -1 means no limit at all to some APIs. */
const NUMBER = /^\d{1,15}(?:\.\d{1,6})?$/
const NAME = /^[^*]+\*?$/
/** Characters: a pattern is kept with each vote, each use and the grant. */
const MAX_TEXT = 16 * 1024

/** What binds an approver's proof to the pattern: canonical, so that equal patterns have equal texts. */
export function patternText(pattern: GrantPattern): string {
  return serialise(fromPlain(['lockkeeper-grant-v1', pattern]))
}

export function patternHash(pattern: GrantPattern): string {
  return sha256(patternText(pattern))
}

/** Names what the pattern leaves as it was in the shown call; or why the pattern does not fit that call. */
export function fixPattern(pattern: GrantPattern, shown: CanonicalCall): { readonly rest: string } | { readonly problem: string } {
  if (patternText(pattern).length > MAX_TEXT) return { problem: `it is over ${MAX_TEXT / 1024} KiB long` }
  const globs = globsOf(pattern)
  if ('problem' in globs) return globs
  const badName = Object.keys(pattern.arguments).find((name) => !NAME.test(name))
  if (badName !== undefined) return { problem: `${badName} names no argument: a star stands at the end of a name only` }
  const places = placesOf(shown)
  if (places === undefined) return { problem: 'the call is too large or too odd to be bounded by a pattern' }
  const missing = exactNames(pattern).find((name) => !places.has(name))
  if (missing !== undefined) return { problem: `the call has no argument ${missing}` }
  if (!resourcesMatch(globs, shown.resources)) return { problem: 'the resources of the call itself do not match' }
  const outside = outOfBounds(pattern, places)
  if (outside !== undefined) return { problem: `the argument ${outside} of the call itself is out of bounds` }
  return { rest: restOf(pattern, places) }
}

/** Whether another call of the same method and agent is one of the pattern; `rest` as `fixPattern` named it. */
export function coversCall(pattern: GrantPattern, rest: string, call: CanonicalCall): boolean {
  const globs = globsOf(pattern)
  if ('problem' in globs || !resourcesMatch(globs, call.resources)) return false
  const places = placesOf(call)
  return places !== undefined && outOfBounds(pattern, places) === undefined && restOf(pattern, places) === rest
}

function globsOf({ resources }: GrantPattern): readonly Glob[] | { readonly problem: string } {
  const globs: Glob[] = []
  for (const source of resources) {
    const glob = parseGlob(source)
    if ('problem' in glob) return glob
    if (!/^\/\/[^/*]+\//.test(source)) return { problem: `${source} is no resource: full names begin with // and name their service` }
    globs.push(glob)
  }
  return globs
}

/** Every resource of the call must be one of the pattern; a call without any is covered by a pattern without any only. */
function resourcesMatch(globs: readonly Glob[], resources: readonly string[]): boolean {
  if (resources.length === 0) return globs.length === 0
  return resources.every((resource) => globs.some((glob) => glob.matches(resource)))
}

function exactNames({ arguments: bounds }: GrantPattern): readonly string[] {
  return Object.keys(bounds).filter((name) => !name.endsWith('*'))
}

/** The exact name first, then the longest that ends with a star. */
function boundOf({ arguments: bounds }: GrantPattern, name: string): ArgumentBound | undefined {
  if (Object.hasOwn(bounds, name)) return bounds[name]
  const wide = Object.keys(bounds).filter((each) => each.endsWith('*') && name.startsWith(each.slice(0, -1))).sort((left, right) => right.length - left.length)[0]
  return wide === undefined ? undefined : bounds[wide]
}

/** The first place whose bound does not hold. */
function outOfBounds(pattern: GrantPattern, places: ReadonlyMap<string, Place>): string | undefined {
  for (const [name, { text }] of places) {
    const bound = boundOf(pattern, name)
    if (bound !== undefined && !holds(bound, text)) return name
  }
  return undefined
}

function holds(bound: ArgumentBound, text: string): boolean {
  if ('equals' in bound) return text === bound.equals
  if ('oneOf' in bound) return bound.oneOf.includes(text)
  if ('max' in bound) return NUMBER.test(text) && Number(text) <= bound.max
  return bound.any
}

/** All that no bound speaks of, and which of the named ones are there: an argument left out can mean more than any value. */
function restOf(pattern: GrantPattern, places: ReadonlyMap<string, Place>): string {
  const free = [...places].filter(([name]) => boundOf(pattern, name) === undefined).map(([name, { typed }]) => [name, typed] as const)
  const present = exactNames(pattern).filter((name) => places.has(name))
  return sha256(serialise(fromPlain([free.sort(([left], [right]) => left < right ? -1 : 1), [...present].sort()])))
}
