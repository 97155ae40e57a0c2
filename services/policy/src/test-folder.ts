/** Runs the cases beside the policies: `*.cases.yaml`. */
import { systemClock, type Clock, type Decision } from '@lockkeeper/domain'
import type { Policy, PolicyCase } from '@lockkeeper/policy-engine'
import { agentOf, callOf } from './case-calls.ts'
import { checkSet, type Checked, type CheckOptions } from './check.ts'
import type { Classify } from './classify.ts'
import { readFolder, wholeFile, type FileProblem, type SetTexts } from './policy-files.ts'
import { readCases } from './read-cases.ts'
import { createYamlReader } from './yaml-reader.ts'

export interface TestOptions extends CheckOptions {
  /** What a curl line means (`createClassify`). Without it a case with a curl line fails. */
  readonly classify?: Classify
}

export interface CaseResult {
  readonly file: string
  readonly line: number
  readonly description: string
  readonly ok: boolean
  readonly wanted: PolicyCase['want']
  /** Undefined: there was no call to decide. */
  readonly got?: Decision
  /** What differs, in words; undefined when ok. */
  readonly why?: string
}

export interface Tested {
  /** Of policies and case files; where there are any, nothing is run. */
  readonly problems: readonly FileProblem[]
  readonly results: readonly CaseResult[]
}

/** What `policy test` does. No case at all is a problem: tests that do not exist do not pass. */
export async function testFolder(directory: string, options: TestOptions): Promise<Tested> {
  const texts = await readFolder(directory)
  const { problems, results } = await testSet(texts, options)
  return texts.cases.length > 0 ? { problems, results } : { problems: [...problems, wholeFile(directory, 'the folder holds no cases (*.cases.yaml)')], results: [] }
}

/** The same for any set; without cases there are no results. */
export async function testSet(texts: SetTexts, options: TestOptions): Promise<Tested & { readonly checked: Checked }> {
  const time = { at: undefined as number | undefined }
  const clock: Clock = { now: () => time.at ?? (options.clock ?? systemClock).now(), monotonic: () => (options.clock ?? systemClock).monotonic() }
  const checked = await checkSet(texts, { ...options, clock })
  const sources = await Promise.all(texts.cases.map((source) => readCases(source, options.yaml ?? createYamlReader())))
  const problems = [...checked.problems, ...sources.flatMap((each) => each.problems)]
  const { policy } = checked
  if (problems.length > 0 || policy === undefined) return { problems, results: [], checked }
  const results = sources.flatMap(({ file, cases }) => cases.map(({ line, given }) => {
    time.at = given.at === undefined ? undefined : Date.parse(given.at)
    return { file, line, description: given.description, wanted: given.want, ...runCase(policy, given, options) }
  }))
  time.at = undefined
  return { problems, results, checked }
}

function runCase(policy: Policy, given: PolicyCase, options: TestOptions): Pick<CaseResult, 'ok' | 'got' | 'why'> {
  const call = callOf(given.call, options.methods, options.classify)
  if ('problem' in call) return { ok: false, why: call.problem }
  const got = policy.decide(agentOf(given.agent), call)
  const why = difference(given.want, got)
  return why === undefined ? { ok: true, got } : { ok: false, got, why }
}

function difference(want: PolicyCase['want'], got: Decision): string | undefined {
  const detectors = got.obligations.mask.detectors
  if (want.effect !== got.effect) return `wanted ${want.effect}, got ${got.effect} by ${got.rule}`
  if (want.rule !== undefined && want.rule !== got.rule) return `wanted rule ${want.rule}, got ${got.rule}`
  if (want.mask !== undefined && want.mask.toSorted().join() !== detectors.join()) return `wanted mask [${want.mask.toSorted().join(', ')}], got [${detectors.join(', ')}]`
  return undefined
}
