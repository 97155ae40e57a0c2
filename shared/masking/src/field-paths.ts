/**
 * Field paths of a mask plan: `items[].owner.email`, `*.password`, `**.privateKey`, `labels["a.b"]`.
 *
 * - `name` is a member; case, `_` and `-` do not count, so that `privateKey` also names `private_key`.
 * - `*` is any one member, `**` any number of steps, also none.
 * - `[]` is an array element. Arrays that a path does not mention are walked through as well: naming too little masks too
 *   much, never too little.
 */
type Segment = { readonly kind: 'name', readonly name: string } | { readonly kind: 'any' | 'deep' | 'element' }

const MAX_PATHS = 200
const MAX_LENGTH = 256
const MAX_SEGMENTS = 32
/** States kept for reuse; only a plan of many `**` comes near it, and works on without the cache. */
const MAX_STATES = 4096

/** The form in which member names are compared. */
export function canonicalName(name: string): string {
  return name.toLowerCase().replace(/[_-]/g, '')
}

const TOKEN = /(\*\*)|(\*)|(\[\])|\["([^"]+)"\]|([^.[\]*"\s]+)/y

function parsePath(path: string): readonly Segment[] | string {
  const segments: Segment[] = []
  if (path.length === 0 || path.length > MAX_LENGTH) return `must have 1 to ${MAX_LENGTH} characters`
  for (let at = 0; at < path.length;) {
    const bracket = path[at] === '['
    if (at > 0 && !bracket) {
      if (path[at] !== '.') return `has something unexpected at character ${at + 1}`
      at++
    }
    TOKEN.lastIndex = at
    const match = TOKEN.exec(path)
    if (match === null || (path[at] === '[' && !bracket)) return `has something unexpected at character ${at + 1}`
    segments.push(segmentOf(match))
    at = TOKEN.lastIndex
  }
  return segments.length > MAX_SEGMENTS ? `has more than ${MAX_SEGMENTS} steps` : segments
}

function segmentOf(match: RegExpExecArray): Segment {
  if (match[1] !== undefined) return { kind: 'deep' }
  if (match[2] !== undefined) return { kind: 'any' }
  if (match[3] !== undefined) return { kind: 'element' }
  return { kind: 'name', name: canonicalName(match[4] ?? match[5] ?? '') }
}

/** Everything that is wrong with the paths, in words for the policy's author. */
export function fieldPathProblems(paths: readonly string[]): readonly string[] {
  const problems = paths.length > MAX_PATHS ? [`more than ${MAX_PATHS} field paths`] : []
  for (const path of paths) {
    const parsed = parsePath(path)
    if (typeof parsed === 'string') problems.push(`field path ${JSON.stringify(path.slice(0, 80))} ${parsed}`)
  }
  return problems
}

/** Where a walk through a document stands with regard to all paths at once. */
export interface FieldState {
  /** The value here is masked whole. */
  readonly masked: boolean
  /** No path can match here or below. */
  readonly dead: boolean
  /** `name` in canonical form. */
  member(name: string): FieldState
  element(): FieldState
}

/** Precondition: `fieldPathProblems(paths)` is empty. */
export function compileFieldPaths(paths: readonly string[]): FieldState {
  const patterns = paths.map(path => {
    const parsed = parsePath(path)
    if (typeof parsed === 'string') throw new TypeError(`field path ${parsed}`)
    return parsed
  })
  const names = new Set(patterns.flat().flatMap(segment => segment.kind === 'name' ? [segment.name] : []))
  const states = new Map<string, FieldState>()
  const stateOf = (positions: ReadonlySet<number>): FieldState => {
    const key = [...positions].sort((a, b) => a - b).join()
    const known = states.get(key)
    if (known !== undefined) return known
    const state = new State(patterns, names, positions, stateOf)
    if (states.size < MAX_STATES) states.set(key, state)
    return state
  }
  return stateOf(new Set(patterns.flatMap((_, index) => [...reach(patterns, index * STRIDE)])))
}

/** A position is pattern index × STRIDE + segment index. */
const STRIDE = MAX_SEGMENTS + 1

/** The position and those behind `**` steps that match nothing. */
function* reach(patterns: readonly (readonly Segment[])[], position: number): Iterable<number> {
  const pattern = patterns[Math.floor(position / STRIDE)] ?? []
  for (let at = position; ; at++) {
    yield at
    if (pattern[at % STRIDE]?.kind !== 'deep') return
  }
}

class State implements FieldState {
  readonly masked: boolean
  readonly dead: boolean
  readonly #patterns: readonly (readonly Segment[])[]
  readonly #names: ReadonlySet<string>
  readonly #positions: ReadonlySet<number>
  readonly #stateOf: (positions: ReadonlySet<number>) => FieldState
  readonly #members = new Map<string, FieldState>()
  #other: FieldState | undefined
  #element: FieldState | undefined

  constructor(patterns: readonly (readonly Segment[])[], names: ReadonlySet<string>, positions: ReadonlySet<number>, stateOf: (positions: ReadonlySet<number>) => FieldState) {
    this.#patterns = patterns
    this.#names = names
    this.#positions = positions
    this.#stateOf = stateOf
    this.dead = positions.size === 0
    this.masked = [...positions].some(position => position % STRIDE === patterns[Math.floor(position / STRIDE)]?.length)
  }

  member(name: string): FieldState {
    if (this.dead) return this
    // Names that no path mentions share one entry, so that documents cannot make the map grow.
    if (!this.#names.has(name)) return this.#other ??= this.#member(undefined)
    let next = this.#members.get(name)
    if (next === undefined) {
      next = this.#member(name)
      this.#members.set(name, next)
    }
    return next
  }

  #member(name: string | undefined): FieldState {
    return this.#step((segment, at) => {
      if (segment.kind === 'deep') return [at]
      return segment.kind === 'any' || (segment.kind === 'name' && segment.name === name) ? [at + 1] : []
    })
  }

  element(): FieldState {
    if (this.dead) return this
    return this.#element ??= this.#step((segment, at) => segment.kind === 'element' ? [at, at + 1] : [at])
  }

  #step(move: (segment: Segment, at: number) => readonly number[]): FieldState {
    const next = new Set<number>()
    for (const position of this.#positions) {
      const segment = this.#patterns[Math.floor(position / STRIDE)]?.[position % STRIDE]
      if (segment === undefined) continue
      for (const moved of move(segment, position)) for (const reached of reach(this.#patterns, moved)) next.add(reached)
    }
    return this.#stateOf(next)
  }
}
