/** Tests only: calls that scenarios share, and rules that speak about them. */
import type { RuleDocument } from '@lockkeeper/policy-engine'
import type { TestGateway } from './test-gateway.ts'

export const PROJECT_POLICY = 'cloudresourcemanager.googleapis.com/v1/projects/sandbox-project'
export const CUSTOMERS = 'storage.googleapis.com/storage/v1/b/customer-exports/o'
export const BUCKETS = 'storage.googleapis.com/storage/v1/b?project=sandbox-project'
export const TOPIC = 'pubsub.googleapis.com/v1/projects/sandbox-project/topics/orders'
export const INSTANCES = 'compute.googleapis.com/compute/v1/projects/sandbox-project/zones/europe-west1-b/instances'
export const ACCOUNT = 'iam.googleapis.com/v1/projects/sandbox-project/serviceAccounts/deploy-bot@sandbox-project.iam.gserviceaccount.com'

/** Everything is allowed but what a rule of its own says. */
export const ALLOW: RuleDocument = { name: 'allow', methods: ['*'], effect: 'allow' }
/** Publishing to a topic waits for a person: a change without state of its own. */
export const ASK_TO_PUBLISH: RuleDocument = { name: 'publish', methods: ['pubsub.projects.topics.publish'], effect: 'approve', approval: { reviewers: ['group:approvers'] } }
export const ASK_FOR_ACCESS: RuleDocument = { name: 'access', methods: ['*.setIamPolicy'], effect: 'approve', approval: { reviewers: ['group:approvers'] } }

export const message = (text: string): unknown => ({ messages: [{ data: Buffer.from(text).toString('base64') }] })

/** The body of a setIamPolicy that gives one more member a harmless role, on top of what is in force. */
export function oneMoreViewer({ upstream }: Pick<TestGateway, 'upstream'>, member: string): unknown {
  const { bindings, etag } = upstream.world.policies.get('//cloudresourcemanager.googleapis.com/projects/sandbox-project')
  return { policy: { etag, bindings: [...bindings, { role: 'roles/run.viewer', members: [member] }] } }
}

/** Publishes that reached the upstream. */
export function published({ upstream }: Pick<TestGateway, 'upstream'>): number {
  return upstream.requests.count({ host: 'pubsub.googleapis.com', method: 'POST', path: /:publish$/ })
}
