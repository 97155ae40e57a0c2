/**
 * The policy service: a folder of YAML, or a set that is pushed → checked as a whole → signed bundle (and targets) in force,
 * within a second of the change.
 * Imports no adapter; an edition's composition root gives the ports. Everything the package exports stands here.
 */
import type { Clock, MaskPlan, Method, Mode } from '@lockkeeper/domain'
import { HEARTBEAT_EVERY_MS } from '@lockkeeper/domain/collections'
import type { BlobStore, Collection, DocumentStore, Signer } from '@lockkeeper/domain/ports'
import { policies, type SignedPointer, type VerifyKey } from '@lockkeeper/policy-engine'
import { repeat, type Log, type RepeatedWork } from '@lockkeeper/service-kit'
import type { Telemetry } from '@lockkeeper/service-kit/telemetry'
import type { Request, Router } from 'express'
import { z } from 'zod'
import type { Classify } from './classify.ts'
import { watchFolder, type FolderWatch } from './folder-watch.ts'
import { formatProblem, type FileProblem } from './policy-files.ts'
import { createFolderSource } from './folder-source.ts'
import type { PolicySource, SourceParts, SourceStatus } from './policy-source.ts'
import { createPushedSource, type PushedSource } from './pushed-source.ts'
import { policySets } from './set-history.ts'
import type { InForce } from './publisher-ports.ts'
import { beat, readInForce, verifyKeyOf } from './publisher.ts'
import { createRoutes } from './routes.ts'
import type { TestOptions } from './test-folder.ts'
import { createYamlReader } from './yaml-reader.ts'

export interface PolicyPorts {
  /** Opened with `collections`. */
  readonly documents: DocumentStore
  readonly blobs: BlobStore
  readonly signer: Signer
  readonly clock: Clock
  readonly log: Log
  /** Undefined: off. */
  readonly telemetry?: Telemetry | undefined
  /** The loaded catalog's methods. */
  readonly methods: readonly Method[]
  /** What a curl line means (`createClassify`); for explain. */
  readonly classify?: Classify
  /** The masking package's `maskProblems`. Default: masks are not checked. */
  readonly maskProblems?: (plan: MaskPlan) => readonly string[]
  /** Called with all problems whenever they change, and with none once the folder is sound again. */
  readonly onProblem?: (problems: readonly FileProblem[]) => void
  /** Where `yaml-worker` lies when this package is bundled. */
  readonly yamlWorkerUrl?: URL
  /** Keys that signed earlier sets, where the signer's key has changed. Default: none. */
  readonly trustedKeys?: readonly VerifyKey[]
  /** Who pushes, where the listener has verified it; undefined: what the request says. */
  readonly pushedBy?: (request: Request) => string | undefined
}

const settingsSchema = z.strictObject({
  /** Folder with `*.yaml`; or `pushed`. */
  folder: z.string().min(1).optional(),
  /** Sets come over the API (PUT /v1/policies) and not from a folder. */
  pushed: z.literal(true).optional(),
  /** `sandbox` or `real`: what targets must fit (invariant 14). Default `real`. */
  mode: z.enum(['sandbox', 'real']).default('real'),
  /** Whether a set must bring `targets.yaml`: `required`; `refused`, where targets stand elsewhere; `optional` (default): without it those that were published stay. */
  targets: z.enum(['required', 'refused', 'optional']).default('optional'),
  /** Who publishes, for the bundle and the log. Default `folder`. */
  by: z.string().min(1).max(200).default('folder'),
  /** Ms between looks at the folder beside the system's notices, or at the store for what other instances pushed; 250 to 60,000. Default 2,000. */
  pollMs: z.int().min(250).max(60_000).default(2_000),
}).refine(({ folder, pushed }) => (folder === undefined) !== (pushed === undefined), 'name either folder or pushed')
export type PolicySettings = z.input<typeof settingsSchema>

export type PolicyStatus = SourceStatus

export interface PolicyService {
  /** For the admin listener. */
  readonly routes: Router
  /** This service consumes nothing. */
  readonly subscriptions: readonly never[]
  status(): PolicyStatus
  /** For readers: the key that bundles are signed with. */
  verifyKey(): Promise<VerifyKey>
  /** Reads the folder, or the newest pushed set, now; resolves when what it holds is in force or refused. */
  scan(): Promise<void>
  /** First heartbeat and first scan, then watches. Resolves also when the set has problems or nothing was pushed yet: `status()` tells. PortUnavailable on outage. */
  start(): Promise<void>
  /** Stops watching and waits for what is in flight. */
  drain(): Promise<void>
}

/** Collections that the store must be opened with. */
export const collections: readonly Collection[] = [policies, policySets]

/** TypeError for settings that are not sound. */
export function createPolicyService(ports: PolicyPorts, given: PolicySettings): PolicyService {
  const settings = readSettings(given)
  const { documents, blobs, log } = ports
  const options = checkOptions(ports, settings.mode)
  const { source, pushed } = sourceOf(ports, settings, options)
  const running: { work: RepeatedWork[], watch: FolderWatch | undefined, scanning: Promise<void> } = { work: [], watch: undefined, scanning: Promise.resolve() }
  let inForce: InForce = {}

  ports.telemetry?.gauge({ name: 'lockkeeper.policy.problems', unit: '{problem}', text: 'Problems of the newest policies; over 0 they are not in force.' }, () => source.status().problems.length)
  const failed = (cause: unknown): void => { log.error({ err: cause }, 'policies could not be published; it is tried again') }
  const rescan = (): void => { running.scanning = source.scan().catch(failed) }
  return {
    routes: createRoutes({ source, pushed, documents, blobs, options, log, pushedBy: ports.pushedBy }),
    subscriptions: [],
    status: () => ({ ...inForce, ...source.status() }),
    verifyKey: () => verifyKeyOf(ports.signer),
    scan: () => source.scan(),
    async start() {
      if (running.work.length > 0) throw new TypeError('the policy service was started already')
      await beat(documents)
      inForce = await readInForce(documents)
      await source.scan()
      running.work.push(repeat({
        everyMs: HEARTBEAT_EVERY_MS, first: 'later', work: () => beat(documents),
        failed: (cause) => { log.error({ err: cause }, 'the heartbeat failed; it is tried again') },
      }))
      if (settings.folder === undefined) running.work.push(repeat({ everyMs: settings.pollMs, first: 'later', work: () => source.scan(), failed }))
      else running.watch = watchFolder(settings.folder, settings.pollMs, ports.clock, rescan)
      // What changed between the scan and the watch is found by another look.
      rescan()
    },
    async drain() {
      running.watch?.close()
      await Promise.all([...running.work.splice(0).map((work) => work.stop()), running.scanning])
    },
  }
}

function sourceOf(ports: PolicyPorts, { folder, by, targets }: z.output<typeof settingsSchema>, check: TestOptions): { readonly source: PolicySource, readonly pushed: PushedSource | undefined } {
  const parts: SourceParts = { ...ports, by, check, targetsRule: targets, ...announcements(ports) }
  if (folder !== undefined) return { source: createFolderSource({ ...parts, folder }), pushed: undefined }
  const pushed = createPushedSource({ ...parts, trusted: ports.trustedKeys ?? [] })
  return { source: pushed, pushed }
}

function readSettings(given: PolicySettings): z.output<typeof settingsSchema> {
  const settings = settingsSchema.safeParse(given)
  if (!settings.success) throw new TypeError(`settings of the policy service: ${z.prettifyError(settings.error)}`)
  return settings.data
}

function checkOptions(ports: PolicyPorts, mode: Mode): TestOptions {
  const { methods, clock, classify, maskProblems } = ports
  return { methods, clock, mode, yaml: createYamlReader(ports.yamlWorkerUrl), ...(classify === undefined ? {} : { classify }), ...(maskProblems === undefined ? {} : { maskProblems }) }
}

function announcements({ log, onProblem }: PolicyPorts) {
  return {
    onProblems(problems: readonly FileProblem[]): void {
      log.error({ problems: problems.slice(0, 20).map(formatProblem), count: problems.length }, 'the policies have problems; what was in force stays in force')
      onProblem?.(problems)
    },
    onPublished(pointer: SignedPointer, warnings: readonly FileProblem[]): void {
      log.info({ version: pointer.version, sequence: pointer.sequence, rules: pointer.rules }, 'policies are in force')
      for (const warning of warnings.slice(0, 20)) log.warn({ file: warning.file }, formatProblem(warning))
      onProblem?.([])
    },
  }
}

export { checkFiles, checkFolder, checkSet, type Checked, type CheckOptions } from './check.ts'
export { createClassify, type Classify } from './classify.ts'
export { parseCurl, type CurlRequest } from './curl-line.ts'
export { explainFolder, explainQuestion, questionSchema, type Question } from './explain.ts'
export { formatProblem, namedTexts, readFolder, type FileProblem, type FileText, type SetTexts } from './policy-files.ts'
export type { RuleChange } from './rule-changes.ts'
export { diffSets, type DecisionChange, type SetDiff } from './set-diff.ts'
export { starterFolder } from './starter.ts'
export { testFolder, type CaseResult, type Tested, type TestOptions } from './test-folder.ts'
