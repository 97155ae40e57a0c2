/** IAM policies with etags, for every kind of resource: read-modify-write that fails when someone else was faster. */
import { invalid } from './google-error.ts'
import type { GoogleError } from './google-error.ts'
import { fieldsAt, isFields, listAt, textAt } from './json-body.ts'
import type { Fields } from './json-body.ts'

interface Binding { readonly role: string, readonly members: readonly string[], readonly condition?: Fields }
interface IamPolicy { readonly version: number, readonly bindings: readonly Binding[], readonly auditConfigs?: readonly unknown[], readonly etag: string }

export interface Policies {
  get(resource: string): IamPolicy
  /** `stale` is thrown when the body's etag is not that of the policy in force. */
  set(resource: string, policy: Fields, stale: () => GoogleError): IamPolicy
}

const MEMBER = /^(?:allUsers|allAuthenticatedUsers|(?:user|group|serviceAccount|deleted:[a-zA-Z]+):[^\s@]+@[^\s@]+|domain:[^\s@]+|principal(?:Set)?:\/\/\S+|project(?:Owner|Editor|Viewer):\S+)$/
const ROLE = /^(?:roles\/[\w.]+|(?:projects|organizations)\/[\w:.-]+\/roles\/[\w.]+)$/

export function createPolicies(tick: () => number): Policies {
  const policies = new Map<string, IamPolicy>()
  const newEtag = (): string => {
    const bytes = Buffer.alloc(8)
    bytes.writeBigUInt64BE(BigInt(tick()))
    return Buffer.concat([Buffer.from('BwY', 'utf8'), bytes]).toString('base64')
  }
  const get = (resource: string): IamPolicy => {
    const there = policies.get(resource)
    if (there !== undefined) return there
    const fresh: IamPolicy = { version: 1, bindings: [], etag: 'ACAB' }
    policies.set(resource, fresh)
    return fresh
  }
  return {
    get,
    set(resource, policy, stale) {
      const etag = textAt(policy, 'etag')
      if (etag !== undefined && etag !== get(resource).etag) throw stale()
      const bindings = listAt(policy, 'bindings').map(readBinding).filter(({ members }) => members.length > 0)
      const auditConfigs = listAt(policy, 'auditConfigs')
      const stored: IamPolicy = {
        version: bindings.some(({ condition }) => condition !== undefined) ? 3 : 1,
        etag: newEtag(), bindings, ...(auditConfigs.length === 0 ? {} : { auditConfigs }),
      }
      policies.set(resource, stored)
      return stored
    },
  }
}

function readBinding(value: unknown): Binding {
  if (!isFields(value)) throw invalid('Invalid value at \'policy.bindings\': an object is expected.')
  const role = textAt(value, 'role') ?? ''
  if (!ROLE.test(role)) throw invalid(`Role ${role} is not supported for this resource.`)
  const members = listAt(value, 'members').map((member) => {
    if (typeof member !== 'string' || !MEMBER.test(member)) throw invalid(`Invalid member ${String(member)}: it must have a prefix such as user:, group: or serviceAccount:.`)
    return member
  })
  const condition = fieldsAt(value, 'condition')
  return { role, members: [...new Set(members)].toSorted(), ...(Object.keys(condition).length === 0 ? {} : { condition }) }
}

/** The permissions of a `testIamPermissions` body: the sandbox's caller holds all that have the right form. */
export function heldPermissions(body: Fields): readonly string[] {
  return listAt(body, 'permissions').map((permission) => {
    if (typeof permission !== 'string' || !/^[\w-]+(?:\.[\w-]+)+$/.test(permission)) throw invalid(`Permission ${String(permission)} is not valid for this resource.`)
    return permission
  })
}
