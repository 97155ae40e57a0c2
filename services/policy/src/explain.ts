/** Why the policies of a folder decide a call as they do. */
import { caseSchema, type Explanation, type Policy } from '@lockkeeper/policy-engine'
import { z } from 'zod'
import { agentOf, callOf } from './case-calls.ts'
import { checkFolder } from './check.ts'
import type { FileProblem } from './policy-files.ts'
import type { TestOptions } from './test-folder.ts'

/** Agent and call as test cases write them. */
export const questionSchema = z.strictObject({ agent: caseSchema.shape.agent, call: caseSchema.shape.call })
export type Question = z.infer<typeof questionSchema>

/** What `policy explain` does. */
export async function explainFolder(directory: string, question: Question, options: TestOptions): Promise<Explanation | { readonly problems: readonly FileProblem[] } | { readonly problem: string }> {
  const { policy, problems } = await checkFolder(directory, options)
  return policy === undefined ? { problems } : explainQuestion(policy, question, options)
}

/** The same for a policy that is compiled already. `problem`: there is no such call. */
export function explainQuestion(policy: Policy, question: Question, { methods, classify }: Pick<TestOptions, 'methods' | 'classify'>): Explanation | { readonly problem: string } {
  const call = callOf(question.call, methods, classify)
  return 'problem' in call ? call : policy.explain(agentOf(question.agent), call)
}
