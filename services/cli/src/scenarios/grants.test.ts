/** Invariants 4, 5, 6, 7 and 11: patterns of calls that run under one approval, and calls that one person let through alone. */
import assert from 'node:assert/strict'
import { join } from 'node:path'
import { isRefusal } from '@lockkeeper/domain/errors'
import { adminRoutes } from '../admin/admin-routes.ts'
import { openAdminServer, type AdminServer } from '../admin/admin-server.ts'
import { createApprovers, PEOPLE } from '../testing/approvers.ts'
import { ASK_TO_PUBLISH, message, published, TOPIC } from '../testing/calls.ts'
import { runCommand, type CommandResult } from '../testing/run-command.ts'
import { startTestGateway, type TestGateway } from '../testing/test-gateway.ts'

const URGENT = { name: 'urgent', methods: ['pubsub.projects.topics.create'], effect: 'approve', approval: { reviewers: ['person:max', 'person:kim'], quorum: 2, breakGlass: ['person:ada'] } } as const
const FRESH = 'pubsub.googleapis.com/v1/projects/sandbox-project/topics/fresh'
const GLOB = '//pubsub.googleapis.com/projects/sandbox-project/topics/orders'

describe('scenario: grants and break-glass', () => {
  const approvers = createApprovers()
  let test: TestGateway
  let admin: AdminServer
  before(async () => {
    test = await startTestGateway({ policies: [ASK_TO_PUBLISH, { ...URGENT, methods: [...URGENT.methods], approval: { ...URGENT.approval, reviewers: [...URGENT.approval.reviewers], breakGlass: [...URGENT.approval.breakGlass] } }], people: PEOPLE, config: { approverIssuers: [approvers.settings] } })
    admin = await openAdminServer(join(test.gateway.directory, 'admin.sock'), adminRoutes(test.gateway, test.loaded, 'none'))
  })
  after(async () => {
    await admin.close()
    await test.close()
  })
  const lockkeeper = async (...args: readonly string[]): Promise<CommandResult> => {
    const result = await runCommand(args, admin.path)
    assert.equal(result.code, 0, `${args.join(' ')}: ${result.err}`)
    return result
  }
  const json = async <T>(...args: readonly string[]): Promise<T> => JSON.parse((await lockkeeper(...args, '--json')).out) as T
  const grantedIn = ({ out }: CommandResult): string => /grt_[A-Za-z0-9]+/.exec(out)?.[0] ?? assert.fail(out)

  it('one approval of a pattern lets calls like it run without asking, one record each, until it is used up', async () => {
    const [agent, before] = [await test.agent('dozens'), published(test)]
    const waiting = agent.post(`${TOPIC}:publish`, message('first'))
    const { approval } = await test.facts.next('approval.requested', 'dozens')
    const grant = grantedIn(await lockkeeper('approvals', 'approve', approval, '--pattern', GLOB, '--vary', 'body.messages*', '--uses', '2', '--for', '30m'))
    assert.equal((await waiting).status, 200)
    for (const text of ['second', 'third']) assert.equal((await agent.post(`${TOPIC}:publish`, message(text))).status, 200)
    assert.equal(published(test), before + 3)
    const { grant: { state, used }, uses } = await json<{ grant: { state: string, used: number }, uses: readonly { approval: string }[] }>('grants', 'show', grant)
    assert.deepEqual([state, used, uses.length], ['used', 2, 2])
    const outcomes = (await test.outcomes()).filter((record) => record.agent === 'dozens')
    assert.deepEqual(new Set(outcomes.map((record) => record.approval)), new Set([approval, ...uses.map(({ approval: id }) => id)]))
    await test.gateway.audit.flush()
    const named = (await test.records()).flatMap((record) => record.kind === 'event' && record.name === 'approval.approved' && record.facts?.['grant'] === grant ? [record.facts['use']] : [])
    assert.deepEqual(named, ['1', '2'])
    const fourth = agent.post(`${TOPIC}:publish`, message('fourth'))
    await test.decide('dozens', 'deny', 'enough')
    assert.equal((await fourth).reason, 'APPROVAL_DENIED')
    assert.equal(published(test), before + 3)
  })

  it('invariant 11: a revocation ends a grant within a second, and the next call asks again', async () => {
    const [agent, before] = [await test.agent('ended'), published(test)]
    const waiting = agent.post(`${TOPIC}:publish`, message('one'))
    const { approval } = await test.facts.next('approval.requested', 'ended')
    const grant = grantedIn(await lockkeeper('approvals', 'approve', approval, '--pattern', GLOB, '--vary', 'body.messages*', '--this-run'))
    await waiting
    assert.match((await lockkeeper('grants', 'list')).out, new RegExp(`${grant}\\s+live\\s+0 of 10.*ended\\s+pubsub`))
    assert.match((await lockkeeper('grants', 'revoke', grant, '--reason', 'done')).out, /revoked, 0 of 10 used/)
    const next = agent.post(`${TOPIC}:publish`, message('two'))
    await test.decide('ended', 'deny', 'no more')
    assert.equal((await next).reason, 'APPROVAL_DENIED')
    assert.equal(published(test), before + 1)
    assert.match((await lockkeeper('grants', 'list', '--all')).out, new RegExp(`${grant}\\s+revoked`))
  })

  it('invariant 4: another topic, or more than the pattern names, asks again', async () => {
    const agent = await test.agent('strays')
    const waiting = agent.post(`${TOPIC}:publish`, message('mine'))
    const { approval } = await test.facts.next('approval.requested', 'strays')
    await lockkeeper('approvals', 'approve', approval, '--pattern', GLOB, '--vary', 'body.messages[0].data')
    await waiting
    const strays = [agent.post(`${TOPIC.replace('orders', 'invoices')}:publish`, message('stray')), agent.post(`${TOPIC}:publish`, { messages: [{ data: 'YQ==' }, { data: 'Yg==' }] })]
    for (const _ of strays) await test.decide('strays', 'deny', 'not that')
    assert.deepEqual((await Promise.all(strays)).map(({ reason }) => reason), ['APPROVAL_DENIED', 'APPROVAL_DENIED'])
  })

  it('invariant 6: break-glass runs at once, says so in the log, and stays open until another person closes it', async () => {
    const agent = await test.agent('urgent')
    const waiting = agent.call('PUT', FRESH, { body: {} })
    const { approval } = await test.facts.next('approval.requested', 'urgent')
    const without = await runCommand(['approvals', 'approve', approval, '--break-glass'], admin.path)
    assert.deepEqual([without.code, /wants a reason/.test(without.err)], [1, true])
    const { out } = await lockkeeper('approvals', 'approve', approval, '--break-glass', '--reason', 'orders are lost')
    const review = /rev_[A-Za-z0-9]+/.exec(out)?.[0] ?? assert.fail(out)
    assert.equal((await waiting).status < 500, true)
    assert.match((await lockkeeper('approvals', 'reviews')).out, new RegExp(`${review}.*ada.*orders are lost.*open`))
    const own = await runCommand(['approvals', 'close', review, '--note', 'fine'], admin.path)
    assert.deepEqual([own.code, /another person closes/.test(own.err)], [1, true])
    const closed = await test.gateway.approval.admin.closeReview({ review, note: 'it was right', proof: { kind: 'idToken', token: approvers.token('kim', `review:${review}`) } })
    assert.ok(!isRefusal(closed) && closed.closed?.by === 'kim')
    assert.match((await lockkeeper('approvals', 'reviews')).out, /No such reviews/)
    assert.match((await lockkeeper('approvals', 'reviews', '--closed')).out, /by kim: it was right/)
    await test.gateway.audit.flush()
    const texts = (await test.records()).flatMap((record) => record.kind === 'event' && record.approval === approval ? [`${record.name} ${record.text}`] : [])
    assert.ok(texts.some((text) => /^review\.opened BREAK-GLASS by ada:.*orders are lost/.test(text)), texts.join('\n'))
    assert.ok(texts.some((text) => text.startsWith('review.closed')))
  })

  it('load says who was asked how often, and which rule asks most', async () => {
    await test.gateway.approval.sweep()
    const { out } = await lockkeeper('approvals', 'load')
    assert.match(out, /PERSON\s+ASKED\s+A DAY[\s\S]*\nada\s+\d+[\s\S]*\nRULE[\s\S]*scenario\/publish\s+\d+/)
    const { persons, rules } = await json<{ persons: readonly { name: string }[], rules: readonly { name: string, share: number }[] }>('approvals', 'load', '--days', '1')
    assert.ok(persons.some(({ name }) => name === 'max') && (rules[0]?.share ?? 0) > 0.5)
    assert.equal((await runCommand(['approvals', 'load', '--days', '0'], admin.path)).code, 1)
  })

  const WRONG: readonly (readonly [readonly string[], RegExp])[] = [
    [['--vary', 'a'], /go with --pattern/], [['--pattern', '//x/y', '--uses', 'many'], /--uses must be/], [['--pattern', '//x/y', '--for', 'ever'], /--for must be/], [['--pattern', '//x/y', '--bound', 'size'], /write NAME<=NUMBER/],
  ]
  for (const [args, wanted] of WRONG) {
    it(`approvals approve with ${args.join(' ')} is wrong use`, async () => {
      const { code, err } = await runCommand(['approvals', 'approve', 'apr_4kZ0mQ', ...args], admin.path)
      assert.equal(code, 2)
      assert.match(err, wanted)
    })
  }
})
