/** Test-only: the service on the embedded edition's store, beside a reader as a proxy has it. */
import { mkdirSync, renameSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { openFileBlobs, openKeyFile, openSqlite } from '@lockkeeper/adapter-sqlite'
import { systemClock, type Agent, type Call, type Method, type RiskClass } from '@lockkeeper/domain'
import type { CloudEvent } from '@lockkeeper/domain/events'
import { watchBundle, watchTargetSet, type Policy, type TargetConfig, type TargetSetWatch } from '@lockkeeper/policy-engine'
import { collector, tempDir, type Collector } from '@lockkeeper/testkit'
import { collections, createPolicyService, type FileProblem, type PolicyService, type PolicySettings } from '../service.ts'

const method = (id: string, risk: RiskClass, version = 'v1'): Method => ({
  id, host: `${id.split('.')[0]}.googleapis.com`, api: id.split('.')[0] ?? '', version, verb: 'GET', template: '', change: risk !== 'read', risk, mintsCredential: false, returnsSecret: false, longRunning: false,
})
export const METHODS: readonly Method[] = [method('storage.objects.get', 'read'), method('storage.buckets.delete', 'critical'), method('storage.buckets.getIamPolicy', 'read'), { ...method('storage.buckets.setIamPolicy', 'high'), reader: 'storage.buckets.getIamPolicy' }]

export const AGENT: Agent = { issuer: 'github', subject: 's', id: 'acme/shop', run: 'r', chain: [], labels: {}, tokenHash: 'h', expiresAt: 0 }

export function callOf(id: string, resource = '//storage.googleapis.com/projects/_/buckets/b'): Call {
  const found = METHODS.find((each) => each.id === id) as Method
  return { target: 'google', method: found, host: found.host, path: '', query: '', resources: [resource], arguments: {}, body: { kind: 'none' }, media: 'none' }
}

export function policyYaml(name: string, effect: string, extra = ''): string {
  return `apiVersion: lockkeeper.dev/v1\nkind: Policy\nmetadata: { name: ${name}, owner: platform }\nagents: ['*']\nrules:\n  - name: all\n    methods: ['*']\n    effect: ${effect}\n${extra}`
}

export interface World {
  readonly folder: string
  readonly service: PolicyService
  readonly problems: Collector<readonly FileProblem[]>
  readonly inForce: Collector<Policy>
  readonly facts: Collector<CloudEvent>
  readonly store: Awaited<ReturnType<typeof openSqlite>>
  readonly reader: ReturnType<typeof watchBundle>
  readonly targets: TargetSetWatch
  readonly targetSets: Collector<readonly TargetConfig[]>
  /** Another instance of the service over the same store. */
  another(): PolicyService
  /** As editors do: into another file, then renamed into place. */
  write(file: string, text: string): void
  restart(): Promise<PolicyService>
  close(): Promise<void>
}

/** `settings`: besides the folder; in its place with `pushed: true`. */
export async function openWorld(files: Readonly<Record<string, string>>, settings: PolicySettings = {}): Promise<World> {
  const root = tempDir()
  const folder = join(root, 'policies')
  mkdirSync(folder)
  const write = (file: string, text: string): void => {
    writeFileSync(join(folder, `.${file}.tmp`), text)
    renameSync(join(folder, `.${file}.tmp`), join(folder, file))
  }
  for (const [file, text] of Object.entries(files)) write(file, text)
  const store = await openSqlite({ file: join(root, 'store.sqlite'), collections })
  const [blobs, signer] = [await openFileBlobs(join(root, 'blobs')), await openKeyFile(join(root, 'policy.key'))]
  const problems = collector<readonly FileProblem[]>()
  const inForce = collector<Policy>()
  const facts = collector<CloudEvent>()
  const log = { debug: () => undefined, info: () => undefined, warn: () => undefined, error: () => undefined }
  const make = (): PolicyService => createPolicyService({ documents: store.documents, blobs, signer, clock: systemClock, log, methods: METHODS, onProblem: problems.add }, { ...settings.pushed === true ? {} : { folder }, by: 'ann', mode: 'sandbox', ...settings })
  let service = make()
  store.events.subscribe({ topic: 'policies', name: 'test' }, async ({ event }) => { facts.add(event) })
  const reader = watchBundle({ store: store.documents, blobs, keys: [await service.verifyKey()], methods: METHODS, clock: systemClock, onPolicy: inForce.add })
  const targetSets = collector<readonly TargetConfig[]>()
  const targets = watchTargetSet({ store: store.documents, blobs, keys: [await service.verifyKey()], clock: systemClock, mode: 'sandbox', onTargets: targetSets.add })
  return {
    targets, targetSets, another: make, folder, problems, inForce, facts, store, reader, write,
    get service() { return service },
    async restart() {
      await service.drain()
      service = make()
      await service.start()
      return service
    },
    async close() {
      reader.close()
      targets.close()
      await service.drain()
      await store.close()
    },
  }
}

export function targetsYaml(...targets: readonly (readonly [name: string, host: string])[]): string {
  const lines = targets.map(([name, host]) => `  - { name: ${name}, hosts: ["${host}"], upstream: "http://127.0.0.1:9", credential: { secret: s } }`)
  return `apiVersion: lockkeeper.dev/v1\nkind: Targets\ntargets:\n${lines.join('\n')}\n`
}

export function casesYaml(effect: string): string {
  return `apiVersion: lockkeeper.dev/v1\nkind: PolicyCases\ncases:\n  - description: reading\n    agent: { issuer: github, id: x }\n    call: { method: storage.objects.get, resources: ['//storage.googleapis.com/projects/_/buckets/b'] }\n    want: { effect: ${effect} }\n`
}
