/** Cloud Resource Manager v1 and v3: one project and its IAM policy. */
import { GoogleError, concurrentPolicyChange } from './google-error.ts'
import { fieldsAt } from './json-body.ts'
import { heldPermissions } from './policies.ts'
import type { Exchange, Route } from './routes.ts'
import { PROJECT } from './world.ts'
import type { World } from './world.ts'

/** Under which the project's policy is kept. */
export const PROJECT_RESOURCE = `//cloudresourcemanager.googleapis.com/projects/${PROJECT.id}`

export function resourceManagerRoutes(world: World): readonly Route[] {
  const created = world.timestamp()
  const v1 = { projectNumber: PROJECT.number, projectId: PROJECT.id, lifecycleState: 'ACTIVE', name: PROJECT.name, createTime: created, labels: { purpose: 'sandbox' }, parent: { type: 'organization', id: '480000000001' } }
  const v3 = { name: `projects/${PROJECT.number}`, projectId: PROJECT.id, state: 'ACTIVE', displayName: PROJECT.name, createTime: created, updateTime: created, parent: 'organizations/480000000001', etag: 'W/"1"', labels: { purpose: 'sandbox' } }
  return [
    { verb: 'GET', template: '/v1/projects', handle: () => ({ json: { projects: [v1] } }) },
    { verb: 'GET', template: '/v3/projects:search', handle: () => ({ json: { projects: [v3] } }) },
    ...projectRoutes(world, '/v1/projects/{project}', v1),
    ...projectRoutes(world, '/v3/projects/{project}', v3),
  ]
}

function projectRoutes(world: World, one: string, project: object): readonly Route[] {
  const guarded = (act: (exchange: Exchange) => object) => (exchange: Exchange) => {
    const asked = exchange.params.project
    if (asked !== PROJECT.id && asked !== PROJECT.number) {
      throw new GoogleError(403, 'forbidden', `The caller does not have permission to access projects instance [${asked}] (or it may not exist).`)
    }
    return { json: act(exchange) }
  }
  return [
    { verb: 'GET', template: one, handle: guarded(() => project) },
    { verb: 'POST', template: `${one}:getIamPolicy`, handle: guarded(() => world.policies.get(PROJECT_RESOURCE)) },
    { verb: 'POST', template: `${one}:setIamPolicy`, handle: guarded(({ json }) => world.policies.set(PROJECT_RESOURCE, fieldsAt(json(), 'policy'), concurrentPolicyChange)) },
    { verb: 'POST', template: `${one}:testIamPermissions`, handle: guarded(({ json }) => ({ permissions: heldPermissions(json()) })) },
  ]
}
