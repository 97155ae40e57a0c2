/** What changes if one set takes the place of another: rules and targets in words, and the decisions on all cases that differ. */
import { systemClock, type Clock } from '@lockkeeper/domain'
import type { Policy, PolicyCase, PolicyDocument, TargetsDocument } from '@lockkeeper/policy-engine'
import { agentOf, callOf } from './case-calls.ts'
import { checkSet, type Checked } from './check.ts'
import { targetChanges, type TargetChanges } from './next-pointers.ts'
import { namedTexts, type FileProblem, type FileText } from './policy-files.ts'
import { readCases } from './read-cases.ts'
import { ruleChanges, type RuleChange } from './rule-changes.ts'
import type { TestOptions } from './test-folder.ts'
import { createYamlReader } from './yaml-reader.ts'

export interface Outcome {
  readonly effect: string
  readonly rule: string
  readonly mask: readonly string[]
}

export interface DecisionChange {
  readonly file: string
  readonly description: string
  readonly before: Outcome
  readonly after: Outcome
}

export interface SetDiff {
  /** Of either set; where there are any, nothing is compared. */
  readonly problems: readonly FileProblem[]
  readonly rules: readonly RuleChange[]
  readonly targets: TargetChanges
  readonly decisions: readonly DecisionChange[]
  /** Cases that were decided by both. */
  readonly cases: number
}

type Files = Readonly<Record<string, string>>

const NO_RULE: Outcome = { effect: 'deny', rule: 'builtin/no-rule', mask: [] }

/** `before` without files: nothing is in force. `more`: case files besides those of the two sets, for example the starter's. */
export async function diffSets(before: Files, after: Files, options: TestOptions, more: readonly FileText[] = []): Promise<SetDiff> {
  const time = { at: undefined as number | undefined }
  const real = options.clock ?? systemClock
  const clock: Clock = { now: () => time.at ?? real.now(), monotonic: () => real.monotonic() }
  const [old, now] = [await checked(before, { ...options, clock }), await checked(after, { ...options, clock })]
  const problems = [...old.problems.map((problem) => ({ ...problem, file: `${problem.file} (in force)` })), ...now.problems]
  const nothing = { rules: [], targets: { added: [], removed: [], changed: [] }, decisions: [], cases: 0 }
  if (problems.length > 0) return { problems, ...nothing }
  const cases = await allCases([...namedTexts(before).cases, ...namedTexts(after).cases, ...more], options)
  const decisions = cases.flatMap(({ file, given }) => {
    time.at = given.at === undefined ? undefined : Date.parse(given.at)
    const [was, is] = [outcome(old.policy, given, options), outcome(now.policy, given, options)]
    return JSON.stringify(was) === JSON.stringify(is) ? [] : [{ file, description: given.description, before: was, after: is }]
  })
  return { problems, rules: ruleChanges(old.documents, now.documents), targets: targetChanges(listOf(old.targets), listOf(now.targets)), decisions, cases: cases.length }
}

function checked(files: Files, options: TestOptions): Promise<Checked> {
  return Object.keys(files).length === 0 ? Promise.resolve({ problems: [], warnings: [], documents: [] as readonly PolicyDocument[] }) : checkSet(namedTexts(files), options)
}

function listOf(document: TargetsDocument | undefined): TargetsDocument['targets'] {
  return document?.targets ?? []
}

/** Each question once. A case file that cannot be read has no cases: `policy test` is what complains about it. */
async function allCases(files: readonly FileText[], { yaml = createYamlReader() }: TestOptions): Promise<readonly { readonly file: string, readonly given: PolicyCase }[]> {
  const found = new Map<string, { readonly file: string, readonly given: PolicyCase }>()
  for (const source of files) {
    const { file, cases } = await readCases(source, yaml)
    for (const { given } of cases) found.set(JSON.stringify([given.agent, given.call, given.at]), { file, given })
  }
  return [...found.values()]
}

function outcome(policy: Policy | undefined, given: PolicyCase, options: TestOptions): Outcome {
  if (policy === undefined) return NO_RULE
  const call = callOf(given.call, options.methods, options.classify)
  if ('problem' in call) return { effect: 'refused', rule: call.problem, mask: [] }
  const { effect, rule, obligations } = policy.decide(agentOf(given.agent), call)
  return { effect, rule, mask: obligations.mask.detectors }
}
