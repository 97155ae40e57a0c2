import assert from 'node:assert/strict'
import { answerFaults } from '@lockkeeper/service-kit/openapi'
import { after, before, describe, it } from 'mocha'
import { deleteMore, deletion, giveGrant, PATTERN } from '../test/deletions.ts'
import { granted, openWorld, type World } from '../test/harness.ts'
import { serveRoutes, type ServedRoutes } from '../test/served-routes.ts'
import { ADMIN_OPERATIONS } from './api/operations.ts'

interface Answer { readonly status: number, readonly type: string, readonly body: string }

describe('admin routes', () => {
  let world: World
  let server: ServedRoutes
  before(async () => {
    world = await openWorld()
    server = await serveRoutes(world)
  })
  after(async () => {
    server.close()
    await world.close()
  })

  async function call(method: string, path: string, body?: unknown, headers: Record<string, string> = {}): Promise<Answer> {
    const text = typeof body === 'string' ? body : JSON.stringify(body)
    const response = await fetch(`${server.origin}${path}`, { method, headers: { 'content-type': 'application/json', ...headers }, ...body === undefined ? {} : { body: text } })
    const answer = { status: response.status, type: response.headers.get('content-type') ?? '', body: await response.text() }
    assert.deepEqual(answerFaults(ADMIN_OPERATIONS, [], { method, path, ...answer }), [])
    return answer
  }
  const problem = ({ status, type, body }: Answer): string => {
    assert.match(type, /^application\/problem\+json/)
    const read = JSON.parse(body) as { status: number, title: string, type: string }
    assert.equal(read.status, status)
    assert.equal(read.type, `https://lockkeeper.dev/errors/${read.title}`)
    return `${status} ${read.title}`
  }

  it('a list filters and says its mode', async () => {
    const request = await world.raise()
    const { status, body } = await call('GET', `/v1/approvals?state=pending&run=${request.agent.run}&limit=10`)
    const page = JSON.parse(body) as { mode: string, approvals: { id: string }[] }
    assert.deepEqual([status, page.mode, page.approvals.map(({ id }) => id)], [200, 'sandbox', [request.id]])
  })

  it('one approval comes as JSON, or as the text of its card', async () => {
    const request = await world.raise()
    const json = JSON.parse((await call('GET', `/v1/approvals/${request.id}`)).body) as { card: { id: string } }
    assert.equal(json.card.id, request.id)
    const text = await call('GET', `/v1/approvals/${request.id}`, undefined, { accept: 'text/plain' })
    assert.match(text.type, /^text\/plain/)
    assert.match(text.body, /^SANDBOX {2}apr_/)
  })

  it('a decision with proof decides, one without is refused', async () => {
    const request = await world.raise()
    const { approval: _approval, ...decision } = world.signed(request, 'bo', 'approve')
    const { proof: _proof, ...unproven } = decision
    assert.equal(problem(await call('POST', `/v1/approvals/${request.id}/decisions`, unproven)), '400 REQUEST_INVALID')
    const { status, body } = await call('POST', `/v1/approvals/${request.id}/decisions`, decision)
    assert.deepEqual([status, (JSON.parse(body) as { state: string }).state], [200, 'approved'])
    assert.equal(problem(await call('POST', `/v1/approvals/${request.id}/decisions`, decision)), '401 TOKEN_INVALID')
  })

  it('the path names the approval, whatever the body says', async () => {
    const [signed, other] = [await world.raise(), await world.raise()]
    assert.equal(problem(await call('POST', `/v1/approvals/${other.id}/decisions`, world.signed(signed, 'bo', 'approve'))), '401 TOKEN_INVALID')
  })

  it('a grant is revoked by name', async () => {
    const request = await world.raise()
    granted(await world.decide(request, 'bo'))
    const { status, body } = await call('POST', `/v1/approvals/${request.id}/revoke`, { by: 'op', reason: 'r' })
    assert.deepEqual([status, (JSON.parse(body) as { state: string }).state], [200, 'cancelled'])
  })

  it('the text says what has become of a request: patterns, broken glass, grants, escalation and locks', async () => {
    const textOf = async ({ id }: { readonly id: string }): Promise<string> => (await call('GET', `/v1/approvals/${id}`, undefined, { accept: 'text/plain' })).body
    const terms = { quorum: 2, breakGlass: ['person:di'], escalate: { afterMs: 60_000, reviewers: ['person:di'] } }
    const first = await world.raise({ agent: { id: 'told' }, call: deletion('first'), terms })
    granted(await world.service().admin.decide(world.signed(first, 'bo', 'approve', { grant: { ...PATTERN, run: true, arguments: { object: { oneOf: ['first', '\u202ex'] } } } })))
    assert.match(await textOf(first), /\npattern {4}bo approves calls like it: up to 5 times within 60 minutes on \/\/storage.*, in this run, object: "first" or "\\u\{202e\}x", the rest as shown\n/)
    world.clock.advance(60_000)
    await world.service().sweep()
    granted(await world.service().admin.decide(world.signed(first, 'di', 'approve', { breakGlass: true, reason: 'down' })))
    await world.service().admin.setLock({ scope: { kind: 'agent', agent: 'told' }, reason: 'odd', by: 'op' })
    assert.match(await textOf(first), /\nglass {6}broken by di: down\n[\s\S]*escalated {2}at 2026[\s\S]*frozen {5}by lock_\w+: odd\n/)
    const given = await giveGrant(world, { id: 'told-too' })
    const use = await deleteMore(world, given, 'more')
    assert.match(await textOf(use), new RegExp(`\ngrant {6}approved as use 1 of ${given.grant}; nobody was asked\n`))
    assert.equal(granted(await world.service().admin.show(use.id)).approval.grant, given.grant)
  })

  it('a grant is listed, shown and revoked', async () => {
    const { grant } = await giveGrant(world, { id: 'routed' })
    const page = JSON.parse((await call('GET', '/v1/grants?limit=200')).body) as { grants: { id: string, state: string }[] }
    assert.ok(page.grants.some(({ id, state }) => id === grant && state === 'live'))
    assert.equal(problem(await call('GET', '/v1/grants?all=perhaps')), '400 REQUEST_INVALID')
    assert.equal(problem(await call('POST', `/v1/grants/${grant}/revoke`, { by: 'op' })), '400 REQUEST_INVALID')
    assert.equal((JSON.parse((await call('POST', `/v1/grants/${grant}/revoke`, { by: 'op', reason: 'r' })).body) as { state: string }).state, 'revoked')
    const shown = JSON.parse((await call('GET', `/v1/grants/${grant}`)).body) as { grant: { state: string }, uses: unknown[] }
    assert.deepEqual([shown.grant.state, shown.uses], ['revoked', []])
    assert.equal(problem(await call('GET', '/v1/grants/grt_none')), '404 NOT_FOUND')
  })

  it('reviews are listed, and one is closed with a proof only', async () => {
    const request = await world.raise({ terms: { breakGlass: ['person:bo'] } })
    const { review } = granted(await world.service().admin.decide(world.signed(request, 'bo', 'approve', { breakGlass: true, reason: 'r' })))
    const { reviews } = JSON.parse((await call('GET', '/v1/reviews')).body) as { reviews: { id: string }[] }
    assert.ok(reviews.some(({ id }) => id === review))
    assert.deepEqual((JSON.parse((await call('GET', '/v1/reviews?open=false')).body) as { reviews: unknown[] }).reviews, [])
    assert.equal(problem(await call('GET', '/v1/reviews?open=maybe')), '400 REQUEST_INVALID')
    assert.equal(problem(await call('POST', `/v1/reviews/${review}/close`, { note: 'n' })), '400 REQUEST_INVALID')
    assert.equal(problem(await call('POST', `/v1/reviews/${review}/close`, { note: 'n', proof: { kind: 'idToken', token: 'a.b.c' } })), '401 TOKEN_INVALID')
  })

  it('load is told for so many days as there are', async () => {
    const { days, persons } = JSON.parse((await call('GET', '/v1/load?days=3')).body) as { days: number, persons: unknown[] }
    assert.deepEqual([days, Array.isArray(persons)], [3, true])
    for (const wrong of ['0', '91', 'x', '1.5']) assert.equal(problem(await call('GET', `/v1/load?days=${wrong}`)), '400 REQUEST_INVALID')
  })

  it('a lock is set, listed and lifted', async () => {
    const set = await call('POST', '/v1/locks', { scope: { kind: 'agent', agent: 'a' }, reason: 'r', by: 'op' })
    const { id } = JSON.parse(set.body) as { id: string }
    assert.match((await call('GET', '/v1/locks')).body, new RegExp(id))
    assert.equal((await call('POST', `/v1/locks/${id}/lift`, { reason: 'r', by: 'op' })).status, 200)
    assert.equal(problem(await call('POST', `/v1/locks/${id}/lift`, { reason: 'r', by: 'op' })), '404 NOT_FOUND')
  })

  const HOSTILE: readonly (readonly [string, string, string, unknown, string])[] = [
    ['an unknown approval', 'GET', '/v1/approvals/apr_none', undefined, '404 NOT_FOUND'],
    ['an id that is a path', 'GET', '/v1/approvals/..%2F..%2Flocks', undefined, '404 NOT_FOUND'],
    ['the heartbeat as an approval', 'GET', '/v1/approvals/heartbeat', undefined, '404 NOT_FOUND'],
    ['an unknown filter', 'GET', '/v1/approvals?everything=1', undefined, '400 REQUEST_INVALID'],
    ['a filter given twice', 'GET', '/v1/approvals?state=pending&state=denied', undefined, '400 REQUEST_INVALID'],
    ['a limit over the most', 'GET', '/v1/approvals?limit=100000', undefined, '400 REQUEST_INVALID'],
    ['a body that is no JSON', 'POST', '/v1/locks', '{', '400 REQUEST_INVALID'],
    ['a body over the limit', 'POST', '/v1/locks', JSON.stringify({ reason: 'x'.repeat(100_000) }), '413 REQUEST_INVALID'],
    ['a body that is a list', 'POST', '/v1/locks', [], '400 REQUEST_INVALID'],
    ['no body', 'POST', '/v1/approvals/apr_x/decisions', undefined, '400 REQUEST_INVALID'],
    ['a revocation by nobody', 'POST', '/v1/approvals/apr_x/revoke', { by: '', reason: 'r' }, '400 REQUEST_INVALID'],
  ]
  for (const [what, method, path, body, wanted] of HOSTILE) {
    it(`${what} is refused as a problem: ${wanted}`, async () => assert.equal(problem(await call(method, path, body)), wanted))
  }

  it('a cursor that nobody gave out is refused without a word about the store', async () => {
    assert.equal(problem(await call('GET', '/v1/approvals?cursor=%00forged')), '400 REQUEST_INVALID')
  })
})
