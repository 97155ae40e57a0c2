import { Environment, type ParseResult } from '@marcbachmann/cel-js'
import { CannotInspect, NotKnown, toCel } from './cel-values.ts'
import { findFault, LIMITS, MAX_EXPRESSION_LENGTH, namesIn } from './expression-rules.ts'
import { LinearPatterns, MatchBudgetSpent } from './linear-patterns.ts'

/** `dyn` and `map` values are converted at the border; the name of a type in `types` takes instances as they are. */
export type VariableType = string

/** A class whose instances are handed over without conversion; getters are read when an expression reads them. */
export interface ObjectType {
  readonly ctor: abstract new (...args: never[]) => object
  /** CEL types by field: `string`, `bool`, `int`, `list<string>`, `map<string, string>`, `dyn`, another type's name. */
  readonly fields: Readonly<Record<string, string>>
}

export interface ConditionOptions {
  readonly variables: Readonly<Record<string, VariableType>>
  /** In order: a type stands before those that name it. Names have two letters or more. */
  readonly types?: Readonly<Record<string, ObjectType>>
}

export type Evaluation =
  | { readonly ok: true, readonly value: unknown }
  /** From a closed vocabulary; holds no value of the context. */
  | { readonly ok: false, readonly error: string }

export interface CompiledCondition {
  readonly source: string
  /** Never throws. Every variable that the expression reads must be there, else `ok` is false. */
  evaluate(context: Record<string, unknown>): Evaluation
}

export interface Conditions {
  /**
   * Parses, checks rules and types. `bool` wants an expression that is certain to be one (write `x == true` for a value of
   * unknown type); `string` and `dyn` accept values of unknown type and check them when they are there.
   */
  compile(expression: string, result: 'bool' | 'string' | 'dyn'): CompiledCondition | { readonly problem: string }
}

/** CEL, type-checked and bounded: no backtracking patterns, no nested loops over data, no unbounded lists. Unknown types in `options`: TypeError. */
export function createConditions(options: ConditionOptions): Conditions {
  const patterns = new LinearPatterns()
  const environment = createEnvironment(options, patterns)
  return {
    compile(expression, result) {
      if (expression.length > MAX_EXPRESSION_LENGTH) return { problem: `the expression is longer than ${MAX_EXPRESSION_LENGTH} characters` }
      const parsed = parse(environment, expression)
      if ('problem' in parsed) return parsed
      const fault = findFault(parsed.run.ast, patterns)
      if (fault !== undefined) return { problem: placed(fault.message, fault.at) }
      const names = namesIn(parsed.run.ast)
      const { valid, type, error } = parsed.run.check()
      if (!valid) return { problem: describe(error) }
      const mismatch = resultMismatch(type ?? 'dyn', result)
      if (mismatch !== undefined) return { problem: mismatch }
      const converted = Object.keys(options.variables).filter((name) => names.has(name) && isConverted(options, name))
      const passed = Object.keys(options.variables).filter((name) => names.has(name) && !isConverted(options, name))
      return { source: expression, evaluate: createEvaluate(parsed.run, expression, patterns, converted, passed, result) }
    },
  }
}

function createEnvironment(options: ConditionOptions, patterns: LinearPatterns): Environment {
  const environment = new Environment({ unlistedVariablesAreDyn: false, limits: LIMITS })
  environment.registerFunction('string.re2(string): bool', (text: string, pattern: string) => patterns.test(text, pattern))
  try {
    for (const [name, type] of Object.entries(options.types ?? {})) environment.registerType(name, { ctor: type.ctor, fields: type.fields })
    for (const [name, type] of Object.entries(options.variables)) environment.registerVariable(name, type)
  } catch (error) {
    throw new TypeError('a variable or type of the conditions is not known to CEL', { cause: error })
  }
  return environment
}

function isConverted(options: ConditionOptions, name: string): boolean {
  return options.types === undefined || !Object.hasOwn(options.types, options.variables[name] ?? '')
}

function parse(environment: Environment, expression: string): { readonly run: ParseResult } | { readonly problem: string } {
  try {
    return { run: environment.parse(expression) }
  } catch (error) {
    return { problem: describe(error) }
  }
}

function resultMismatch(type: string, wanted: 'bool' | 'string' | 'dyn'): string | undefined {
  if (wanted === 'dyn' || type === wanted) return undefined
  if (wanted === 'bool') return `the result must be a bool and is ${type}${type === 'dyn' ? '; write == true' : ''}`
  return type === 'dyn' ? undefined : `the result must be a string and is ${type}; write string(…)`
}

function createEvaluate(run: ParseResult, source: string, patterns: LinearPatterns, converted: readonly string[], passed: readonly string[], result: 'bool' | 'string' | 'dyn'): CompiledCondition['evaluate'] {
  const wanted = result === 'bool' ? 'boolean' : result
  return (context) => {
    const values: Record<string, unknown> = Object.create(null)
    try {
      for (const name of passed) values[name] = context[name]
      for (const name of converted) values[name] = context[name] === undefined ? undefined : toCel(context[name])
      patterns.refill()
      const value: unknown = run(values)
      if (wanted !== 'dyn' && typeof value !== wanted) return { ok: false, error: `the result is no ${result}` }
      return value instanceof CannotInspect ? { ok: false, error: `cannot inspect ${value.why}` } : { ok: true, value }
    } catch (error) {
      return { ok: false, error: evaluationError(error, source) }
    } finally {
      // The library remembers the last context of a comprehension: let it not keep a body alive.
      for (const name in values) values[name] = undefined
    }
  }
}

/** Values of the context may be secret, so only the kind of failure and names that stand in the expression leave. */
function evaluationError(error: unknown, source: string): string {
  if (error instanceof MatchBudgetSpent) return 'cannot inspect that much text'
  const { code, summary } = error as { code?: unknown, summary?: unknown }
  if (code === 'unsupported_type' && String(summary).includes(CannotInspect.name)) return 'cannot inspect a value of more than 1,000 elements, 262,144 characters or 100 levels'
  if (code === 'unsupported_type' && String(summary).includes(NotKnown.name)) return 'the value is not known yet'
  if (code === 'unknown_variable') return String(summary)
  if (code === 'no_such_key') return missingKey(String(summary), source)
  return typeof code === 'string' ? code.replaceAll('_', ' ') : 'the evaluation failed'
}

function missingKey(summary: string, source: string): string {
  const key = /^No such key: (\w{1,64})$/.exec(summary)?.[1]
  return key !== undefined && source.includes(key) ? `no such key: ${key}` : 'no such key'
}

function describe(error: unknown): string {
  const { summary, range, message } = error as { summary?: string, range?: { start: number }, message?: string }
  const text = summary ?? message?.split('\n')[0] ?? 'the expression cannot be read'
  return range === undefined ? text : placed(text, range.start)
}

function placed(message: string, at: number): string {
  return `${message} (at character ${at + 1})`
}
