import assert from 'node:assert/strict'
import { startProviderServer, startSlackServer, type ProviderServer, type SlackServer } from '@lockkeeper/testkit'
import { cloudEvent } from '@lockkeeper/domain/events'
import { BOT_TOKEN, grantEvent, noticedEvent, openNotifier, type World } from '../test/harness.ts'
import { MOST_OPEN } from './intake.ts'
import { noticePlace, type Noticed } from './notice-subject.ts'
import type { NotifySettingsInput } from './settings.ts'

const MINUTE = 60_000

describe('what is told without anything being asked', () => {
  let slack: SlackServer
  let receiver: ProviderServer
  let world: World
  const open = async (...more: NotifySettingsInput['channels']): Promise<void> => {
    world = await openNotifier({ channels: [{ kind: 'slack', name: 'oncall', token: 'slack-token', channel: 'C0CHAN', apiUrl: slack.apiUrl }, ...more] })
  }
  beforeEach(async () => { [slack, receiver] = await Promise.all([startSlackServer(BOT_TOKEN), startProviderServer(() => ({ status: 204 }))]) })
  afterEach(async () => {
    await world.close()
    await Promise.all([slack.close(), receiver.close()])
    assert.deepEqual(slack.broken, [], 'Block Kit\'s rules')
  })
  const last = (): string => JSON.stringify(slack.messages.items.at(-1)?.blocks)
  const versions = (): readonly string[] => slack.messages.items.map(({ ts, version }) => `${ts.slice(8, 10)} ${version}`)

  describe('calls that a rule tells of', () => {
    const toSpanStart = (): void => {
      const now = world.clock.now()
      world.clock.advance(noticePlace(noticedEvent(1, now).data as Noticed, 10 * MINUTE).from + 10 * MINUTE - now)
    }

    it('the first is told at once, what follows is collected and told at the end of its time, in the same message', async () => {
      await open()
      toSpanStart()
      await world.receive(noticedEvent(1, world.clock.now()))
      await world.deliver()
      assert.match(last(), /SANDBOX Let through by policy.*agent-7: 1 call, storage\.buckets\.patch.*Rule: tests\/told.*Run: run-1.*buckets\/b: status 200 \(run run-1, rec_a\.1\)/)
      for (let times = 0; times < 50; times += 1) {
        world.clock.advance(10_000)
        await world.receive(noticedEvent(2, world.clock.now()))
        assert.equal(await world.deliver(), 0)
      }
      world.clock.advance(2 * MINUTE)
      await world.deliver()
      assert.deepEqual(versions(), ['00 1', '00 2'])
      assert.match(last(), /agent-7: 101 calls.*Calls: 101.*… and 81 more/)
      world.clock.advance(10 * MINUTE)
      await world.receive(noticedEvent(1, world.clock.now()))
      await world.deliver()
      assert.deepEqual(versions(), ['00 1', '00 2', '02 1'])
    })

    it('each agent, rule and effect has a message of its own', async () => {
      await open()
      for (const data of [{}, { agent: 'other' }, { rule: 'other' }, { effect: 'deny' as const }]) await world.receive(noticedEvent(1, world.clock.now(), data))
      await world.deliver()
      assert.equal(slack.messages.items.length, 4)
      assert.match(JSON.stringify(slack.messages.items), /Denied by policy/)
    })

    it('a fact that comes twice counts once, and facts in any order come to the same', async () => {
      await open()
      const facts = [1, 2, 3].map((count) => noticedEvent(count, world.clock.now() + count))
      await Promise.all([...facts, ...facts.toReversed()].map((fact) => world.receive(fact)))
      await world.deliver()
      assert.match(last(), /Calls: 6/)
    })

    it('a channel that is down loses nothing: what was collected meanwhile is told when it is up', async () => {
      await open()
      toSpanStart()
      slack.next('drop', 'drop')
      await world.receive(noticedEvent(1, world.clock.now()))
      await world.deliver()
      for (let times = 0; times < 5; times += 1) {
        world.clock.advance(30_000)
        await world.receive(noticedEvent(1, world.clock.now()))
        await world.deliver()
      }
      assert.match(JSON.stringify(slack.messages.items), /Calls: \d/)
      world.clock.advance(10 * MINUTE)
      await world.deliver()
      assert.match(last(), /Calls: 6/)
    })

    it('however many there are, they take no room of what is asked, and go out after it', async () => {
      await open()
      slack.next(...Array.from({ length: 3 }, () => 'drop' as const))
      for (let count = 0; count < MOST_OPEN.tell + 3; count += 1) await world.receive(noticedEvent(1, world.clock.now(), { agent: `agent-${count}` }))
      await world.service.deliver()
      const approval = await world.ask()
      world.clock.advance(60_000)
      await world.service.deliver()
      assert.match(JSON.stringify(slack.messages.items.slice(0, 4).map(({ blocks }) => blocks)), new RegExp(approval))
      await world.deliver()
      const states = Map.groupBy(await world.deliveries(), ({ state }) => state)
      assert.deepEqual([...states].map(([state, { length }]) => [state, length]).sort(), [['delivered', MOST_OPEN.tell + 1], ['dropped', 3]])
      assert.ok(world.logged.some((line) => line.includes('too many wait for this channel')))
    }).timeout(20_000)

    it('the spans of different agents end at different moments', async () => {
      await open()
      const ends = Array.from({ length: 50 }, (_, index) => noticePlace({ ...noticedEvent(1, world.clock.now()).data as Noticed, agent: `agent-${index}` }, 10 * MINUTE).from)
      assert.ok(new Set(ends).size > 40)
    })

    it('a channel without a fixed place, and one that wants no notices, tell nobody; a webhook has each fact', async () => {
      const common = { kind: 'slack', token: 'slack-token', apiUrl: slack.apiUrl } as const
      await open({ ...common, name: 'direct', channel: 'direct' }, { ...common, name: 'quiet', channel: 'C0QUIET', notices: false }, { kind: 'webhook', name: 'siem', url: receiver.origin, secret: 'webhook-secret' })
      for (const count of [1, 2]) await world.receive(noticedEvent(count, world.clock.now()))
      await world.deliver()
      assert.deepEqual(slack.messages.items.map(({ channel }) => channel), ['C0CHAN'])
      assert.deepEqual(receiver.requests.items.map(({ body }) => (JSON.parse(body) as { readonly data: { readonly count: number } }).data.count).sort(), [1, 2])
    })

    it('invariant 3: what looks like a credential is struck out, and no text of others is markup', async () => {
      await open()
      const call = { record: 'r', at: world.clock.now(), run: '<!channel>', method: 'm', resources: [`//x/${['ya29', 'a0AfH6SMBsecretsecret'].join('.')}`], result: 'answered' as const, status: 200 }
      await world.receive(noticedEvent(1, world.clock.now(), { agent: '<!here> \u202e', calls: [call] }))
      await world.deliver()
      assert.doesNotMatch(last(), /ya29\.|mrkdwn|\u202e/)
      assert.doesNotMatch(slack.messages.items[0]?.text ?? '', /[<>]/)
    })
  })

  describe('grants of patterns', () => {
    const created = (): ReturnType<typeof grantEvent> => grantEvent('grant.created', { approval: 'apr_123', by: ['bo'], uses: 20, until: world.clock.now() + 60 * MINUTE }, world.clock.now())

    it('a grant is told with what it lets through, by whom and until when, and how to take it back', async () => {
      await open()
      await world.receive(created())
      await world.deliver()
      assert.match(last(), /Pattern approved.*Up to 20 calls of storage\.objects\.delete by agent-7.*By: Bo.*Until: 2026-01-01T01:00:00Z.*buckets\/tmp\/objects\/\*.*lockkeeper grants revoke grt_1/)
      assert.match(last(), /https:\/\/console\.test\/a\/apr_123/)
    })

    const ENDS: readonly (readonly [string, () => ReturnType<typeof grantEvent>, RegExp])[] = [
      ['revoked', () => grantEvent('grant.revoked', { by: 'cy', reason: 'wrong bucket' }, world.clock.now()), /Pattern revoked.*Revoked by Cy at .*wrong bucket/],
      ['used up', () => grantEvent('grant.ended', { why: 'used', calls: 20, uses: 20 }, world.clock.now()), /Pattern used up.*all 20 calls/],
      ['over', () => grantEvent('grant.ended', { why: 'expired', calls: 3, uses: 20 }, world.clock.now()), /Pattern over.*3 of 20 calls/],
    ]
    for (const [what, end, wanted] of ENDS) {
      it(`its message is changed when it is ${what}`, async () => {
        await open()
        await world.receive(created())
        await world.deliver()
        await world.receive(end())
        await world.deliver()
        assert.deepEqual(versions(), ['00 1', '00 2'])
        assert.match(last(), wanted)
      })
    }

    it('a grant whose end comes before its beginning is told to nobody, and one that was revoked after it was used up says so', async () => {
      await open()
      await world.receive(grantEvent('grant.ended', { why: 'used', calls: 1, uses: 1 }, world.clock.now()))
      await world.receive(created())
      await world.deliver()
      assert.equal(slack.messages.items.length, 0)
      await world.receive(grantEvent('grant.revoked', { by: 'cy', reason: 'all of it' }, world.clock.now()))
      await world.receive(grantEvent('grant.created', { grant: 'grt_2', approval: 'apr_123', by: ['bo'], uses: 1, until: world.clock.now() + MINUTE }, world.clock.now()))
      await world.deliver()
      for (const end of [grantEvent('grant.ended', { grant: 'grt_2', why: 'used', calls: 1, uses: 1 }, world.clock.now()), grantEvent('grant.revoked', { grant: 'grt_2', by: 'cy', reason: 'all of it' }, world.clock.now())]) await world.receive(end)
      await world.deliver()
      assert.match(last(), /Pattern revoked.*all of it/)
    })

    it('who gave it is told where they are, and a channel for some reviewers is told of theirs alone', async () => {
      const common = { kind: 'slack', token: 'slack-token', apiUrl: slack.apiUrl } as const
      await open({ ...common, name: 'direct', channel: 'direct' }, { ...common, name: 'for-ana', channel: 'C0ANA', reviewers: ['person:ana'] }, { ...common, name: 'for-bo', channel: 'C0BO', reviewers: ['person:bo'] })
      await world.receive(created())
      await world.deliver()
      assert.deepEqual(slack.messages.items.map(({ channel }) => channel).sort(), ['C0BO', 'C0CHAN', 'D0BO'])
    })
  })

  it('a rule that asks more than its share is told once a day', async () => {
    await open()
    const fact = (id: string) => cloudEvent('fatigue.noticed', '/approval', id, world.clock.now(), { rule: 'tests/much', day: '2026-01-01', asked: 31, of: 40, share: 0.5, mode: 'sandbox' as const })
    for (const id of ['a', 'b']) await world.receive(fact(id))
    await world.deliver()
    assert.equal(slack.messages.items.length, 1)
    assert.match(last(), /One rule asks much.*tests\/much has asked for 31 of 40 approvals/)
  })
})
