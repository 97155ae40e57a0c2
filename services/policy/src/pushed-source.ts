/** Sets that are pushed over the API: checked with their cases, put in force only in the place of the set that the pusher has seen. */
import { isRefusal, LockkeeperError, refuse } from '@lockkeeper/domain/errors'
import type { Write } from '@lockkeeper/domain/ports'
import type { VerifyKey } from '@lockkeeper/policy-engine'
import { presenceProblems } from './check-targets.ts'
import { checkSet } from './check.ts'
import { bundleOf } from './next-pointers.ts'
import { namedTexts, wholeFile, type FileProblem } from './policy-files.ts'
import { oneAtATime, SourceState, type PolicySource, type SourceParts } from './policy-source.ts'
import { verifyKeyOf, type Beside } from './publisher.ts'
import { ruleChanges, type RuleChange } from './rule-changes.ts'
import { encodeSet, entryFault, entryRef, HEAD, readEntry, readHead, readSet, signEntry, type SetEntry } from './set-history.ts'
import { testSet, type CaseResult, type Tested } from './test-folder.ts'

const MOST_WAITING = 16

export interface Push {
  readonly files: Readonly<Record<string, string>>
  readonly by: string
  readonly note: string
  /** Number of the set that it takes the place of; 0: nothing is in force. */
  readonly replaces: number
  /** Everything but the publication. */
  readonly dryRun: boolean
}

export type Pushed =
  | { readonly kind: 'published' | 'unchanged', readonly entry: SetEntry, readonly warnings: readonly FileProblem[], readonly cases: number }
  | { readonly kind: 'sound', readonly changes: readonly RuleChange[], readonly warnings: readonly FileProblem[], readonly cases: number }
  | { readonly kind: 'unsound', readonly problems: readonly FileProblem[], readonly failed: readonly CaseResult[] }
  /** Another set is in force than the one that was to be replaced; `changes` lead from that to this. */
  | { readonly kind: 'overtaken', readonly inForce: SetEntry | undefined, readonly changes: readonly RuleChange[] }

export interface PushedSource extends PolicySource {
  push(push: Push): Promise<Pushed>
  head(): Promise<SetEntry | undefined>
  /** What is wrong with an entry's signature; undefined: nothing. */
  faultOf(entry: SetEntry): Promise<string | undefined>
}

export function createPushedSource(parts: SourceParts & { readonly trusted: readonly VerifyKey[] }): PushedSource {
  const state = new SourceState(parts)
  let known: SetEntry | undefined
  let looked: string | undefined

  const faultOf = async (entry: SetEntry): Promise<string | undefined> => entryFault(entry, [await verifyKeyOf(parts.signer), ...parts.trusted])

  /** Takes over what another instance, or this one before its restart, has put in force. */
  const follow = async (): Promise<void> => {
    const head = await readHead(parts.documents)
    if (head === undefined || JSON.stringify(head) === looked) return state.restore()
    const fault = await faultOf(head) ?? (known !== undefined && head.number < known.number ? `policy set ${head.number} is older than one that was in force before` : undefined)
    const read = fault === undefined ? await readSet(parts.blobs, head) : { problem: fault }
    if ('problem' in read) return state.refuse([wholeFile('the set in force', read.problem)])
    const texts = namedTexts(read.files)
    const checked = await checkSet(texts, parts.check)
    const problems = [...checked.problems, ...presenceProblems(parts.targetsRule, texts.targets)]
    if (problems.length > 0) state.refuse(problems)
    else {
      await state.publish(texts, checked, head.by)
      known = head
    }
    looked = JSON.stringify(head)
  }

  const publishSet = async (push: Push, texts: ReturnType<typeof namedTexts>, { checked, results }: Tested & { readonly checked: Awaited<ReturnType<typeof checkSet>> }): Promise<Pushed> => {
    const head = await readHead(parts.documents)
    const set = encodeSet(texts.texts)
    const told = { warnings: checked.warnings, cases: results.length }
    if (head?.version === set.version && head.number === push.replaces) return { kind: 'unchanged', entry: head, ...told }
    await parts.blobs.create(set.key, set.bytes)
    const facts = { number: push.replaces + 1, version: set.version, key: set.key, rules: checked.documents.reduce((sum, { rules }) => sum + rules.length, 0), files: texts.texts.length, by: push.by, note: push.note, at: parts.clock.now() }
    const entry = await signEntry({ ...facts, bundle: (await bundleOf(checked.documents, parts.check.methods, parts.clock)).version }, parts.signer)
    const published = await state.publish(texts, checked, push.by, besideOf(entry, push.replaces))
    if (isRefusal(published)) return overtaken(parts, push.replaces)
    known = entry
    looked = JSON.stringify({ ...entry, kind: 'head' })
    return { kind: 'published', entry, ...told }
  }

  const push = async (given: Push): Promise<Pushed> => {
    if ((await readHead(parts.documents))?.number !== (given.replaces === 0 ? undefined : given.replaces)) return overtaken(parts, given.replaces)
    const texts = namedTexts(given.files)
    const tested = await testSet(texts, parts.check)
    const failed = tested.results.filter(({ ok }) => !ok)
    const problems = [...tested.problems, ...presenceProblems(parts.targetsRule, texts.targets)]
    if (problems.length > 0 || failed.length > 0) return { kind: 'unsound', problems, failed }
    if (!given.dryRun) return publishSet(given, texts, tested)
    return { kind: 'sound', changes: ruleChanges(await documentsOf(parts, given.replaces), tested.checked.documents), warnings: tested.checked.warnings, cases: tested.results.length }
  }

  const scan = oneAtATime(() => locked(follow))
  const locked = serial()
  return { status: () => state.status(), policy: () => state.policy(), files: () => state.files(), scan, push: (given) => locked(() => push(given)), head: () => readHead(parts.documents), faultOf }
}

/** The entry and its copy as head, only in the place of the set that was seen. */
function besideOf(entry: SetEntry, replaces: number): Beside {
  return {
    refs: [HEAD, entryRef(entry.number)],
    decide([head]) {
      if ((head?.data as SetEntry | undefined)?.number !== (replaces === 0 ? undefined : replaces)) return refuse('STATE_CHANGED', 'another set was pushed meanwhile')
      const writes: readonly Write[] = [{ kind: 'put', ref: HEAD, data: { ...entry, kind: 'head' } }, { kind: 'create', ref: entryRef(entry.number), data: entry }]
      return writes
    },
  }
}

async function overtaken(parts: SourceParts, replaces: number): Promise<Pushed> {
  const inForce = await readHead(parts.documents)
  return { kind: 'overtaken', inForce, changes: ruleChanges(await documentsOf(parts, replaces), await documentsOf(parts, inForce?.number ?? 0)) }
}

/** None where there is no such set, or it cannot be read any more: a comparison is all that hangs on it. */
async function documentsOf(parts: SourceParts, number: number) {
  const entry = number === 0 ? undefined : await readEntry(parts.documents, number)
  const read = entry === undefined ? undefined : await readSet(parts.blobs, entry)
  return read === undefined || 'problem' in read ? [] : (await checkSet(namedTexts(read.files), parts.check)).documents
}

/** One after the other: a push and a look at the store never cross. LockkeeperError OVERLOADED when too many wait. */
function serial(): <T>(work: () => Promise<T>) => Promise<T> {
  let last: Promise<unknown> = Promise.resolve()
  let waiting = 0
  return (work) => {
    if (waiting >= MOST_WAITING) return Promise.reject(new LockkeeperError('OVERLOADED', 'Too many sets are being pushed at once. Nothing was changed; try again in a moment.'))
    waiting += 1
    const run = last.then(work).finally(() => { waiting -= 1 })
    last = run.catch(() => undefined)
    return run
  }
}
