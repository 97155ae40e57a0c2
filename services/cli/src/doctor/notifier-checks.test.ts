import assert from 'node:assert/strict'
import { systemClock } from '@lockkeeper/domain'
import { startSlackServer, type SlackServer } from '@lockkeeper/testkit'
import { notifySchema } from '@lockkeeper/notifier'
import type { LoadedConfig } from '../gateway/load-config.ts'
import type { Finding } from './finding.ts'
import { checkNotifier } from './notifier-checks.ts'
import type { Surroundings } from './surroundings.ts'

describe('doctor: the notifier', () => {
  let slack: SlackServer
  before(async () => { slack = await startSlackServer('xoxb-right') })
  after(() => slack.close())

  const check = (environment: Readonly<Record<string, string>>, notify?: object, approvalUrl?: string): Promise<readonly Finding[]> => {
    const config = { mode: 'sandbox', ...notify === undefined ? {} : { notify: notifySchema.parse(notify) }, ...approvalUrl === undefined ? {} : { approvalUrl } }
    const configuration = { config, people: [], file: '', directory: '/' } as unknown as LoadedConfig
    return checkNotifier({ configuration, environment, clock: systemClock } as unknown as Surroundings)
  }
  const inSlack = () => ({ listen: {}, slack: { app: 'A0APP', team: 'T0TEAM', signingSecret: 'signing' }, channels: [{ kind: 'slack', name: 'oncall', token: 'token', channel: 'C0CHAN', apiUrl: slack.apiUrl }] })
  const RIGHT = { LOCKKEEPER_SECRET_TOKEN: 'xoxb-right', LOCKKEEPER_SECRET_SIGNING: '8f742231b10e8888abcd99ff1e2f85a5' }
  const texts = (found: readonly Finding[]): readonly string[] => found.map(({ result, is }) => `${result} ${is}`)

  it('a channel that answers is said to, and nobody is told anything', async () => {
    assert.deepEqual(texts(await check(RIGHT, inSlack())), ['ok oncall: Slack takes the token'])
    assert.deepEqual(slack.messages.items, [])
  })

  it('a channel whose secret is wrong or missing is a problem', async () => {
    assert.deepEqual(texts(await check({ ...RIGHT, LOCKKEEPER_SECRET_TOKEN: 'xoxb-wrong' }, inSlack())), ['problem oncall: Slack says invalid_auth'])
    assert.deepEqual(texts(await check({ LOCKKEEPER_SECRET_SIGNING: RIGHT.LOCKKEEPER_SECRET_SIGNING }, inSlack())), ['problem oncall: the secret token cannot be had now'])
  })

  it('a signing secret that is missing or none is a problem', async () => {
    assert.deepEqual(texts(await check({ LOCKKEEPER_SECRET_TOKEN: 'xoxb-right' }, inSlack())), ['ok oncall: Slack takes the token', 'problem the signing secret signing of Slack cannot be had'])
    const [, found] = await check({ ...RIGHT, LOCKKEEPER_SECRET_SIGNING: 'xoxb-right' }, inSlack())
    assert.match(found?.is ?? '', /32 hexadecimal digits/)
  })

  it('channels that only link, with nothing to link to, are worth a warning', async () => {
    const notify = { channels: [{ kind: 'googleChat', name: 'space', webhook: 'hook' }] }
    const environment = { LOCKKEEPER_SECRET_HOOK: 'http://127.0.0.1:9/v1/spaces/A/messages?key=k&token=canary' }
    assert.deepEqual((await check(environment, notify)).map(({ result }) => result), ['ok', 'warning'])
    const found = await check(environment, notify, 'https://console.example.com/{id}')
    assert.deepEqual(found.map(({ result }) => result), ['ok'])
    assert.doesNotMatch(JSON.stringify(found), /canary/)
  })

  it('without notify it says so', async () => {
    assert.deepEqual((await check({})).map(({ result }) => result), ['skipped'])
  })
})
