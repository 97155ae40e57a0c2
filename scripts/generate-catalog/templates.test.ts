import assert from 'node:assert/strict'
import type { DiscoveryMethod, DiscoverySchema } from './documents.ts'
import { schemasOf } from './schemas.ts'
import { globOf, templateOf } from './templates.ts'

const method = (path: string, patterns: Readonly<Record<string, string>>, flatPath = path): DiscoveryMethod => ({
  id: 'x.y.z', httpMethod: 'GET', path, flatPath,
  parameters: Object.fromEntries(Object.entries(patterns).map(([name, pattern]) => [name, { location: 'path', pattern }])),
})

describe('catalog generator: templates', () => {
  const PATTERNS: readonly (readonly [string, string | undefined])[] = [
    ['^projects/[^/]+/topics/[^/]+$', 'projects/*/topics/*'],
    ['^[^/]+$', '*'],
    ['^projects/[^/]+/locations/[^/]+/.*$', 'projects/*/locations/*/**'],
    ['^locations/global$', 'locations/global'],
    ['[a-z](?:[-a-z0-9/]{0,255})?', undefined],
    ['^a/.*/b$', undefined],
  ]
  for (const [pattern, glob] of PATTERNS) it(`${pattern} is ${glob ?? 'no plain pattern'}`, () => { assert.equal(globOf(pattern), glob) })

  it('a multi-segment parameter keeps its name and its shape', () => {
    assert.equal(templateOf(method('v1/{+name}:publish', { name: '^projects/[^/]+/topics/[^/]+$' }), '/'), '/v1/{name=projects/*/topics/*}:publish')
  })

  it('a single-segment parameter is written plainly, below the base of the service', () => {
    assert.equal(templateOf(method('projects/{+p}/datasets/{+d}', { p: '^[^/]+$', d: '^[^/]+$' }), '/bigquery/v2/'), '/bigquery/v2/projects/{p}/datasets/{d}')
  })

  it('a full regular expression takes the segments of the flat path', () => {
    const odd = method('zones/{zone}/{+parent}/slots/{slot}', { parent: 'blocks/([a-z]+|[0-9]+)' }, 'zones/{zone}/blocks/{blocksId}/slots/{slot}')
    assert.equal(templateOf(odd, '/compute/v1/'), '/compute/v1/zones/{zone}/{parent=blocks/*}/slots/{slot}')
  })

  it('what cannot be told is an error, not a guess', () => {
    assert.throws(() => templateOf(method('v1/{+a}/{+b}', { a: '(x|y)', b: '(x|y)' }), '/'), TypeError)
  })
})

describe('catalog generator: schemas', () => {
  const all: Readonly<Record<string, DiscoverySchema>> = {
    Root: { type: 'object', properties: { self: { $ref: 'Root' }, inline: { type: 'object', properties: { a: { type: 'string', format: 'int64' } } }, labels: { type: 'object', additionalProperties: { type: 'string' } }, list: { type: 'array', items: { $ref: 'Other' } } } },
    Other: { type: 'object', properties: { kind: { type: 'string', enum: ['A'] }, free: { type: 'any' } } },
    Free: { type: 'object', additionalProperties: { type: 'any' } },
    Empty: { type: 'object' },
    Unreached: { type: 'object', properties: {} },
  }

  it('every schema that is reached has a table of its own, inline ones too', () => {
    assert.deepEqual(schemasOf(all, ['Root', 'Free', 'Empty']), {
      Empty: {}, Free: 'map:any', Other: { free: 'any', kind: 'enum' },
      Root: { inline: '#Root.inline', labels: 'map:string', list: 'list:#Other', self: '#Root' }, 'Root.inline': { a: 'int' },
    })
  })

  it('a missing schema is an error', () => {
    assert.throws(() => schemasOf({ A: { type: 'object', properties: { b: { $ref: 'B' } } } }, ['A']), TypeError)
  })
})
