import assert from 'node:assert/strict'
import { existsSync, readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { z } from 'zod'
import { ERRORS } from '../../shared/domain/src/errors.ts'
import { EVENT_TYPES, schemaName } from '../../shared/domain/src/event-schemas.ts'
import { readImportGraph } from '../checks/import-graph.ts'
import { readWorkspace } from '../checks/workspace.ts'
import { generatedDocs } from './generated-docs.ts'
import { jsonSchemaOf } from './json-schemas.ts'
import { readComments } from './schema-comments.ts'

const ROOT = join(import.meta.dirname, '../..')
const DOCS = generatedDocs(ROOT)

function read(file: string): string {
  return existsSync(join(ROOT, file)) ? readFileSync(join(ROOT, file), 'utf8') : ''
}

describe('generated docs', () => {
  for (const [file, content] of DOCS) it(`${file} says what its source says; else run: node scripts/generate-docs.ts`, () => assert.equal(read(file), content))

  it('no schema lies in infra/schemas that nothing generates, except of older versions', () => {
    const current = new Map(EVENT_TYPES.map((type) => [type as string, schemaName(type)]))
    for (const file of readdirSync(join(ROOT, 'infra/schemas'))) {
      const [, type = '', version] = /^(.+)\.v(\d+)\.json$/.exec(file) ?? []
      assert.ok(DOCS.has(`infra/schemas/${file}`) || Number(version) < Number(current.get(type)?.split('.v').at(-1) ?? 0), file)
    }
  })

  it('no schema lies in docs/ that nothing generates', () => {
    assert.deepEqual(readdirSync(join(ROOT, 'docs')).filter((file) => file.endsWith('.schema.json') && !DOCS.has(`docs/${file}`)), [])
  })
})

describe('error codes', () => {
  const reasons = Object.keys(ERRORS).sort()

  it('docs/errors.md names every code of the table, and no other', () => {
    assert.deepEqual([...read('docs/errors.md').matchAll(/^\| `([A-Z_]+)` \|/gm)].map(([, reason]) => reason as string).sort(), reasons)
  })

  it('every code of the table leaves somewhere', function () {
    this.timeout(60_000)
    const { production } = readImportGraph(ROOT, readWorkspace(ROOT))
    const sources = [...production].filter((file) => file.endsWith('.ts') && file !== 'shared/domain/src/errors.ts').map((file) => readFileSync(join(ROOT, file), 'utf8')).join('\n')
    assert.deepEqual(reasons.filter((reason) => !sources.includes(`'${reason}'`)), [])
  })

  it('every code in other pages of docs/ is in the table', () => {
    const pages = readdirSync(join(ROOT, 'docs'), { recursive: true, encoding: 'utf8' }).filter((file) => file.endsWith('.md'))
    // A code is a word of capitals that stands as code and shares its first part with one of the table.
    const families = new Set(reasons.map((reason) => reason.split('_')[0]))
    for (const page of pages) {
      const codes = [...read(join('docs', page)).matchAll(/`([A-Z]{2,}(?:_[A-Z]+)+)`/g)].map(([, code]) => code as string)
      assert.deepEqual(codes.filter((code) => families.has(code.split('_')[0]) && !reasons.includes(code)), [], page)
    }
  })

  it('no verdict of policy or of a person is one that clients send again by themselves', () => {
    for (const reason of ['POLICY_DENIED', 'APPROVAL_PENDING', 'APPROVAL_DENIED', 'APPROVAL_EXPIRED', 'AGENT_LOCKED', 'MINTS_CREDENTIAL', 'TOO_MANY_PENDING'] as const) {
      assert.equal(ERRORS[reason].resent, false, reason)
      assert.equal([401, 429, 503].includes(ERRORS[reason].http), false, reason)
    }
  })
})

describe('schemas for editors', () => {
  const seconds = z.string().regex(/^\d+(?:ms|s|m|h)$/).transform((text) => Number.parseInt(text, 10)).refine((ms) => ms >= 5, 'must lie between 5s and 55s')
  const schema = z.strictObject({ wait: seconds.default(25_000), list: z.array(z.strictObject({ name: z.string() })).default([]), properties: z.string().optional() })

  it('a default that is held as ms is written with a unit, and its range is said', () => {
    const { properties } = jsonSchemaOf(schema, 'test', new Map([['wait', 'How long.']]))
    assert.equal(properties?.['wait']?.default, '25s')
    assert.equal(properties?.['wait']?.description, 'How long. It must lie between 5s and 55s.')
  })

  it('comments reach properties in lists, and a property that is called properties', () => {
    const { properties } = jsonSchemaOf(schema, 'test', new Map([['list', 'Some.'], ['list.name', 'Of one.'], ['properties', 'A word.']]))
    assert.equal(properties?.['list']?.description, 'Some.')
    assert.equal(properties?.['list']?.items?.properties?.['name']?.description, 'Of one.')
    assert.equal(properties?.['properties']?.description, 'A word.')
  })

  it('properties that share one schema have each their own comment', () => {
    const path = z.string()
    const { properties } = jsonSchemaOf(z.strictObject({ one: path, other: path.optional(), none: path }), 'test', new Map([['one', 'The one.'], ['other', 'The other.']]))
    assert.deepEqual(Object.values(properties ?? {}).map(({ description }) => description), ['The one.', 'The other.', undefined])
  })

  it('unknown keys are wrong at every level', () => {
    const open: string[] = []
    const visit = (value: unknown, path: string): void => {
      if (typeof value !== 'object' || value === null) return
      const { type, properties, additionalProperties } = value as { type?: unknown, properties?: unknown, additionalProperties?: unknown }
      if (type === 'object' && properties !== undefined && additionalProperties !== false) open.push(path)
      for (const [name, child] of Object.entries(value)) visit(child, `${path}/${name}`)
    }
    for (const [file, content] of DOCS) if (file.endsWith('.json')) visit(JSON.parse(content), file)
    // A key set may hold what its issuer likes; what the console hands on is described in the document of the service that answers.
    assert.deepEqual(open.filter((path) => !path.includes('/jwks/') && !/^docs\/openapi\/console\.json\/.*\/responses\//.test(path)), [])
  })

  it('comments are found through spreads, local names and imports', () => {
    const comments = readComments(ROOT, readWorkspace(ROOT), 'services/cli/src/gateway/config-schema.ts', 'gatewaySchema')
    for (const path of ['mode', 'listen.port', 'targets.upstream', 'targets.credential.lifetime', 'issuers.audience', 'issuers.agent.run', 'approverIssuers.matchEmail']) assert.ok(comments.has(path), path)
  })
})
