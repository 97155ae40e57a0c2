/** From claims to words: the CEL expressions of an issuer's settings, compiled once, and the Agent they give. */
import { createConditions, type CompiledCondition } from '@lockkeeper/conditions'
import type { Agent } from '@lockkeeper/domain'
import { isRefusal, type Refusal } from '@lockkeeper/domain/errors'
import { isText } from './check-claims.ts'
import { invalid } from './compact-token.ts'
import type { ParsedIssuer, SettingsProblem } from './settings.ts'

/** Characters of an agent id, run, sponsor or label value. */
export const MAX_WORD_LENGTH = 256

type Claims = Readonly<Record<string, unknown>>

export interface AgentMapping {
  readonly id: CompiledCondition
  readonly run: CompiledCondition | undefined
  readonly sponsor: CompiledCondition | undefined
  readonly labels: readonly (readonly [string, CompiledCondition])[]
}

/** What the claims say of the agent; undefined where they say nothing. */
export type MappedAgent = Pick<Agent, 'id' | 'labels'> & { readonly run: string | undefined, readonly sponsor: string | undefined }

type Compiler = (expression: string, result: 'bool' | 'string', path: readonly (string | number)[]) => CompiledCondition | undefined

/** Collects the problems of all expressions, so that they are reported together. */
function createCompiler(problems: SettingsProblem[]): Compiler {
  const conditions = createConditions({ variables: { claims: 'dyn' } })
  return (expression, result, path) => {
    const compiled = conditions.compile(expression, result)
    if (!('problem' in compiled)) return compiled
    problems.push({ path, message: compiled.problem })
    return undefined
  }
}

export function compileRequirements(require: readonly string[], index: number, problems: SettingsProblem[]): readonly CompiledCondition[] {
  const compile = createCompiler(problems)
  return require.map((text, place) => compile(text, 'bool', [index, 'require', place])).filter((condition) => condition !== undefined)
}

/** Undefined when an expression has a problem. */
export function compileMapping(agent: ParsedIssuer['agent'], index: number, problems: SettingsProblem[]): AgentMapping | undefined {
  const compile = createCompiler(problems)
  const optional = (text: string | undefined, field: string): CompiledCondition | undefined =>
    text === undefined ? undefined : compile(text, 'string', [index, 'agent', field])
  const id = compile(agent.id, 'string', [index, 'agent', 'id'])
  const run = optional(agent.run, 'run')
  const sponsor = optional(agent.sponsor, 'sponsor')
  const labels = Object.entries(agent.labels).flatMap(([name, text]) => {
    const label = compile(text, 'string', [index, 'agent', 'labels', name])
    return label === undefined ? [] : [[name, label] as const]
  })
  return id === undefined ? undefined : { id, run, sponsor, labels }
}

/** The expressions of `require`, in order; the public text names the first that does not hold by its number. */
export function checkRequirements(requirements: readonly CompiledCondition[], claims: Claims): Refusal | undefined {
  for (const [index, condition] of requirements.entries()) {
    const outcome = condition.evaluate({ claims })
    if (outcome.ok && outcome.value === true) continue
    return invalid(`The token does not meet requirement ${index + 1} of its issuer's settings.`, `${condition.source}: ${outcome.ok ? 'false' : outcome.error}`)
  }
  return undefined
}

export function mapAgent(mapping: AgentMapping, claims: Claims): MappedAgent | Refusal {
  const id = readWord(mapping.id, 'agent.id', claims)
  if (isRefusal(id)) return id
  if (id === undefined) return invalid('The token gives an empty agent id (`agent.id` of its issuer\'s settings).')
  const run = readWord(mapping.run, 'agent.run', claims)
  if (isRefusal(run)) return run
  const sponsor = readWord(mapping.sponsor, 'agent.sponsor', claims)
  if (isRefusal(sponsor)) return sponsor
  const labels: Record<string, string> = {}
  for (const [name, condition] of mapping.labels) {
    const value = readWord(condition, `agent.labels.${name}`, claims)
    if (isRefusal(value)) return value
    if (value !== undefined) labels[name] = value
  }
  return { id, run, sponsor, labels }
}

function readWord(condition: CompiledCondition | undefined, name: string, claims: Claims): string | undefined | Refusal {
  if (condition === undefined) return undefined
  const outcome = condition.evaluate({ claims })
  if (!outcome.ok) return invalid(`The token's claims do not give \`${name}\` of its issuer's settings.`, `${condition.source}: ${outcome.error}`)
  if (outcome.value === '') return undefined
  return isText(outcome.value, MAX_WORD_LENGTH)
    ? outcome.value
    : invalid(`The token's claims give a \`${name}\` that is longer than ${MAX_WORD_LENGTH} characters or holds control characters.`)
}
