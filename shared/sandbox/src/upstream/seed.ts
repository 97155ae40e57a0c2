/** What is there when the sandbox starts: a small company with personal data in every place where real ones have it. */
import { addInstance } from './compute.ts'
import { addServiceAccount } from './iam.ts'
import { addTopic } from './pubsub.ts'
import { PROJECT_RESOURCE } from './resource-manager.ts'
import { addService } from './run.ts'
import { addSecret } from './secret-manager.ts'
import { addBucket } from './storage/buckets.ts'
import { putObject } from './storage/objects.ts'
import { concurrentPolicyChange } from './google-error.ts'
import { PROJECT } from './world.ts'
import type { World } from './world.ts'

export interface SeedOptions {
  /** Objects in the bucket `large-listing`, each with an e-mail address in its metadata; default 0: no such bucket. */
  readonly largeListing?: number
}

/** The bucket in which agents may write. */
export const WORKSPACE_BUCKET = 'agent-workspace'
/** The bucket whose listing is full of e-mail addresses. */
export const CUSTOMER_BUCKET = 'customer-exports'

const CUSTOMER_FILES = [
  ['exports/2026-01/invoices.csv', 'mira.holt@customers.example.com'],
  ['exports/2026-01/mailing.csv', 'jonas.weber@customers.example.com'],
  ['exports/2026-02/invoices.csv', 'ines.duarte@customers.example.com'],
  ['profiles/aiko.tanaka@customers.example.com.json', 'aiko.tanaka@customers.example.com'],
  ['README.txt', 'data.owner@sandbox.example.com'],
] as const

export function seedWorld(world: World, options: SeedOptions = {}): void {
  addBucket(world, WORKSPACE_BUCKET)
  addBucket(world, 'old-backups', { labels: { owner: 'platform' } })
  addBucket(world, CUSTOMER_BUCKET, { labels: { data: 'personal' } })
  for (const [name, email] of CUSTOMER_FILES) addFile(world, CUSTOMER_BUCKET, name, email)
  if (options.largeListing !== undefined && options.largeListing > 0) seedLargeListing(world, options.largeListing)
  for (const account of ['deploy-bot', 'report-reader', 'gateway-agents']) addServiceAccount(world, account, { description: `Asked for by platform.team@sandbox.example.com: ${account}` })
  world.policies.set(PROJECT_RESOURCE, {
    bindings: [
      { role: 'roles/owner', members: ['user:head.of.platform@sandbox.example.com'] },
      { role: 'roles/viewer', members: ['group:engineers@sandbox.example.com', `serviceAccount:report-reader@${PROJECT.id}.iam.gserviceaccount.com`] },
      { role: 'roles/run.developer', members: [`serviceAccount:deploy-bot@${PROJECT.id}.iam.gserviceaccount.com`] },
    ],
  }, concurrentPolicyChange)
  addSecret(world, 'payment-provider', ['first-sandbox-value', 'second-sandbox-value'], { team: 'checkout' })
  addSecret(world, 'smtp-relay', ['relay-user:relay-word@smtp.example.net'])
  for (const service of ['checkout', 'reports']) addService(world, service)
  for (const instance of ['build-1', 'build-2', 'bastion']) addInstance(world, instance)
  addTopic(world, 'orders', { team: 'checkout' })
}

function addFile(world: World, bucket: string, name: string, email: string): void {
  const content = Buffer.from(`name,email\nsandbox row,${email}\n`)
  putObject(world, bucket, name, content, { contentType: name.endsWith('.json') ? 'application/json' : 'text/csv', metadata: { 'uploaded-by': email, reviewer: 'data.owner@sandbox.example.com' } }, new URLSearchParams())
}

function seedLargeListing(world: World, count: number): void {
  addBucket(world, 'large-listing')
  for (let index = 0; index < count; index++) addFile(world, 'large-listing', `rows/${String(index).padStart(7, '0')}.csv`, `customer-${index}@customers.example.com`)
}
