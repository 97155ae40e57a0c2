/** Which methods a rule speaks about: ids, globs over them (`*` crosses dots), `class:RISK`, `change`, `read`. */
import type { Method } from '@lockkeeper/domain'
import { RISK_CLASSES } from './document.ts'
import { parseGlob } from './glob.ts'
import { HTTP_METHODS } from './http-methods.ts'

/** A set of the catalog's methods; equal sets are one object. */
export interface MethodSet {
  readonly key: string
  has(method: number): boolean
}

/** Resolves patterns against the methods there are. */
export class MethodTable {
  readonly #methods: readonly Method[]
  readonly #numbers = new Map<string, number>()
  readonly #byId = new Map<string, number[]>()
  readonly #byObject = new WeakMap<Method, number>()
  readonly #patterns = new Map<string, readonly number[] | string>()
  readonly #sets = new Map<string, MethodSet>()
  readonly #lists = new Map<string, MethodSet>()

  /** The catalog's methods; those of plain HTTP targets are added. */
  constructor(methods: readonly Method[]) {
    this.#methods = [...methods, ...HTTP_METHODS]
    this.#methods.forEach((method, number) => {
      this.#numbers.set(keyOf(method), number)
      this.#byObject.set(method, number)
      const same = this.#byId.get(method.id)
      if (same === undefined) this.#byId.set(method.id, [number])
      else same.push(number)
    })
  }

  get methods(): readonly Method[] { return this.#methods }

  /** Undefined: the bundle was compiled without it. A method that changed its class since is not the one that was compiled. */
  numberOf(method: Method): number | undefined {
    const known = this.#byObject.get(method)
    if (known !== undefined) return known
    const number = this.#numbers.get(keyOf(method))
    if (number === undefined) return undefined
    const compiled = this.#methods[number] as Method
    if (compiled.risk !== method.risk || compiled.change !== method.change || compiled.mintsCredential !== method.mintsCredential) return undefined
    this.#byObject.set(method, number)
    return number
  }

  /** The methods of an id, one for each version that the catalog knows. */
  named(id: string): readonly Method[] {
    return (this.#byId.get(id) ?? []).map((number) => this.#methods[number] as Method)
  }

  /** What is wrong with a pattern, or undefined. */
  problemWith(pattern: string): string | undefined {
    const found = this.#resolve(pattern)
    return typeof found === 'string' ? found : undefined
  }

  /** The union of patterns that have no problem. */
  setOf(patterns: readonly string[]): MethodSet {
    const listKey = patterns.join('\n')
    const cached = this.#lists.get(listKey)
    if (cached !== undefined) return cached
    const bits = new Uint16Array(Math.ceil(this.#methods.length / 16))
    for (const pattern of patterns) {
      const found = this.#resolve(pattern)
      if (typeof found === 'string') throw new TypeError('a pattern with a problem was not refused')
      for (const number of found) bits[number >> 4] = (bits[number >> 4] ?? 0) | (1 << (number & 15))
    }
    const key = String.fromCharCode(...bits)
    const set = this.#sets.get(key) ?? { key, has: (number: number) => ((bits[number >> 4] ?? 0) & (1 << (number & 15))) !== 0 }
    this.#sets.set(key, set)
    this.#lists.set(listKey, set)
    return set
  }

  #resolve(pattern: string): readonly number[] | string {
    const cached = this.#patterns.get(pattern)
    if (cached !== undefined) return cached
    const test = testOf(pattern)
    if (typeof test === 'object') return test.problem
    const found = test === 'id' ? this.#byId.get(pattern) ?? [] : this.#methods.flatMap((method, number) => test(method) ? [number] : [])
    const isNamed = pattern !== 'change' && pattern !== 'read' && !pattern.startsWith('class:')
    const result = found.length === 0 && isNamed ? `"${pattern}" matches no known method` : found
    this.#patterns.set(pattern, result)
    return result
  }
}

function keyOf(method: Method): string {
  return `${method.id}@${method.version}@${method.api === 'http' ? '*' : method.host}`
}

/** A test of methods, `id` for a plain id, or what is wrong with the pattern. */
function testOf(pattern: string): ((method: Method) => boolean) | 'id' | { readonly problem: string } {
  if (pattern === 'change') return (method) => method.change
  if (pattern === 'read') return (method) => !method.change
  if (pattern.startsWith('class:')) {
    const risk = RISK_CLASSES.find((name) => name === pattern.slice('class:'.length))
    return risk === undefined ? { problem: `"${pattern}" is no risk class; they are ${RISK_CLASSES.join(', ')}` } : (method) => method.risk === risk
  }
  if (!/^[A-Za-z0-9_.*-]+$/.test(pattern)) return { problem: `"${pattern}" is no method id, glob, class:RISK, change or read` }
  if (!pattern.includes('*')) return 'id'
  const glob = parseGlob(pattern)
  return 'problem' in glob ? glob : (method) => glob.matches(method.id)
}
