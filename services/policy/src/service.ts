/**
 * The policy service: a folder of YAML → checked as a whole → signed bundle in force, within a second of the change.
 * Imports no adapter; an edition's composition root gives the ports. Everything the package exports stands here.
 */
import type { Clock, MaskPlan, Method } from '@lockkeeper/domain'
import { HEARTBEAT_EVERY_MS } from '@lockkeeper/domain/collections'
import type { BlobStore, Collection, DocumentStore, Signer } from '@lockkeeper/domain/ports'
import { policies, type SignedPointer, type VerifyKey } from '@lockkeeper/policy-engine'
import { repeat, type Log, type RepeatedWork } from '@lockkeeper/service-kit'
import type { Router } from 'express'
import { z } from 'zod'
import type { Classify } from './classify.ts'
import { watchFolder, type FolderWatch } from './folder-watch.ts'
import { formatProblem, type FileProblem } from './policy-files.ts'
import { createPolicySource } from './policy-source.ts'
import { beat, currentPointer, verifyKeyOf } from './publisher.ts'
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
}

const settingsSchema = z.strictObject({
  /** Folder with `*.yaml`. */
  folder: z.string().min(1),
  /** Who publishes, for the bundle and the log. Default `folder`. */
  by: z.string().min(1).max(200).default('folder'),
  /** Ms between looks at the folder beside the system's notices; 250 to 60,000. Default 2,000. */
  pollMs: z.int().min(250).max(60_000).default(2_000),
})
export type PolicySettings = z.input<typeof settingsSchema>

export interface PolicyStatus {
  readonly pointer?: SignedPointer
  readonly problems: readonly FileProblem[]
  readonly warnings: readonly FileProblem[]
}

export interface PolicyService {
  /** For the admin listener. */
  readonly routes: Router
  /** This service consumes nothing. */
  readonly subscriptions: readonly never[]
  status(): PolicyStatus
  /** For readers: the key that bundles are signed with. */
  verifyKey(): Promise<VerifyKey>
  /** Reads the folder now; resolves when what it holds is in force or refused. */
  scan(): Promise<void>
  /** First heartbeat and first scan, then watches. Resolves also when the folder has problems: `status()` tells. PortUnavailable on outage. */
  start(): Promise<void>
  /** Stops watching and waits for what is in flight. */
  drain(): Promise<void>
}

/** Collections that the store must be opened with. */
export const collections: readonly Collection[] = [policies]

/** TypeError for settings that are not sound. */
export function createPolicyService(ports: PolicyPorts, given: PolicySettings): PolicyService {
  const settings = readSettings(given)
  const { documents, log } = ports
  const options = checkOptions(ports)
  const source = createPolicySource({ ...ports, ...settings, check: options, ...announcements(ports) })
  const running: { work: RepeatedWork | undefined, watch: FolderWatch | undefined, scanning: Promise<void> } = { work: undefined, watch: undefined, scanning: Promise.resolve() }
  let inForce: SignedPointer | undefined

  const rescan = (): void => {
    running.scanning = source.scan().catch((cause: unknown) => { log.error({ err: cause }, 'policies could not be published; it is tried again') })
  }
  return {
    routes: createRoutes({ source, options, log }),
    subscriptions: [],
    status() {
      const { pointer = inForce, problems, warnings } = source.status()
      return { problems, warnings, ...(pointer === undefined ? {} : { pointer }) }
    },
    verifyKey: () => verifyKeyOf(ports.signer),
    scan: () => source.scan(),
    async start() {
      if (running.work !== undefined) throw new TypeError('the policy service was started already')
      await beat(documents)
      inForce = await currentPointer(documents)
      await source.scan()
      running.work = repeat({
        everyMs: HEARTBEAT_EVERY_MS, first: 'later', work: () => beat(documents),
        failed: (cause) => { log.error({ err: cause }, 'the heartbeat failed; it is tried again') },
      })
      running.watch = watchFolder(settings.folder, settings.pollMs, ports.clock, rescan)
      // What changed between the scan and the watch is found by another look.
      rescan()
    },
    async drain() {
      running.watch?.close()
      await Promise.all([running.work?.stop(), running.scanning])
      running.work = undefined
    },
  }
}

function readSettings(given: PolicySettings): z.output<typeof settingsSchema> {
  const settings = settingsSchema.safeParse(given)
  if (!settings.success) throw new TypeError(`settings of the policy service: ${z.prettifyError(settings.error)}`)
  return settings.data
}

function checkOptions(ports: PolicyPorts): TestOptions {
  const { methods, clock, classify, maskProblems } = ports
  return { methods, clock, yaml: createYamlReader(ports.yamlWorkerUrl), ...(classify === undefined ? {} : { classify }), ...(maskProblems === undefined ? {} : { maskProblems }) }
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

export { checkFiles, checkFolder, type Checked, type CheckOptions } from './check.ts'
export { createClassify, type Classify } from './classify.ts'
export { parseCurl, type CurlRequest } from './curl-line.ts'
export { explainFolder, explainQuestion, questionSchema, type Question } from './explain.ts'
export { formatProblem, type FileProblem, type FileText } from './policy-files.ts'
export { starterFolder } from './starter.ts'
export { testFolder, type CaseResult, type Tested, type TestOptions } from './test-folder.ts'
