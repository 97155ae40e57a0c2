import assert from 'node:assert/strict'
import { once } from 'node:events'
import { request as httpRequest } from 'node:http'
import { LockkeeperError, refuse } from '@lockkeeper/domain/errors'
import { PortUnavailable } from '@lockkeeper/domain/ports'
import express from 'express'
import { callerOf, createServiceServer, onlyFor, sendVerdict, strictJson, type ServiceServer, type ServiceServerOptions } from './index.ts'

interface Running { readonly server: ServiceServer, readonly port: number, readonly logged: readonly string[], get(path: string, init?: RequestInit): Promise<Response> }

describe('service-kit: the server of a service', () => {
  let open: ServiceServer | undefined
  const start = async (options: Partial<ServiceServerOptions> = {}): Promise<Running> => {
    const logged: string[] = []
    const line = (facts: object, message: string): void => void logged.push(JSON.stringify({ ...facts, message }))
    const server = open = createServiceServer({ routes: [], readiness: () => [], log: { debug: line, info: line, warn: line, error: line }, ...options })
    const { port } = await server.start(0, '127.0.0.1')
    return { server, port, logged, get: (path, init) => fetch(`http://127.0.0.1:${port}${path}`, init) }
  }
  const guard = onlyFor((authorization) => Promise.resolve(authorization === 'Bearer good' ? { email: 'ana@acme.example' } : refuse('TOKEN_INVALID', 'no')))
  const routed = (add: (router: express.Router) => void) => {
    const router = express.Router()
    add(router)
    return [{ paths: ['/v1/things'], guard, router }]
  }
  const good = { authorization: 'Bearer good' }
  afterEach(async () => {
    await open?.drain(0)
    open = undefined
  })

  it('health needs no token; readiness names what is missing, and a part that fails or hangs is missing', async () => {
    let readiness: ServiceServerOptions['readiness'] = () => []
    const { get } = await start({ readiness: () => readiness() })
    assert.equal((await get('/healthz')).status, 200)
    assert.equal((await get('/readyz')).status, 200)
    readiness = () => ['policy']
    const missing = await get('/readyz')
    assert.deepEqual([missing.status, await missing.json()], [503, { status: 'not ready', missing: ['policy'] }])
    for (const broken of [() => Promise.reject(new Error('x')), () => { throw new Error('x') }, () => Promise.withResolvers<never>().promise]) {
      readiness = broken
      assert.equal((await get('/readyz')).status, 503)
    }
  })

  it('a route is reached only by whom its guard names, and knows who that is', async () => {
    const { get } = await start({ routes: routed((router) => router.get('/v1/things/who', (request, response) => void response.json({ who: callerOf(request) }))) })
    const refused = await get('/v1/things/who')
    assert.equal(refused.status, 401)
    assert.equal(refused.headers.get('content-type'), 'application/problem+json; charset=utf-8')
    assert.deepEqual(await (await get('/v1/things/who', { headers: good })).json(), { who: 'ana@acme.example' })
  })

  it('no spelling of a path leads around the guard', async () => {
    const { get } = await start({ routes: routed((router) => router.get('/v1/things/who', (_request, response) => void response.json({ reached: true }))) })
    for (const path of ['/V1/things/who', '/v1/Things/who', '//v1/things/who', '/v1//things/who', '/v1/%74hings/who', '/v1/thingsX/who', '/v1/things/../things/who']) {
      const { status } = await get(path)
      assert.ok(status === 404 || status === 401, `${path}: ${status}`)
    }
  })

  it('two Authorization headers name nobody', async () => {
    const { port } = await start({ routes: routed((router) => router.get('/v1/things', (_request, response) => void response.json({}))) })
    const sent = httpRequest({ port, host: '127.0.0.1', path: '/v1/things', headers: ['Host', 'x', 'Authorization', 'Bearer good', 'Authorization', 'Bearer evil'] as never }).end()
    const [response] = await once(sent, 'response') as [{ readonly statusCode: number, resume(): void }]
    response.resume()
    assert.equal(response.statusCode, 401)
  })

  it('JSON is read strictly and within bounds', async () => {
    const { get } = await start({ routes: routed((router) => router.post('/v1/things', ...strictJson(64), (request, response) => void response.json(request.body))) })
    const post = async (body: string, headers: Record<string, string> = {}) => {
      const answer = await get('/v1/things', { method: 'POST', body, headers: { ...good, ...headers } })
      return [answer.status, ((await answer.json()) as { reason?: string }).reason]
    }
    assert.deepEqual(await post('{"a":1}'), [200, undefined])
    assert.deepEqual(await post('{"a":1,"a":2}'), [400, 'REQUEST_AMBIGUOUS'])
    assert.deepEqual(await post('{'), [400, 'REQUEST_INVALID'])
    assert.deepEqual(await post(''), [400, 'REQUEST_INVALID'])
    assert.deepEqual(await post(`"${'x'.repeat(70)}"`), [413, 'REQUEST_INVALID'])
    assert.deepEqual(await post('{}', { 'content-encoding': 'gzip' }), [415, 'REQUEST_INVALID'])
    assert.deepEqual(await post('x'.repeat(1024 * 1024 + 1)), [413, 'REQUEST_INVALID'])
  })

  it('errors say what the table says and nothing of their cause, which is logged with the request\'s id', async () => {
    const causes: Readonly<Record<string, unknown>> = { down: new PortUnavailable('secret place'), theirs: new LockkeeperError('STATE_CHANGED', 'changed'), ours: new TypeError('secret place') }
    const { get, logged } = await start({ outage: 'APPROVAL_UNAVAILABLE', routes: routed((router) => router.get('/v1/things/:name', (request) => { throw causes[request.params['name'] as string] })) })
    const answers = await Promise.all(Object.keys(causes).map(async (name) => {
      const answer = await get(`/v1/things/${name}`, { headers: { ...good, 'x-request-id': `request-${name}` } })
      const text = await answer.text()
      assert.ok(!text.includes('secret place'))
      return [answer.status, (JSON.parse(text) as { reason: string }).reason, answer.headers.get('x-request-id')]
    }))
    assert.deepEqual(answers, [[503, 'APPROVAL_UNAVAILABLE', 'request-down'], [409, 'STATE_CHANGED', 'request-theirs'], [500, 'INTERNAL', 'request-ours']])
    assert.deepEqual(logged.map((line) => (JSON.parse(line) as { request: string }).request).sort(), ['request-down', 'request-ours'])
  })

  it('a verdict is marked as one, a refusal of the transport is not', async () => {
    const { get } = await start({ routes: routed((router) => router.get('/v1/things', (_request, response) => sendVerdict(response, refuse('STATE_CHANGED', { message: 'changed', detail: 'private' })))) })
    assert.deepEqual(await (await get('/v1/things', { headers: good })).json(), { type: 'https://lockkeeper.dev/errors/STATE_CHANGED', title: 'STATE_CHANGED', status: 409, detail: 'changed', reason: 'STATE_CHANGED', verdict: true })
    assert.equal(Object.hasOwn(await (await get('/v1/things')).json() as object, 'verdict'), false)
  })

  it('requests over the limit are answered with 503 and the others go on', async () => {
    const gate = Promise.withResolvers<void>()
    const entered = Promise.withResolvers<void>()
    const { get } = await start({
      limits: { inFlight: 1 },
      routes: routed((router) => router.get('/v1/things', async (_request, response) => {
        entered.resolve()
        await gate.promise
        response.json({})
      })),
    })
    const first = get('/v1/things', { headers: good })
    await entered.promise
    assert.equal((await get('/v1/things', { headers: good })).status, 503)
    assert.equal((await get('/healthz')).status, 200)
    gate.resolve()
    assert.equal((await first).status, 200)
  })

  it('draining lets what was begun end, and cuts what does not', async () => {
    const gate = Promise.withResolvers<void>()
    const entered = [Promise.withResolvers<void>(), Promise.withResolvers<void>()]
    const { get, server } = await start({ routes: routed((router) => {
      router.get('/v1/things/ends', async (_request, response) => {
        entered[0]?.resolve()
        await gate.promise
        response.json({})
      })
      router.get('/v1/things/hangs', () => entered[1]?.resolve())
    }) })
    const ends = get('/v1/things/ends', { headers: good })
    const hangs = get('/v1/things/hangs', { headers: good })
    await Promise.all(entered.map(({ promise }) => promise))
    const drained = server.drain(200)
    gate.resolve()
    assert.equal((await ends).status, 200)
    await assert.rejects(hangs)
    await drained
    await assert.rejects(get('/healthz'))
  })
})
