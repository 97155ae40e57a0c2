/** Channels hear of calls that a rule tells of, and who clicks in vain hears it where they clicked; nothing is asked of anybody. */
import assert from 'node:assert/strict'
import { startSlackServer, type SlackServer } from '@lockkeeper/testkit'
import { ASK_TO_PUBLISH, message, published, TOPIC } from '../testing/calls.ts'
import { clickInSlack, SLACK, toldInSlack } from '../testing/slack-people.ts'
import { startTestGateway, type TestGateway } from '../testing/test-gateway.ts'

describe('scenario: what is told', () => {
  let slack: SlackServer
  let test: TestGateway
  before(async () => {
    slack = await startSlackServer(SLACK.token)
    test = await startTestGateway({
      policies: [{ name: 'told', methods: ['storage.buckets.list'], effect: 'allow', notify: true }, { name: 'never', methods: ['storage.buckets.delete'], effect: 'deny', notify: true }, ASK_TO_PUBLISH], people: SLACK.people,
      config: ({ directory }) => toldInSlack(slack, directory),
    })
  })
  after(async () => {
    await test.close()
    await slack.close()
    assert.deepEqual(slack.broken, [])
  })
  const told = (wanted: RegExp) => slack.messages.until((items) => items.some(({ blocks }) => wanted.test(JSON.stringify(blocks))), 8_000)

  it('a call under a rule with notify runs, and its channel hears of it with the record that tells all', async () => {
    const agent = await test.agent('told')
    assert.equal((await agent.get('storage.googleapis.com/storage/v1/b?project=sandbox-project')).status, 200)
    await told(/Let through by policy.*Agent: told.*storage\.buckets\.list.*: status 200 \(run \S+, rec_/)
  })

  it('a call that such a rule denies is told as denied, and is not sent', async () => {
    const agent = await test.agent('denied')
    assert.equal((await agent.call('DELETE', 'storage.googleapis.com/storage/v1/b/some-bucket')).status, 403)
    await told(/Denied by policy.*Agent: denied.*storage\.buckets\.delete.*: denied \(run \S+, rec_/)
  })

  it('invariant 6: who clicks and may not decide is told why, alone, and the call goes on waiting', async () => {
    const agent = await test.agent('clicked')
    const before = published(test)
    const waiting = agent.post(`${TOPIC}:publish`, message('by click'))
    const { approval } = await test.facts.next('approval.requested', 'clicked')
    await told(new RegExp(`${approval}.*lockkeeper\\.approve`))
    const origin = test.gateway.notifier?.callbackOrigin ?? ''
    assert.equal(await clickInSlack({ origin, at: test.clock.now() }, slack, approval, { member: 'U0SAM' }), 200)
    const [answer] = await slack.answers.count(1)
    assert.deepEqual([answer?.channel, answer?.user], ['C0CHAN', 'U0SAM'])
    assert.match(JSON.stringify(answer?.blocks), /Your approval of apr_\w+ does not count/)
    assert.equal(published(test), before)
    assert.equal(await clickInSlack({ origin, at: test.clock.now() }, slack, approval, { member: 'U0MAX' }), 200)
    assert.equal((await waiting).status, 200)
  })
})
