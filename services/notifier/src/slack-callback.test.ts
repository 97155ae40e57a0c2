import assert from 'node:assert/strict'
import { cloudEvent, EVENT_DATA, type CloudEvent } from '@lockkeeper/domain/events'
import { collector, signClick, slackClick, startSlackServer, type ClickFields, type SignedClick, type SlackServer } from '@lockkeeper/testkit'
import { after, before, describe, it } from 'mocha'
import { BOT_TOKEN, openNotifier, type World } from '../test/harness.ts'
import { openCallbackServer, type CallbackServer } from './service.ts'

const SECRET = 'a-secret-that-the-notifier-never-sees'

describe('callbacks of Slack', () => {
  let slack: SlackServer
  let world: World
  let server: CallbackServer
  const published = collector<CloudEvent>()
  before(async () => {
    slack = await startSlackServer(BOT_TOKEN)
    world = await openNotifier({
      channels: [{ kind: 'slack', name: 'oncall', token: 'slack-token', channel: 'C0CHAN', apiUrl: slack.apiUrl }], slack: { app: 'A0APP', team: 'T0TEAM', signingSecret: 'slack-signing' },
    })
    world.store.events.subscribe({ topic: 'decisions', name: 'test' }, async ({ event }) => published.add(event))
    server = await openCallbackServer(world.service.callbacks, { address: '127.0.0.1', port: 0 })
  })
  after(async () => {
    await server.close()
    await world.close()
    await slack.close()
  })

  async function asked(): Promise<Pick<ClickFields, 'approval' | 'digest' | 'ref'>> {
    const approval = await world.ask()
    await world.deliver()
    const value = JSON.parse(slack.button('lockkeeper.approve') ?? '{}') as { readonly ref: string }
    return { approval, digest: 'full:d1', ref: value.ref }
  }
  const click = (fields: Pick<ClickFields, 'approval' | 'digest' | 'ref'> & Partial<ClickFields>): SignedClick => slackClick({ secret: SECRET, at: world.clock.now(), verdict: 'approve', member: 'U0BO', ...fields })
  const post = async ({ body, timestamp, signature }: SignedClick, headers: Readonly<Record<string, string>> = {}): Promise<number> => {
    const response = await fetch(`${server.origin}/slack/interactivity`, { method: 'POST', body, headers: { 'content-type': 'application/x-www-form-urlencoded', 'x-slack-request-timestamp': timestamp, 'x-slack-signature': signature, ...headers } })
    assert.equal(await response.text(), '')
    return response.status
  }
  const decisions = (approval: string): readonly unknown[] => published.items.filter(({ subject }) => subject === approval).map(({ data }) => data)

  it('invariant 7: a click is passed on as it came, as proof, and the notifier adds nothing of its own', async () => {
    const fields = await asked()
    const sent = click({ ...fields, verdict: 'deny', reason: ' later ' })
    assert.equal(await post(sent), 200)
    await published.until((events) => events.some(({ subject }) => subject === fields.approval))
    const [decision] = decisions(fields.approval)
    assert.deepEqual(decision, { approval: fields.approval, digest: 'full:d1', verdict: 'deny', reason: 'later', proof: { kind: 'slack', ...sent } })
    assert.ok(EVENT_DATA['decision.submitted'].safeParse(decision).success)
  })

  it('invariant 7: the notifier never asks for the signing secret', async () => {
    const wanted: string[] = []
    const { secrets } = world
    const get = secrets.get.bind(secrets)
    secrets.get = (name) => {
      wanted.push(name)
      return get(name)
    }
    const fields = await asked()
    assert.equal(await post(click(fields)), 200)
    secrets.get = get
    assert.deepEqual([...new Set(wanted)], ['slack-token'])
  })

  it('the same click is passed on once', async () => {
    const sent = click(await asked())
    assert.deepEqual([await post(sent), await post(sent), await post(sent)], [200, 409, 409])
  })

  it('of two that come at the same time one is passed on', async () => {
    const sent = click(await asked())
    assert.deepEqual((await Promise.all([post(sent), post(sent)])).sort(), [200, 409])
  })

  type Fields = Awaited<ReturnType<typeof asked>>
  const HOSTILE: readonly (readonly [string, (fields: Fields) => SignedClick, number])[] = [
    ['over five minutes old', (fields) => click({ ...fields, at: world.clock.now() - 301_000 }), 401],
    ['from the future', (fields) => click({ ...fields, at: world.clock.now() + 301_000 }), 401],
    ['without a signature', (fields) => ({ ...click(fields), signature: '' }), 400],
    ['with a signature of another form', (fields) => ({ ...click(fields), signature: `v1=${'0'.repeat(64)}` }), 400],
    ['with a time that is no number', (fields) => ({ ...click(fields), timestamp: 'now' }), 400],
    ['with a ref that nobody gave out', (fields) => click({ ...fields, ref: `${'x'.repeat(32)}.${'y'.repeat(22)}` }), 404],
    ['with the right delivery and a guessed nonce', (fields) => click({ ...fields, ref: `${fields.ref?.split('.')[0] ?? ''}.${'y'.repeat(22)}` }), 404],
    ['with no ref', (fields) => click({ ...fields, ref: '' }), 404],
    ['with another approval than its message', (fields) => click({ ...fields, approval: 'apr_other' }), 404],
    ['with another digest than its message', (fields) => click({ ...fields, digest: 'full:d2' }), 404],
    ['on a link, which decides nothing', (fields) => click({ ...fields, payload: { actions: [{ type: 'button', action_id: 'lockkeeper.open' }] } }), 200],
    ['that is no form of Slack', () => signClick(SECRET, world.clock.now(), 'hello=world'), 200],
    ['of over 128 KiB', () => signClick(SECRET, world.clock.now(), `payload=${'x'.repeat(140_000)}`), 413],
  ]
  for (const [what, hostile, status] of HOSTILE) {
    it(`invariant 7: a click ${what} is answered with ${status} and passed on to nobody`, async () => {
      const fields = await asked()
      assert.equal(await post(hostile(fields)), status)
      // Whatever was published before this one has been delivered once this one is.
      const other = await asked()
      assert.equal(await post(click(other)), 200)
      await published.until((events) => events.some(({ subject }) => subject === other.approval))
      assert.deepEqual(decisions(fields.approval), [])
    })
  }

  it('who clicks and may not decide is told so where they clicked, alone, and nobody else is', async () => {
    const fields = await asked()
    const sent = click({ ...fields, member: 'U0ANA' })
    assert.equal(await post(sent), 200)
    const [decision] = await published.until((events) => events.some(({ subject }) => subject === fields.approval)).then((events) => events.filter(({ subject }) => subject === fields.approval))
    const refused = { approval: fields.approval, verdict: 'approve', reason: 'POLICY_DENIED', why: 'ana is not among those who may decide it. <!channel>', person: 'ana', mode: 'sandbox' } as const
    const messages = slack.messages.items.length
    await world.receive(cloudEvent('decision.refused', '/approval', 'refused-1', world.clock.now(), { ...refused, event: decision?.id }))
    await world.receive(cloudEvent('decision.refused', '/approval', 'refused-2', world.clock.now(), { ...refused, event: 'click-nobody-made' }))
    await world.receive(cloudEvent('decision.refused', '/approval', 'refused-3', world.clock.now(), refused))
    await world.deliver()
    const answers = slack.answers.items.filter(({ text }) => text.includes(fields.approval))
    assert.deepEqual(answers.map(({ channel, user }) => [channel, user]), [['C0CHAN', 'U0ANA']])
    assert.match(answers[0]?.text ?? '', /^SANDBOX Nothing changed: Your approval of apr_\w+ does not count\.$/)
    assert.match(JSON.stringify(answers[0]?.blocks), /ana is not among those who may decide it/)
    assert.equal(slack.messages.items.length, messages)
  })

  it('an answer that cannot be given within ten minutes is given up', async () => {
    const fields = await asked()
    const sent = click(fields)
    await post(sent)
    const decision = (await published.until((events) => events.some(({ subject }) => subject === fields.approval))).find(({ subject }) => subject === fields.approval)
    slack.next(...Array.from({ length: 20 }, () => 'drop' as const))
    await world.receive(cloudEvent('decision.refused', '/approval', 'refused-4', world.clock.now(), { approval: fields.approval, verdict: 'deny', reason: 'TOKEN_INVALID', why: 'no', mode: 'sandbox', event: decision?.id }))
    for (let times = 0; times < 14; times += 1) {
      await world.deliver()
      world.clock.advance(60_000)
    }
    const given = (await world.deliveries()).filter(({ subject, attempts }) => subject.startsWith('refusal-') && attempts > 0)
    assert.deepEqual(given.map(({ state }) => state), ['failed'])
  })

  it('a click in another encoding or type than Slack sends is refused', async () => {
    const sent = click(await asked())
    assert.equal(await post(sent, { 'content-type': 'application/json' }), 400)
    assert.equal(await post(sent, { 'content-encoding': 'gzip' }), 415)
    assert.equal((await fetch(`${server.origin}/slack/interactivity`)).status, 404)
    assert.equal((await fetch(`${server.origin}/v1/deliveries`)).status, 404)
  })

  it('invariant 3: no signature and no body of a click is logged', async () => {
    const sent = click(await asked())
    await post(sent)
    await post(sent)
    const logged = world.logged.join()
    assert.equal(logged.includes(sent.signature), false)
    assert.equal(logged.includes('response_url'), false)
  })
})
