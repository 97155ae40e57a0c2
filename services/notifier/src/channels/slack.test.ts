import assert from 'node:assert/strict'
import { readSlackClick } from '@lockkeeper/domain/slack-click'
import { startSlackServer, type SlackServer } from '@lockkeeper/testkit'
import { afterEach, beforeEach, describe, it } from 'mocha'
import { BOT_TOKEN, lockEvent, openNotifier, type World } from '../../test/harness.ts'
import type { ChannelOf } from '../settings.ts'

const APP = { app: 'A0APP', team: 'T0TEAM', signingSecret: 'slack-signing' } as const

describe('Slack', () => {
  let slack: SlackServer
  let world: World
  const open = async (channel: Partial<ChannelOf<'slack'>> = {}, app = true): Promise<void> => {
    world = await openNotifier({ channels: [{ kind: 'slack', name: 'oncall', token: 'slack-token', channel: 'C0CHAN', apiUrl: slack.apiUrl, ...channel }], ...app ? { slack: APP } : {} })
  }
  beforeEach(async () => { slack = await startSlackServer(BOT_TOKEN) })
  afterEach(async () => {
    await world.close()
    await slack.close()
    assert.deepEqual(slack.broken, [], 'Block Kit\'s rules')
  })
  const last = (): string => JSON.stringify(slack.messages.items.at(-1)?.blocks)

  it('a request becomes one message that says what, who, how risky, and until when', async () => {
    await open()
    const approval = await world.ask()
    await world.deliver()
    const [message] = slack.messages.items
    assert.equal(message?.channel, 'C0CHAN')
    assert.equal(message?.text, 'SANDBOX Approval wanted: Delete bucket b')
    for (const part of ['Delete bucket b', 'Agent: agent-7', 'Run: run-1', 'Works for: ana@acme.test', 'Risk: medium: it changes', 'Until: 2026-01-01T00:30:00Z', 'bucket = b', '“clean up” (the agent\'s own words, not checked)', `https://console.test/a/${approval}`]) assert.ok(last().includes(part), part)
  })

  it('its buttons name approval, digest and verdict, and ask once more before they act', async () => {
    await open()
    const approval = await world.ask()
    await world.deliver()
    const value = JSON.parse(slack.button('lockkeeper.approve') ?? '{}') as Record<string, unknown>
    assert.deepEqual({ ...value, ref: typeof value['ref'] }, { v: 1, approval, digest: 'full:d1', verdict: 'approve', ref: 'string' })
    assert.equal((JSON.parse(slack.button('lockkeeper.deny') ?? '{}') as Record<string, unknown>)['verdict'], 'deny')
    assert.match(last(), /"confirm":\{"title"/)
    assert.equal(readSlackClick('payload={}'), undefined)
  })

  const STANDINGS: readonly (readonly [string, Parameters<World['tell']>[0], object, RegExp])[] = [
    ['approved', 'approval.approved', { by: ['bo'] }, /Approved by Bo at 2026-01-01T00:00:00Z/],
    ['denied, with the reason', 'approval.denied', { by: 'cy', reason: 'not on a Friday' }, /Denied by Cy .*Nothing has run\. Reason: not on a Friday/],
    ['expired, which is no denial', 'approval.expired', {}, /Expired .*nobody decided in time.*nobody said no/],
    ['withdrawn', 'approval.cancelled', { why: 'Revoked by op: stop' }, /Withdrawn at .*Revoked by op: stop/],
  ]
  for (const [what, type, data, wanted] of STANDINGS) {
    it(`a message is changed when its request is ${what}, and has no buttons any more`, async () => {
      await open()
      const approval = await world.ask()
      await world.deliver()
      await world.tell(type, { approval, ...data })
      await world.deliver()
      assert.deepEqual(slack.messages.items.map(({ ts, version }) => [ts, version]), [['1700000000.000100', 1], ['1700000000.000100', 2]])
      assert.match(last(), wanted)
      assert.equal(slack.button('lockkeeper.approve'), undefined)
      assert.doesNotMatch(last(), /lockkeeper\.reason/)
    })
  }

  it('a message follows its request to the end and says who approved it', async () => {
    await open()
    const approval = await world.ask()
    await world.deliver()
    for (const [type, data] of [['approval.approved', { by: ['bo', 'cy'] }], ['approval.claimed', { fence: 'f', holder: 'p' }], ['approval.completed', { outcome: 'answered', status: 204 }]] as const) {
      world.clock.advance(10)
      await world.tell(type, { approval, ...data })
      await world.deliver()
    }
    assert.equal(slack.messages.items.length, 4)
    assert.match(last(), /Done at .* with status 204\. Approved by Bo, Cy\./)
  })

  const WITHOUT: readonly (readonly [string, () => Promise<string>, boolean])[] = [
    ['of a class that no click decides', () => world.ask({}, { risk: 'critical' }), true],
    ['of a class that the settings do not name', () => world.ask({}, { risk: 'high' }), true],
    ['that does not fit into a message', () => world.ask({}, { whole: false }), true],
    ['from before digests travelled', () => world.ask({ digest: undefined }), true],
    ['where no app takes clicks', () => world.ask(), false],
  ]
  for (const [what, ask, app] of WITHOUT) {
    it(`invariant 4: a request ${what} has a link and no buttons`, async () => {
      await open({}, app)
      await ask()
      await world.deliver()
      assert.equal(slack.button('lockkeeper.approve'), undefined)
      assert.match(last(), /This is decided on its card.*https:\/\/console\.test/)
    })
  }

  it('a rule that wants a reason makes the field one that must be filled', async () => {
    await open()
    await world.ask({}, { reasonRequired: true })
    await world.deliver()
    assert.match(last(), /"block_id":"lockkeeper.reason","optional":false/)
  })

  it('direct: each reviewer with a Slack identity has a message of their own, and disabled ones have none', async () => {
    await open({ channel: 'direct' })
    world.persons.splice(0, 3, ...world.persons.map((one) => one.id === 'cy' ? { ...one, disabled: true } : one))
    await world.ask({ reviewers: ['bo', 'cy', 'nobody-knows'] })
    await world.deliver()
    assert.deepEqual(slack.messages.items.map(({ channel }) => channel), ['D0BO'])
  })

  it('a channel for some reviewers tells only of what they may decide', async () => {
    await open({ reviewers: ['person:ana'] })
    await world.ask()
    assert.equal(await world.deliver(), 0)
    await world.ask({ reviewers: ['ana'] })
    assert.equal(await world.deliver(), 1)
  })

  it('locks are told where the settings say so', async () => {
    await open({ locks: true })
    await world.receive(lockEvent({}, world.clock.now()))
    await world.deliver()
    assert.match(last(), /Lock set.*agent agent-7: odd deletes.*By: Bo/)
  })

  it('words of others are never markup, however long and odd they are', async () => {
    await open()
    const odd = '<!channel> *bold* <https://evil.test|click> :fire: \u202e\u0000\n```'
    await world.ask({}, { title: odd.repeat(20), statedReason: 'x'.repeat(5000), details: Array.from({ length: 40 }, () => `${odd} ${'y'.repeat(280)}`), warnings: Array.from({ length: 20 }, () => odd.repeat(50)), sponsor: odd })
    await world.deliver()
    assert.equal(slack.messages.items.length, 1)
    assert.doesNotMatch(last(), /mrkdwn/)
    assert.doesNotMatch(slack.messages.items[0]?.text ?? '', /[<>]/)
  })

  it('what changes, what it would do and whether it can be undone are shown as on the card, within Slack\'s limits', async () => {
    await open()
    await world.ask({}, { edits: ['labels.team: "a" → "b"', ...Array.from({ length: 20 }, (_, index) => `f${index}: ${'x'.repeat(280)}`)], effect: 'There are 12 objects in it.', undo: 'Can be undone by setting the old fields again.', details: Array.from({ length: 40 }, () => 'y'.repeat(300)), warnings: Array.from({ length: 10 }, () => 'w'.repeat(300)) })
    await world.deliver()
    assert.match(last(), /Effect: There are 12 objects in it\..*Undo: Can be undone by.*What changes:\\nlabels\.team: \\"a\\" → \\"b\\"/)
    assert.ok((slack.messages.items.at(-1)?.blocks.length ?? 99) <= 50)
  })

  it('invariant 3: what looks like a credential is struck out of messages', async () => {
    await open()
    await world.ask({}, { statedReason: `with ${['ya29', 'a0AfH6SMBsecretsecret'].join('.')}`, details: [`x = ${['AIza', 'SyA1234567890abcdefghijklmnopqrstuvw'].join('')}`] })
    await world.deliver()
    assert.doesNotMatch(last(), /ya29\.|AIzaSy/)
  })

  it('invariant 3: the bot token is in no delivery, log or answer', async () => {
    await open()
    slack.next({ status: 500, body: BOT_TOKEN })
    await world.ask()
    await world.deliver()
    world.secrets.set('slack-token', 'xoxb-wrong-canary')
    world.clock.advance(120_000)
    await world.deliver()
    const kept = JSON.stringify([await world.deliveries(), world.logged, world.service.status()])
    assert.match(kept, /Slack answered 500/)
    assert.match(kept, /invalid_auth/)
    assert.doesNotMatch(kept, /xoxb/)
  })

  it('a message that was deleted in Slack is given up', async () => {
    await open()
    const approval = await world.ask()
    await world.deliver()
    slack.next({ status: 200, body: '{"ok":false,"error":"message_not_found"}' })
    await world.tell('approval.denied', { approval, by: 'bo' })
    await world.deliver()
    assert.deepEqual((await world.deliveries()).map(({ state, why }) => [state, why]), [['failed', 'Slack says message_not_found']])
  })

  it('a Retry-After is obeyed by the whole channel', async () => {
    await open()
    slack.next({ status: 429, headers: { 'retry-after': '30' }, body: '{"ok":false,"error":"ratelimited"}' })
    await world.ask()
    await world.ask()
    await world.deliver()
    assert.ok((world.service.status()[0]?.pausedMs ?? 0) >= 30_000)
    world.clock.advance(29_000)
    assert.equal(await world.deliver(), 0)
    world.clock.advance(3_000)
    await world.deliver()
    assert.equal(slack.messages.items.length, 2)
  })
})
