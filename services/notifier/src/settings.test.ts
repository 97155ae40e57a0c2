import assert from 'node:assert/strict'
import { readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { readSettingsFile } from '@lockkeeper/service-kit'
import { tempDir } from '@lockkeeper/testkit'
import { describe, it } from 'mocha'
import { z } from 'zod'
import { notifyProblems, notifySchema, type NotifySettingsInput } from './settings.ts'

const slack = { kind: 'slack', name: 's', token: 't', channel: 'C0CHAN' } as const
const hook = { kind: 'webhook', name: 'w', url: 'https://hooks.example.com/', secret: 's' } as const
const mail = { kind: 'email', name: 'm', from: 'a@b.test', smtp: { host: 'smtp.b.test' } } as const
const app = { app: 'A0APP', team: 'T0TEAM', signingSecret: 's' } as const
type Channels = NotifySettingsInput['channels']

describe('settings of the notifier', () => {
  const problems = (mode: 'real' | 'sandbox', channels: Channels, more: Partial<NotifySettingsInput> = {}): readonly string[] => notifyProblems(notifySchema.parse({ channels, ...more }), mode).map(({ path }) => path.join('.'))

  it('plain settings have none', () => {
    assert.deepEqual(problems('real', [slack, hook, mail, { kind: 'googleChat', name: 'g', webhook: 'h' }], { slack: app, listen: {} }), [])
    assert.deepEqual(problems('sandbox', [{ ...slack, apiUrl: 'http://127.0.0.1:9/api/' }, { ...hook, url: 'http://localhost:9/' }, { ...mail, smtp: { host: '127.0.0.1', security: 'none' } }]), [])
  })

  it('those of docs/notifications.md can be used as they stand', () => {
    const page = readFileSync(new URL('../../../docs/notifications.md', import.meta.url), 'utf8')
    const file = join(tempDir(), 'example.yaml')
    writeFileSync(file, /```yaml\n([^]*?)```/.exec(page)?.[1] ?? '')
    const { result } = readSettingsFile(file, z.looseObject({ notify: notifySchema }))
    assert.ok('value' in result, JSON.stringify(result))
    assert.deepEqual(notifyProblems(result.value.notify, 'real'), [])
  })

  const WRONG: readonly (readonly [string, 'real' | 'sandbox', Channels, string, Partial<NotifySettingsInput>?])[] = [
    ['the token sent elsewhere', 'real', [{ ...slack, apiUrl: 'https://slack.com.evil.test/api/' }], 'channels.0.apiUrl'],
    ['the token sent in the clear', 'real', [{ ...slack, apiUrl: 'http://slack.com/api/' }], 'channels.0.apiUrl'],
    ['a plain-http receiver', 'real', [{ ...hook, url: 'http://hooks.example.com/' }], 'channels.0.url'],
    ['mail in the clear', 'real', [{ ...mail, smtp: { host: 'smtp.b.test', security: 'none' } }], 'channels.0.smtp.security'],
    ['the real Slack from a sandbox', 'sandbox', [slack], 'channels.0.apiUrl'],
    ['a real receiver from a sandbox', 'sandbox', [hook], 'channels.0.url'],
    ['a real mail server from a sandbox', 'sandbox', [mail], 'channels.0.smtp.host'],
    ['two channels of one name', 'real', [slack, { ...hook, name: 's' }], 'channels.1.name'],
    ['clicks that come in nowhere', 'real', [slack], 'slack', { slack: app }],
  ]
  for (const [what, mode, channels, path, more] of WRONG) it(`invariant 14: ${what} is named`, () => assert.deepEqual(problems(mode, channels, more), [path]))

  const UNREADABLE: readonly (readonly [string, object])[] = [
    ['an unknown key', { channels: [{ ...slack, chanel: 'x' }] }], ['an unknown kind', { channels: [{ ...slack, kind: 'teams' }] }], ['no channel', { channels: [] }],
    ['critical among the classes that a click decides', { channels: [slack], listen: {}, slack: { ...app, decides: ['critical'] } }],
    ['a password without a user', { channels: [{ ...mail, smtp: { host: 'smtp.b.test', password: 'p' } }] }], ['a conversation by its name', { channels: [{ ...slack, channel: '#general' }] }],
    ['a secret by its value', { channels: [{ ...hook, secret: 'whsec_x/y+z=' }] }], ['a file as receiver', { channels: [{ ...hook, url: 'file:///etc/passwd' }] }],
  ]
  for (const [what, value] of UNREADABLE) it(`${what} is refused`, () => assert.equal(notifySchema.safeParse(value).success, false))
})
