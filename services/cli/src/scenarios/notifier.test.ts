/** Approvers are told over channels of their own, and a click in Slack decides (invariants 4, 6 and 7). */
import assert from 'node:assert/strict'
import { setTimeout as sleep } from 'node:timers/promises'
import { isRefusal } from '@lockkeeper/domain/errors'
import { startSlackServer, type SlackServer } from '@lockkeeper/testkit'
import { decideAtTerminal } from '../gateway/decide-at-terminal.ts'
import { ASK_FOR_ACCESS, ASK_TO_PUBLISH, message, oneMoreViewer, PROJECT_POLICY, published, TOPIC } from '../testing/calls.ts'
import { clickInSlack, SLACK, toldInSlack, type Clicked } from '../testing/slack-people.ts'
import { startTestGateway, type TestGateway } from '../testing/test-gateway.ts'

describe('scenario: the notifier', () => {
  let slack: SlackServer
  let test: TestGateway
  before(async () => {
    slack = await startSlackServer(SLACK.token)
    test = await startTestGateway({
      policies: [ASK_TO_PUBLISH, ASK_FOR_ACCESS], people: SLACK.people,
      config: async ({ directory }) => ({ ...await toldInSlack(slack, directory), approvalUrl: 'https://console.example.com/a/{id}' }),
    })
  })
  after(async () => {
    await test.close()
    await slack.close()
    assert.deepEqual(slack.broken, [])
  })

  /** The newest version of the message about that approval, once it says this. */
  const shows = async (approval: string, wanted: RegExp): Promise<string> => {
    const about = (items: SlackServer['messages']['items']): string => JSON.stringify(items.findLast(({ blocks }) => JSON.stringify(blocks).includes(approval))?.blocks ?? [])
    return about(await slack.messages.until((items) => wanted.test(about(items)), 8000))
  }
  const click = (approval: string, member: string, fields: Omit<Clicked, 'member'> = {}): Promise<number> => clickInSlack({ origin: test.gateway.notifier?.callbackOrigin ?? '', at: test.clock.now() }, slack, approval, { member, ...fields })
  /** Reasons of the decisions that were refused, once there are so many; a refusal is no fact that could be waited for. */
  const refusals = async (approval: string, wanted: number): Promise<readonly string[]> => {
    for (let tries = 0; ; tries += 1) {
      const shown = await test.gateway.approval.admin.show(approval)
      const found = isRefusal(shown) ? [] : shown.refused.map(({ reason }) => reason)
      if (found.length >= wanted || tries === 400) return found.sort()
      await sleep(20)
    }
  }

  it('a call is held, Slack has a message, a click there lets the call run, and the message says by whom', async () => {
    const agent = await test.agent('told')
    const before = published(test)
    const waiting = agent.post(`${TOPIC}:publish`, message('by click'))
    const { approval } = await test.facts.next('approval.requested', 'told')
    await shows(approval, /lockkeeper\.approve/)
    assert.equal(published(test), before)
    assert.equal(await click(approval, 'U0ADA'), 200)
    assert.equal((await waiting).status, 200)
    assert.equal(published(test), before + 1)
    assert.match(await shows(approval, /Done at/), /Approved by ada/)
  })

  it('a denial by a click reaches the agent with the reason that was typed', async () => {
    const agent = await test.agent('refused')
    const before = published(test)
    const waiting = agent.post(`${TOPIC}:publish`, message('by denial'))
    const { approval } = await test.facts.next('approval.requested', 'refused')
    await shows(approval, /lockkeeper\.deny/)
    assert.equal(await click(approval, 'U0MAX', { verdict: 'deny', reason: 'not this topic' }), 200)
    const answer = await waiting
    assert.equal(answer.reason, 'APPROVAL_DENIED')
    assert.match(answer.message, /not this topic/)
    assert.match(await shows(approval, /Denied by max/), /not this topic/)
    assert.equal(published(test), before)
  })

  it('invariants 6 and 7: a forged click, and one by the sponsor, are carried, refused and written down', async () => {
    const agent = await test.agent('forged')
    const waiting = agent.post(`${TOPIC}:publish`, message('forged'))
    const { approval } = await test.facts.next('approval.requested', 'forged')
    await shows(approval, /lockkeeper\.approve/)
    assert.equal(await click(approval, 'U0ADA', { secret: 'a-secret-of-somebody-else' }), 200)
    assert.equal(await click(approval, 'U0SAM'), 200)
    assert.deepEqual(await refusals(approval, 2), ['POLICY_DENIED', 'TOKEN_INVALID'])
    assert.equal(await click(approval, 'U0MAX'), 200)
    assert.equal((await waiting).status, 200)
  })

  it('invariant 4: a call of class critical has a link and no buttons, and no click decides it', async () => {
    const agent = await test.agent('critical')
    const waiting = agent.post(`${PROJECT_POLICY}:setIamPolicy`, oneMoreViewer(test, 'user:new@sandbox.example.com'))
    const { approval } = await test.facts.next('approval.requested', 'critical')
    const blocks = await shows(approval, /This is decided on its card/)
    assert.doesNotMatch(blocks, /lockkeeper\.approve/)
    assert.match(blocks, new RegExp(`https://console.example.com/a/${approval}`))
    assert.match(blocks, /user:new@sandbox.example.com/)
    await decideAtTerminal(test.gateway, 'ada', approval, 'deny')
    assert.equal((await waiting).reason, 'APPROVAL_DENIED')
    await shows(approval, /Denied by ada/)
  })

  it('invariant 3: neither bot token nor signing secret is in the logs', () => {
    assert.doesNotMatch(test.logLines.join(''), new RegExp(`${SLACK.token}|${SLACK.signing}`))
  })
})
