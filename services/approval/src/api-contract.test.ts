import assert from 'node:assert/strict'
import { sign } from 'node:crypto'
import { answerFaults, operationAt } from '@lockkeeper/service-kit/openapi'
import { granted, openWorld, person, TERMINAL, type World } from '../test/harness.ts'
import { serveRoutes, type ServedRoutes } from '../test/served-routes.ts'
import { giveGrant } from '../test/deletions.ts'
import { ORIGIN, RP_ID, softwarePasskey } from '../test/software-passkey.ts'
import { ADMIN_OPERATIONS } from './api/operations.ts'
import { terminalDecisionBytes } from './proof.ts'
import { closingDecision } from './reviews.ts'

type Body = Readonly<Record<string, unknown>>

describe('the approval service\'s API is what its description says', () => {
  const answered = new Set<string>()
  let world: World
  let server: ServedRoutes
  before(async () => {
    world = await openWorld({}, { passkeys: { rpId: RP_ID, origins: () => [ORIGIN] } })
    server = await serveRoutes(world)
  })
  after(async () => {
    server.close()
    await world.close()
  })

  /** The answer, which is one of those that are described. */
  async function ask<T extends Body>(method: string, path: string, body?: object, wanted = 200): Promise<T> {
    const response = await fetch(`${server.origin}${path}`, { method, ...body === undefined ? {} : { body: JSON.stringify(body) } })
    const text = await response.text()
    assert.deepEqual(answerFaults(ADMIN_OPERATIONS, [], { method, path, status: response.status, type: response.headers.get('content-type') ?? '', body: text }), [])
    assert.equal(response.status, wanted, text)
    if (wanted === 200) answered.add(operationAt(ADMIN_OPERATIONS, method, path)?.id ?? '')
    return JSON.parse(text) as T
  }

  it('requests are listed, shown, decided and revoked', async () => {
    const request = await world.raise({ statedReason: 'tidy up' })
    await ask('GET', '/v1/approvals?limit=10')
    await ask('GET', '/v1/waiting?limit=10')
    await ask('POST', `/v1/approvals/${request.id}/challenge`, { verdict: 'approve' })
    const { approval: _approval, ...decision } = world.signed(request, 'bo', 'approve')
    await ask('POST', `/v1/approvals/${request.id}/decisions`, decision)
    await ask('GET', `/v1/approvals/${request.id}`)
    await ask('POST', `/v1/approvals/${request.id}/revoke`, { by: 'op', reason: 'r' })
  })

  it('grants are listed, shown and revoked; load is told', async () => {
    const { grant } = await giveGrant(world, { id: 'described' })
    await ask('GET', '/v1/grants?all=true')
    await ask('GET', `/v1/grants/${grant}`)
    await ask('POST', `/v1/grants/${grant}/revoke`, { by: 'op', reason: 'r' })
    await ask('GET', '/v1/load')
  })

  it('reviews are listed and closed', async () => {
    const request = await world.raise({ terms: { breakGlass: ['person:bo'] } })
    const { review = '' } = granted(await world.service().admin.decide(world.signed(request, 'bo', 'approve', { breakGlass: true, reason: 'r' })))
    await ask('GET', '/v1/reviews?open=true')
    await ask('POST', `/v1/reviews/${review}/challenge`, { note: 'n' })
    const at = world.clock.now()
    const signature = sign(null, terminalDecisionBytes({ ...closingDecision(review, 'n'), person: 'cy', at }), TERMINAL.privateKey).toString('base64url')
    await ask('POST', `/v1/reviews/${review}/close`, { note: 'n', proof: { kind: 'terminal', person: 'cy', at, signature } })
  })

  it('locks are set, listed and lifted', async () => {
    const { id } = await ask<{ id: string }>('POST', '/v1/locks', { scope: { kind: 'run', run: 'r' }, reason: 'r', by: 'op', until: world.clock.now() + 60_000 })
    await ask('GET', '/v1/locks')
    await ask('POST', `/v1/locks/${id}/lift`, { by: 'op', reason: 'r' })
  })

  it('passkeys are made, used, listed and removed', async () => {
    const key = softwarePasskey()
    const code = world.service().passkeys.openCode(person('bo'))
    const { challenge } = await ask<{ challenge: string }>('POST', '/v1/passkeys/registrations', { code })
    const { id } = await ask<{ id: string }>('POST', '/v1/passkeys', { code, label: 'key', credential: key.create(challenge) })
    const nonce = 'nonce-of-the-console-page'
    const signing = await ask<{ at: number, challenge: string }>('POST', '/v1/passkeys/challenges', { purpose: 'sign-in', nonce })
    await ask('POST', '/v1/passkeys/sign-ins', { nonce, at: signing.at, assertion: key.get(signing.challenge) })
    const coding = await ask<{ at: number, challenge: string }>('POST', '/v1/passkeys/challenges', { purpose: 'code', person: 'bo' })
    await ask('POST', '/v1/passkeys/codes', { person: 'bo', at: coding.at, assertion: key.get(coding.challenge) })
    await ask('GET', '/v1/passkeys?person=bo')
    await ask('POST', `/v1/passkeys/${id}/remove`, { person: 'bo' })
  })

  it('every operation was asked for once with success', () => {
    assert.deepEqual(ADMIN_OPERATIONS.map(({ id }) => id).filter((id) => !answered.has(id)), [])
  })

  const WRONG: readonly (readonly [string, string, string, object | undefined, string, string])[] = [
    ['an unknown query argument', 'GET', '/v1/approvals?everything=1', undefined, 'query', 'everything'],
    ['a number that is a word', 'GET', '/v1/approvals?limit=many', undefined, 'query', 'limit'],
    ['a flag that is neither', 'GET', '/v1/grants?all=perhaps', undefined, 'query', 'all'],
    ['an unknown member', 'POST', '/v1/locks', { scope: { kind: 'everything' }, reason: 'r', by: 'op', force: true }, 'body', 'force'],
    ['an unknown member deeper down', 'POST', '/v1/locks', { scope: { kind: 'run', run: 'r', agent: 'a' }, reason: 'r', by: 'op' }, 'body', 'scope.agent'],
    ['a number in the place of a text', 'POST', '/v1/locks/lock_x/lift', { by: 'op', reason: 7 }, 'body', 'reason'],
    ['a text in the place of a number', 'POST', '/v1/locks', { scope: { kind: 'everything' }, reason: 'r', by: 'op', until: '1' }, 'body', 'until'],
    ['a member that is missing', 'POST', '/v1/passkeys', { code: 'x', label: 'l' }, 'body', 'credential'],
    ['an unknown kind', 'POST', '/v1/approvals/apr_x/decisions', { digest: 'd', verdict: 'approve', proof: { kind: 'word' } }, 'body', 'proof.kind'],
  ]
  for (const [what, method, path, body, place, name] of WRONG) {
    it(`${what} is refused by its name`, async () => {
      const { reason, errors } = await ask<{ reason: string, errors: readonly { in: string, name: string }[] }>(method, path, body, 400)
      assert.deepEqual([reason, errors.map((each) => [each.in, each.name])], ['REQUEST_INVALID', [[place, name]]])
    })
  }
})
