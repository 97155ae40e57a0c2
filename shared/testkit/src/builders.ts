/** Complete, valid values of the house's words; each takes what a test cares about and fills in the rest. */
import { createHash, randomUUID } from 'node:crypto'
import type { Agent, Call, Decision, Lock, Method, Person, PersonId } from '@lockkeeper/domain'
import { cloudEvent, type CloudEvent, type EventType } from '@lockkeeper/domain/events'
import type { AccessRequest, AttachKey, CanonicalCall } from '@lockkeeper/domain/ports'

/** 2026-01-01T00:00:00Z, where `manualClock` starts. */
export const TEST_EPOCH = Date.UTC(2026, 0, 1)

export function anAgent(changes: Partial<Agent> = {}): Agent {
  return {
    issuer: 'test', subject: 'repo:acme/shop', id: 'acme/shop', run: 'run-1', sponsor: 'ana', sponsorPerson: aPersonId('ana'), chain: [],
    labels: {}, tokenHash: createHash('sha256').update('test token').digest('base64url'), expiresAt: TEST_EPOCH + 3_600_000, ...changes,
  }
}

export function aPersonId(name: string): PersonId {
  return name as PersonId
}

export function aPerson(changes: Partial<Omit<Person, 'id'>> & { readonly id?: string } = {}): Person {
  const { id = 'ana', ...others } = changes
  return { id: aPersonId(id), name: id, groups: ['approvers'], identities: [{ issuer: 'test', subject: id }], ...others }
}

/** A read of an object; `changes` make it anything else. */
export function aMethod(changes: Partial<Method> = {}): Method {
  return {
    id: 'storage.objects.get', host: 'storage.googleapis.com', api: 'storage', version: 'v1', verb: 'GET', template: '/storage/v1/b/{bucket}/o/{object}',
    change: false, risk: 'read', mintsCredential: false, returnsSecret: false, longRunning: false, ...changes,
  }
}

/** A change that policies usually have approved: `setIamPolicy` on a project. */
export function aChangeMethod(changes: Partial<Method> = {}): Method {
  return aMethod({
    id: 'cloudresourcemanager.projects.setIamPolicy', host: 'cloudresourcemanager.googleapis.com', api: 'cloudresourcemanager', version: 'v3', verb: 'POST',
    template: '/v3/projects/{project}:setIamPolicy', change: true, risk: 'critical', precondition: 'etag', reader: 'cloudresourcemanager.projects.getIamPolicy', ...changes,
  })
}

export function aCall(changes: Partial<Call> = {}): Call {
  const method = changes.method ?? aMethod()
  return {
    target: 'google', method, host: method.host, path: '/storage/v1/b/dev-data/o/report.csv', query: '',
    resources: ['//storage.googleapis.com/projects/_/buckets/dev-data/objects/report.csv'], arguments: { bucket: 'dev-data', object: 'report.csv' },
    body: { kind: 'none' }, media: 'none', ...changes,
  }
}

/** The canonical form of a `setIamPolicy`. */
export function aCanonicalCall(changes: Partial<CanonicalCall> = {}): CanonicalCall {
  return {
    target: 'google', method: 'cloudresourcemanager.projects.setIamPolicy', change: true, risk: 'critical', verb: 'POST',
    host: 'cloudresourcemanager.googleapis.com', path: '/v3/projects/shop:setIamPolicy', query: '',
    resources: ['//cloudresourcemanager.googleapis.com/projects/shop'], arguments: { project: 'shop' }, headers: {},
    body: { kind: 'json', text: '{"policy":{"bindings":[],"etag":"BwX"}}' }, returnsSecret: false, ...changes,
  }
}

export function aDecision(changes: Partial<Decision> = {}): Decision {
  return {
    effect: 'allow', rule: 'tests/allow', reasons: ['tests/allow allows it'], obligations: { mask: { detectors: [], fields: [] }, notify: false },
    hash: createHash('sha256').update(changes.rule ?? 'tests/allow').digest('hex'), bundle: 'bundle-1', conditionErrors: [], ...changes,
  }
}

export function anApproveDecision(changes: Partial<Decision> = {}): Decision {
  return aDecision({
    effect: 'approve', rule: 'tests/approve', reasons: ['tests/approve asks a person'],
    obligations: { mask: { detectors: [], fields: [] }, notify: false, approval: { reviewers: [], quorum: 1, expiresMs: 1_800_000, reasonRequired: false } }, ...changes,
  })
}

export function anAttachKey(changes: Partial<AttachKey> = {}): AttachKey {
  return { issuer: 'test', agent: 'acme/shop', run: 'run-1', digest: createHash('sha256').update('call').digest('hex'), ...changes }
}

export function anAccessRequest(changes: Partial<AccessRequest> = {}): AccessRequest {
  return {
    id: `apr_${randomUUID().slice(0, 8)}`, attach: anAttachKey(), agent: anAgent(), call: aCanonicalCall(), decision: anApproveDecision(),
    mode: 'sandbox', isolation: 'user', at: TEST_EPOCH, ...changes,
  }
}

export function aLock(changes: Partial<Lock> = {}): Lock {
  return { id: `lock_${randomUUID().slice(0, 8)}`, scope: { kind: 'everything' }, reason: 'test', by: 'ana', at: TEST_EPOCH, ...changes }
}

/** An event with an id of its own; the data is free where a test only moves events. */
export function anEvent<D>(data: D, type: EventType = 'lock.changed', id: string = `evt_${randomUUID()}`): CloudEvent<EventType, D> {
  return cloudEvent(type, '/test', id, TEST_EPOCH, data)
}
