export { createConditions } from './conditions.ts'
export type { CompiledCondition, ConditionOptions, Conditions, Evaluation, ObjectType, VariableType } from './conditions.ts'
export { MAX_ELEMENTS, NOT_KNOWN, toCel } from './cel-values.ts'
