import assert from 'node:assert/strict'
import { readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { createApiRoutes } from '../../services/approval/src/api-routes.ts'
import { createRoutes as approvalRoutes } from '../../services/approval/src/routes.ts'
import { auditRoutes } from '../../services/audit/src/routes.ts'
import { createRoutes as policyRoutes } from '../../services/policy/src/routes.ts'
import { deadLetterRoutes } from '../../shared/service-kit/src/server/dead-letter-routes.ts'
import { createConsoleService } from '../../services/console/src/service.ts'
import { systemClock } from '../../shared/domain/src/index.ts'
import { ownRoutes, sandboxRoutes } from '../../services/cli/src/admin/admin-routes.ts'
import { operationAt } from '../../shared/service-kit/src/openapi/index.ts'
import { openApiFiles, operationsOf, type ApiName } from './openapi.ts'
import { openApiStructure, type OpenApiStructure } from './openapi-structure.ts'

const ROOT = join(import.meta.dirname, '../..')
type Router = ReturnType<typeof auditRoutes>

const nothing = {} as never
/** Routers know nothing of their service until they are asked. */
const ROUTERS: Readonly<Record<ApiName, readonly Router[]>> = {
  approval: [approvalRoutes(nothing, nothing, () => 0, nothing), createApiRoutes(nothing), deadLetterRoutes(nothing)], policy: [policyRoutes(nothing)], audit: [auditRoutes(nothing), deadLetterRoutes(nothing)],
  gateway: [ownRoutes(nothing, nothing, 'none'), sandboxRoutes(nothing)],
  console: [createConsoleService({ clock: systemClock } as never, { mode: 'sandbox', operators: 'approvers', decideBy: 'passkey' }, false).routes],
}

/** `get /v1/locks/{id}`. */
function routesOf(router: Router): readonly string[] {
  const stack = router.stack as readonly { readonly route?: { readonly path: string, readonly methods: Readonly<Record<string, boolean>> } }[]
  return stack.flatMap(({ route }) => route === undefined ? [] : Object.keys(route.methods).map((method) => `${method} ${route.path.replaceAll(/:(\w+)/g, '{$1}')}`))
}

function everyValue(value: unknown, visit: (key: string, value: unknown) => void): void {
  if (typeof value !== 'object' || value === null) return
  for (const [key, child] of Object.entries(value)) {
    visit(key, child)
    everyValue(child, visit)
  }
}

describe('OpenAPI documents', () => {
  for (const [file, content] of openApiFiles(ROOT)) {
    const name = file.replace('docs/openapi/', '').replace('.json', '') as ApiName
    const document = JSON.parse(content) as OpenApiStructure
    const operations = operationsOf(name)

    it(`${name}: has the structure of OpenAPI 3.1`, () => assert.deepEqual(openApiStructure.safeParse(document).error?.issues ?? [], []))

    it(`${name}: every reference leads somewhere, and every operation names a known tag and caller`, () => {
      everyValue(document, (key, value) => {
        if (key !== '$ref') return
        const found = String(value).replace('#/', '').split('/').reduce<unknown>((at, part) => (at as Readonly<Record<string, unknown>> | undefined)?.[part], document)
        assert.notEqual(found, undefined, String(value))
      })
      const tags = new Set(document.tags.map((tag) => tag.name))
      for (const { id, tag, caller = 'operator' } of operations) assert.ok(tags.has(tag) && (caller === 'anyone' || caller in (document.components.securitySchemes ?? {})), id)
    })

    it(`${name}: the parameters of each path are described, and no others`, () => {
      for (const [path, item] of Object.entries(document.paths)) {
        const named = [...path.matchAll(/\{(\w+)\}/g)].map(([, parameter]) => parameter)
        for (const operation of Object.values(item)) assert.deepEqual((operation?.parameters ?? []).filter((each) => each.in === 'path').map((each) => each.name), named, path)
      }
    })

    it(`${name}: every route is described, and every described operation is a route`, () => {
      // Beside its API the console has pages, and the ways to and from identity providers.
      assert.deepEqual(ROUTERS[name].flatMap(routesOf).filter((route) => name !== 'console' || route.includes(' /api/')).sort(), operations.map(({ method, path }) => `${method} ${path}`).sort())
    })

    it(`${name}: every example is one`, () => {
      for (const { id, body, answer } of operations) {
        if (body !== undefined) assert.deepEqual(body.schema.safeParse(body.example).error?.issues ?? [], [], id)
        if (answer.example !== undefined) assert.deepEqual(answer.schema?.safeParse(answer.example).error?.issues ?? [], [], id)
      }
    })

    it(`${name}: objects that are sent are closed: an unknown member is refused`, () => {
      for (const { id, params, query, body } of operations) for (const schema of [params, query, body?.schema]) if (schema !== undefined) assert.equal(schema.safeParse({ surprise: 1 }).success, false, id)
    })
  }

  for (const [who, folder] of [['command', 'services/cli/src'], ['console', 'services/console/src']] as const) {
    it(`the ${who} uses described operations and nothing else`, () => {
      const all = [...(['approval', 'policy', 'audit'] as const).flatMap(operationsOf), ...who === 'command' ? operationsOf('gateway') : []]
      const files = readdirSync(join(ROOT, folder), { recursive: true, encoding: 'utf8' }).filter((file) => file.endsWith('.ts') && !/(?:^|\/)(?:testing|scenarios|cloud-scenarios|admin)\/|\.test\.ts$/.test(file))
      const used = files.flatMap((file) => [...readFileSync(join(ROOT, folder, file), 'utf8').matchAll(/(['`])(\/v1\/.*?)\1/g)].map(([, , path]) => [file, (path ?? '').replaceAll(/(?<=\/)\$\{[^}]*\}+/g, 'x').replaceAll(/\$\{[^}]*\}+/g, '').split('?')[0] ?? ''] as const))
      assert.ok(used.length > 10)
      for (const [file, path] of used) assert.ok(['get', 'post', 'put'].some((method) => operationAt(all, method, path.replaceAll(/:\w+/g, 'x')) !== undefined), `${file}: ${path}`)
    })
  }

  it('the page asks for described operations and nothing else', () => {
    const folder = join(ROOT, 'services/console/page')
    const used = readdirSync(folder, { recursive: true, encoding: 'utf8' }).filter((file) => /\.tsx?$/.test(file)).flatMap((file) => [...readFileSync(join(folder, file), 'utf8').matchAll(/(?:get|post|useData|useOlder|EventSource)(?:<[^(]*>)?\((['`])(\/api\/.*?)\1/g)].map(([call, , path = '']) => [file, call.startsWith('post') ? 'post' : 'get', path.replaceAll(/(?<=\/)\$\{[^}]*\}+/g, 'x').replaceAll(/\$\{[^}]*\}+/g, '').split('?')[0] ?? ''] as const))
    assert.ok(used.length > 15)
    for (const [file, method, path] of used) assert.notEqual(operationAt(operationsOf('console'), method, path), undefined, `${file}: ${method} ${path}`)
  })

  it('what the console hands on is an operation of a service', () => {
    const known = new Set((['approval', 'audit'] as const).flatMap(operationsOf).map(({ id }) => id))
    for (const { id, answer } of operationsOf('console')) {
      const from = /^As `(\w+)` answers/.exec(answer.description)?.[1]
      assert.ok(from === undefined || known.has(from), `${id}: ${from}`)
    }
  })

  it('a command reaches a gateway through the admin client alone', () => {
    const folder = join(ROOT, 'services/cli/src/commands')
    for (const file of readdirSync(folder)) assert.doesNotMatch(readFileSync(join(folder, file), 'utf8'), /node:https?'|\bfetch\(|socketPath|openStore|openSqlite/, file)
  })
})
