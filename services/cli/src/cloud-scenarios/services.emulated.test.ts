import assert from 'node:assert/strict'
import { writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { cloudEvent, type CloudEvent } from '@lockkeeper/domain/events'
import { TOPOLOGY } from '@lockkeeper/domain/topology'
import { describeEmulated } from '@lockkeeper/testkit/emulators'
import type { LogReport } from '@lockkeeper/transparency-log'
import { ALLOW, ASK_TO_PUBLISH, message, PROJECT_POLICY, published, TOPIC } from '../testing/calls.ts'
import { openCloudEdition, type CloudEdition } from '../testing/cloud-edition.ts'
import { ACCOUNTS, AUDIENCES } from '../testing/cloud-settings.ts'
import { runCommand } from '../testing/run-command.ts'
import type { ServiceProcess } from '../testing/service-process.ts'

const CLAIM = { approval: 'apr_none', attach: { issuer: 'sandbox', agent: 'a', run: 'r', digest: 'full:x' }, decisionHash: 'h', holder: 'gw-1', claimId: 'claim-0001' }

describeEmulated(['firestore', 'pubsub'], 'Google Cloud edition: services as processes', function (emulators) {
  this.timeout(60_000)
  let edition: CloudEdition
  let proxy: ServiceProcess
  before(async () => {
    const { host: firestore, projectId } = emulators('firestore')
    edition = await openCloudEdition({ firestore, pubsub: emulators('pubsub').host, projectId, rules: [ALLOW, ASK_TO_PUBLISH] })
    await edition.startInner()
    proxy = await edition.start('proxy')
  })
  after(() => edition.close())

  const post = async (path: string, token: string | undefined, body: object = {}): Promise<number> => {
    const headers = { 'content-type': 'application/json', ...token === undefined ? {} : { authorization: `Bearer ${token}` } }
    const answer = await fetch(`${edition.services.get('approval')?.origin}${path}`, { method: 'POST', headers, body: JSON.stringify(body) })
    await answer.arrayBuffer()
    return answer.status
  }

  /** As Pub/Sub would push it. */
  const push = async (service: keyof typeof AUDIENCES, subscription: string, { data, datacontenttype, ...context }: CloudEvent): Promise<number> => {
    const path = `/push/${subscription}`
    const attributes = Object.fromEntries([['content-type', datacontenttype], ...Object.entries(context).map(([name, value]) => [`ce-${name}`, value])])
    const body = { message: { data: Buffer.from(JSON.stringify(data)).toString('base64'), attributes, messageId: context.id }, subscription: `projects/${emulators('firestore').projectId}/subscriptions/${TOPOLOGY.prefix}${subscription}` }
    const headers = { 'content-type': 'application/json', authorization: `Bearer ${edition.tokens.token(ACCOUNTS.pusher, AUDIENCES[service] + path)}` }
    return (await fetch(`${edition.services.get(service)?.origin}${path}`, { method: 'POST', headers, body: JSON.stringify(body) })).status
  }

  it('a read goes through', async () => {
    const agent = await edition.agent('reader', proxy.origin)
    const answer = await agent.post(`${PROJECT_POLICY}:getIamPolicy`, {})
    assert.equal(answer.status, 200, answer.text)
  })

  it('invariant 5: a change waits, is approved over the bus, runs once, and the same call again gets its receipt', async () => {
    const agent = await edition.agent('changer', proxy.origin)
    const before = published(edition)
    const change = (): ReturnType<typeof agent.post> => agent.post(`${TOPIC}:publish`, message('one'))
    const first = change()
    const request = await edition.approval('changer', 'pending')
    await edition.decide(request, 'ada')
    const answer = await first
    assert.equal(answer.status, 200, answer.text)
    const again = await change()
    assert.deepEqual([again.status, again.text, published(edition) - before], [200, answer.text, 1])
    assert.ok(again.headers['x-lockkeeper-receipt'] !== undefined)
    assert.equal((await edition.approval('changer', 'answered')).id, request.id)
  })

  it('invariant 8: the log verifies and holds every call', async () => {
    const report = await edition.ask<LogReport>('audit', '/v1/audit/verify')
    assert.deepEqual([report.ok, report.problems], [true, []])
    const { records } = await edition.ask<{ readonly records: readonly { readonly kind: string, readonly origin: string }[] }>('audit', '/v1/audit/records?limit=1000')
    assert.equal(records.filter(({ kind, origin: from }) => kind === 'outcome' && from === 'agent').length, edition.heard.sent)
  })

  it('invariant 7: a push without a token, of another account, for another endpoint or service, or of another issuer does nothing', async () => {
    const path = '/push/approval-decisions'
    const { tokens: { token } } = edition
    const tokens: readonly (readonly [string | undefined, number])[] = [
      [undefined, 401], ['', 401], ['forged', 401],
      [token(ACCOUNTS.proxy, AUDIENCES.approval + path), 403], [token(ACCOUNTS.operator, AUDIENCES.approval + path), 403],
      [token(ACCOUNTS.pusher, AUDIENCES.approval), 401], [token(ACCOUNTS.pusher, `${AUDIENCES.approval}/push/approval-access`), 401], [token(ACCOUNTS.pusher, AUDIENCES.audit + path), 401],
      [token(ACCOUNTS.pusher, AUDIENCES.approval + path, { email_verified: false }), 401],
      [edition.approvers.token('ada', 'full:x'), 401], [await edition.idp.mintAgentToken({ agent: 'a', run: 'r' }), 401],
    ]
    assert.deepEqual(await Promise.all(tokens.map(([given]) => post(path, given))), tokens.map(([, status]) => status))
    assert.equal(await post('/push/approval-nothing', token(ACCOUNTS.pusher, `${AUDIENCES.approval}/push/approval-nothing`)), 404)
  })

  it('invariant 12: neither agent nor proxy opens what is the operators\', and operators claim nothing', async () => {
    const { tokens: { token } } = edition
    const agent = await edition.idp.mintAgentToken({ agent: 'a', run: 'r' })
    const lock = { scope: { kind: 'everything' }, reason: 'r', by: 'x' }
    assert.deepEqual(await Promise.all([post('/v1/locks', agent, lock), post('/v1/locks', token(ACCOUNTS.proxy, AUDIENCES.approval), lock), post('/v1/locks', token(ACCOUNTS.operator, AUDIENCES.audit), lock)]), [401, 403, 401])
    assert.deepEqual(await Promise.all([post('/v1/service/claims', agent, CLAIM), post('/v1/service/claims', token(ACCOUNTS.operator, AUDIENCES.approval), CLAIM)]), [401, 403])
    assert.equal(await post('/v1/service/claims', token(ACCOUNTS.proxy, AUDIENCES.approval), CLAIM), 404)
    for (const path of ['/v1/locks', '/v1/service/claims', '/push/approval-access']) assert.equal((await fetch(proxy.origin + path, { method: 'POST' })).status >= 400, true, path)
  })

  it('an operator\'s command reaches a service with their own token, and is named by it', async () => {
    const file = join(edition.directory, 'operator-token')
    await writeFile(file, edition.tokens.token(ACCOUNTS.operator, AUDIENCES.approval), { mode: 0o600 })
    const where = ['--gateway', edition.services.get('approval')?.origin ?? '', '--token-file', file]
    const set = await runCommand(['lock', 'set', '--agent', 'nobody', '--reason', 'test', ...where])
    assert.deepEqual([set.code, set.err], [0, ''])
    const { locks } = JSON.parse((await runCommand(['lock', 'list', '--json', ...where])).out.replace(/^\[/, '{"locks":[').replace(/\]\s*$/, ']}')) as { readonly locks: readonly { readonly by: string }[] }
    assert.deepEqual(locks.map(({ by }) => by), [ACCOUNTS.operator])
    const decided = await runCommand(['approvals', 'approve', 'apr_none', ...where])
    assert.equal(decided.code, 1)
    assert.match(decided.err, /your own proof/)
  })

  it('invariant 8: a second audit process waits for the log, takes it over when the first stops, and the log goes on; a fact that comes to both has one record', async () => {
    const fact = cloudEvent('lock.changed', '/test', 'twice', Date.now(), { id: 'lck_twice', state: 'lifted', scope: { kind: 'everything' }, by: 'person:ada', reason: 'told twice' })
    const told = async (): Promise<readonly [status: number, records: number]> => {
      const status = await push('audit', 'audit-locks', fact)
      const { records } = await edition.ask<{ readonly records: readonly { readonly facts?: { readonly event?: string } }[] }>('audit', '/v1/audit/records?limit=1000&kind=event')
      return [status, records.filter(({ facts }) => facts?.event === fact.id).length]
    }
    assert.deepEqual(await told(), [204, 1])
    const agent = await edition.agent('steady', proxy.origin)
    const read = async (): Promise<number> => (await agent.post(`${PROJECT_POLICY}:getIamPolicy`, {})).status
    assert.equal(await read(), 200)
    const first = edition.services.get('audit')
    const second = edition.start('audit', { as: 'audit-next' })
    let next: ServiceProcess | undefined
    while ((next = edition.services.get('audit-next')) === undefined) await sleep(20)
    const waiting = await fetch(`${next.origin}/readyz`)
    assert.deepEqual([waiting.status, ((await waiting.json()) as { missing: readonly string[] }).missing], [503, ['lease']])
    assert.equal(await first?.stop(), 0)
    edition.services.set('audit', await second)
    assert.deepEqual(await told(), [204, 1])
    assert.equal(await read(), 200)
    const report = await edition.ask<LogReport>('audit', '/v1/audit/verify')
    assert.deepEqual([report.ok, report.problems], [true, []])
    const { records } = await edition.ask<{ readonly records: readonly { readonly kind: string, readonly agent?: string }[] }>('audit', '/v1/audit/records?limit=1000&agent=steady&kind=outcome')
    assert.equal(records.length, 2)
  })

  it('SIGTERM answers what is held, and every service ends with 0 within 10 s', async () => {
    const agent = await edition.agent('held', proxy.origin)
    const held = agent.post(`${TOPIC}:publish`, message('held'))
    await edition.approval('held', 'pending')
    const began = performance.now()
    const code = proxy.stop()
    const answer = await held
    assert.deepEqual([answer.status, answer.reason], [428, 'APPROVAL_PENDING'])
    assert.equal(await code, 0)
    const others = ['approval', 'policy', 'audit'].map((name) => edition.services.get(name))
    assert.deepEqual(await Promise.all(others.map(async (service) => [await service?.stop(), /"severity":"ERROR".*/.exec(service?.output() ?? '')?.[0]])), others.map(() => [0, undefined]))
    assert.ok(performance.now() - began < 10_000)
  })
})
