import assert from 'node:assert/strict'
import { once } from 'node:events'
import { createServer, type Server } from 'node:http'
import type { AddressInfo } from 'node:net'
import { refuse } from '@lockkeeper/domain/errors'
import express from 'express'
import { z } from 'zod'
import { answerFaults, openApiDocument, type Api } from '../openapi/index.ts'
import { frame, operation, SENT, serve } from './index.ts'

const thing = z.strictObject({ name: z.string().max(8), size: z.int().min(1).optional() }).meta({ id: 'Thing' })
const byId = z.strictObject({ id: z.string().max(8) })
const putThing = operation({
  id: 'putThing', method: 'put', path: '/things/{id}', tag: 'things', summary: 'Puts a thing.', params: byId, query: z.strictObject({ loud: z.enum(['true', 'false']).optional() }), body: { schema: z.strictObject({ thing }), bytes: 256, example: { thing: { name: 'a' } } },
  answer: { description: 'It.', schema: thing }, refusals: ['NOT_FOUND'],
})
const dropThing = operation({ id: 'dropThing', method: 'post', path: '/things/{id}/drop', tag: 'things', summary: 'Drops a thing.', params: byId, answer: { description: 'Gone.' }, verdicts: true, refusals: ['STATE_CHANGED'] })
const sendThing = operation({ id: 'sendThing', method: 'post', path: '/frames', tag: 'things', summary: 'Sends a thing.', body: { schema: thing, as: 'frame', example: { name: 'a' } }, answer: { description: 'Its bytes.', schema: z.string(), as: 'text' } })
const checkThings = operation({ id: 'checkThings', method: 'post', path: '/check', tag: 'things', summary: 'Checks things.', body: { schema: z.strictObject({ things: z.array(thing) }), large: true, example: { things: [] } }, answer: { description: 'How many.', schema: z.strictObject({ count: z.int() }) } })
const OPERATIONS = [putThing, dropThing, sendThing, checkThings] as const
const API: Api = { title: 'Things', version: '1', description: 'd', servers: [{ url: 'https://things.example.com', description: 'd' }], tags: { things: 't' }, callers: { operator: 'o' }, always: ['OVERLOADED'], operations: OPERATIONS }

describe('service-kit: described operations', () => {
  let server: Server
  const asked: unknown[] = []
  before(async () => {
    const router = express.Router()
    serve(router, putThing, ({ params, query, body }) => {
      asked.push({ params, query, body })
      return params.id === 'none' ? refuse('NOT_FOUND', 'There is no such thing.') : body.thing
    })
    serve(router, dropThing, ({ params }) => params.id === 'held' ? refuse('STATE_CHANGED', 'It is held.') : undefined)
    serve(router, sendThing, ({ bytes }, _request, response) => {
      response.type('text/plain').send(bytes.toString())
      return SENT
    })
    serve(router, checkThings, ({ body }) => ({ count: body.things.length }))
    server = createServer(express().use(router)).listen(0, '127.0.0.1')
    await once(server, 'listening')
  })
  after(() => server.close())
  beforeEach(() => { asked.length = 0 })

  async function ask(method: string, path: string, body?: string | Uint8Array<ArrayBuffer>): Promise<{ status: number, text: string, faults: readonly string[] }> {
    const response = await fetch(`http://127.0.0.1:${(server.address() as AddressInfo).port}${path}`, { method, headers: { connection: 'close' }, ...body === undefined ? {} : { body } })
    const text = await response.text()
    return { status: response.status, text, faults: answerFaults(OPERATIONS, [], { method, path, status: response.status, type: response.headers.get('content-type') ?? '', body: text }) }
  }

  it('a handler sees what the schemas made of a request, and answers as described', async () => {
    assert.deepEqual(await ask('PUT', '/things/a?loud=true', '{"thing":{"name":"a","size":2}}'), { status: 200, text: '{"name":"a","size":2}', faults: [] })
    assert.deepEqual(JSON.parse(JSON.stringify(asked)), [{ params: { id: 'a' }, query: { loud: 'true' }, body: { thing: { name: 'a', size: 2 } } }])
    assert.deepEqual(await ask('POST', '/things/a/drop'), { status: 204, text: '', faults: [] })
    assert.deepEqual(await ask('POST', '/frames', new Uint8Array(frame({ name: 'a' }, Buffer.from('bytes')))), { status: 200, text: 'bytes', faults: [] })
  })

  it('a refusal is a problem with its reason, and a verdict says so', async () => {
    const missing = await ask('PUT', '/things/none', '{"thing":{"name":"a"}}')
    assert.deepEqual([missing.status, JSON.parse(missing.text).reason, JSON.parse(missing.text).verdict, missing.faults], [404, 'NOT_FOUND', undefined, []])
    const held = await ask('POST', '/things/held/drop')
    assert.deepEqual([held.status, JSON.parse(held.text).reason, JSON.parse(held.text).verdict, held.faults], [409, 'STATE_CHANGED', true, []])
  })

  const HOSTILE: readonly (readonly [string, string, string, readonly (readonly [string, string])[]])[] = [
    ['an unknown member', '/things/a', '{"thing":{"name":"a"},"force":true}', [['body', 'force']]],
    ['an unknown member of a member', '/things/a', '{"thing":{"name":"a","__proto__":{}}}', [['body', 'thing.__proto__']]],
    ['a wrong type', '/things/a', '{"thing":{"name":1}}', [['body', 'thing.name']]],
    ['an unknown argument', '/things/a?quiet=1', '{"thing":{"name":"a"}}', [['query', 'quiet']]],
    ['an argument twice', '/things/a?loud=true&loud=false', '{"thing":{"name":"a"}}', [['query', 'loud']]],
    ['a path that is too long', `/things/${'a'.repeat(9)}`, '{"thing":{"name":"a"}}', [['path', 'id']]],
    ['faults in several places', '/things/a?quiet=1', '{"thing":{}}', [['query', 'quiet'], ['body', 'thing.name']]],
    ['a list', '/things/a', '[]', [['body', '']]],
    ['many unknown members', '/things/a', `{${Array.from({ length: 20 }, (_each, at) => `"m${at}":1`).join()}}`, [['body', 'thing'], ['body', 'm0'], ['body', 'm1'], ['body', 'm2'], ['body', 'm3']]],
  ]
  for (const [what, path, body, wanted] of HOSTILE) {
    it(`${what} is refused by name before the handler is asked`, async () => {
      const { status, text, faults } = await ask('PUT', path, body)
      assert.deepEqual([status, (JSON.parse(text) as { errors: { in: string, name: string }[] }).errors.map((each) => [each.in, each.name]), faults], [400, wanted, []])
      assert.deepEqual(asked, [])
    })
  }

  for (const [what, body] of [['repeated keys', '{"thing":{"name":"a"},"thing":{"name":"b"}}'], ['no JSON', '{'], ['nothing', undefined]] as const) {
    it(`a body that is ${what} is refused before the handler is asked`, async () => {
      const { status, faults } = await ask('PUT', '/things/a', body)
      assert.deepEqual([status, faults, asked], [400, [], []])
    })
  }

  it('a large body is read by the platform, whatever type it names, and checked all the same', async () => {
    assert.deepEqual(await ask('POST', '/check', '{"things":[{"name":"a"},{"name":"b"}]}'), { status: 200, text: '{"count":2}', faults: [] })
    for (const body of ['{"things":[{"name":1}]}', '[]', '{', undefined]) assert.equal((await ask('POST', '/check', body)).status, 400, body)
  })

  it('what is no frame is refused', async () => assert.equal((await ask('POST', '/frames', '{"name":"a"}')).status, 400))

  it('an answer that is not as described has faults', () => {
    const real = { method: 'PUT', path: '/things/a', status: 200, type: 'application/json; charset=utf-8', body: '{"name":"a"}' }
    assert.deepEqual(answerFaults(OPERATIONS, [], real), [])
    const wrong = [{ body: '{"name":"a","more":1}' }, { body: '{}' }, { type: 'text/html' }, { status: 201 }, { path: '/others/a' }, { status: 404, type: 'application/json' }, { status: 403, type: 'application/problem+json', body: '{"reason":"POLICY_DENIED"}' }]
    for (const change of wrong) assert.notDeepEqual(answerFaults(OPERATIONS, [], { ...real, ...change }), [], JSON.stringify(change))
  })

  it('two operations of one id or one place make no document', () => {
    assert.ok(openApiDocument(API))
    assert.throws(() => openApiDocument({ ...API, operations: [putThing, { ...dropThing, id: 'putThing' }] }), TypeError)
    assert.throws(() => openApiDocument({ ...API, operations: [putThing, { ...putThing, id: 'other' }] }), TypeError)
  })
})
