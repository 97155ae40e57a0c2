/** Test-only: the service on the embedded edition's store, beside a reader as a proxy has it. */
import { mkdirSync, renameSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { openFileBlobs, openKeyFile, openSqlite } from '@lockkeeper/adapter-sqlite'
import { systemClock, type Agent, type Call, type Method, type RiskClass } from '@lockkeeper/domain'
import type { CloudEvent } from '@lockkeeper/domain/events'
import { watchBundle, type Policy } from '@lockkeeper/policy-engine'
import { collector, tempDir, type Collector } from '@lockkeeper/testkit'
import { collections, createPolicyService, type FileProblem, type PolicyService } from '../service.ts'

const method = (id: string, risk: RiskClass, version = 'v1'): Method => ({
  id, host: `${id.split('.')[0]}.googleapis.com`, api: id.split('.')[0] ?? '', version, verb: 'GET', template: '', change: risk !== 'read', risk, mintsCredential: false, returnsSecret: false, longRunning: false,
})
const METHODS: readonly Method[] = [method('storage.objects.get', 'read'), method('storage.buckets.delete', 'critical'), method('storage.buckets.getIamPolicy', 'read'), { ...method('storage.buckets.setIamPolicy', 'high'), reader: 'storage.buckets.getIamPolicy' }]

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
  /** As editors do: into another file, then renamed into place. */
  write(file: string, text: string): void
  restart(): Promise<PolicyService>
  close(): Promise<void>
}

export async function openWorld(files: Readonly<Record<string, string>>): Promise<World> {
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
  const make = (): PolicyService => createPolicyService({ documents: store.documents, blobs, signer, clock: systemClock, log, methods: METHODS, onProblem: problems.add }, { folder, by: 'ann' })
  let service = make()
  store.events.subscribe({ topic: 'policies', name: 'test' }, async ({ event }) => { facts.add(event) })
  const reader = watchBundle({ store: store.documents, blobs, keys: [await service.verifyKey()], methods: METHODS, clock: systemClock, onPolicy: inForce.add })
  return {
    folder, problems, inForce, facts, store, reader, write,
    get service() { return service },
    async restart() {
      await service.drain()
      service = make()
      await service.start()
      return service
    },
    async close() {
      reader.close()
      await service.drain()
      await store.close()
    },
  }
}
