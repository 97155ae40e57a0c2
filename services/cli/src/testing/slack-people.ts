/** Tests only: approvers with Slack identities, and their clicks as Slack would send them. */
import { mkdir, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { slackClick, type SlackServer } from '@lockkeeper/testkit'

/** A Slack app and its people. Ada sits at the terminal; sam sponsors the agents. */
export const SLACK = {
  app: 'A0APP', team: 'T0TEAM', token: 'xoxb-scenario-canary', signing: 'scenario-signing-secret-canary',
  people: JSON.stringify({
    apiVersion: 'lockkeeper.dev/v1', kind: 'People',
    people: ['sam', 'ada', 'max'].map((id) => ({
      id, name: id, groups: id === 'sam' ? ['engineers'] : ['approvers'],
      identities: [{ slack: `U0${id.toUpperCase()}` }, ...id === 'sam' ? [{ email: 'sam.sponsor@sandbox.example.com' }] : []],
    })),
  }),
} as const

/** Configuration of a gateway whose notifier tells that Slack, with its secrets in a folder below the gateway's own. */
export async function toldInSlack(slack: SlackServer, directory: string): Promise<{ readonly secrets: string, readonly notify: object }> {
  const secrets = join(directory, 'secrets')
  await mkdir(secrets, { mode: 0o700 })
  for (const [name, value] of [['slack-token', SLACK.token], ['slack-signing', SLACK.signing]] as const) await writeFile(join(secrets, name), value, { mode: 0o600 })
  return {
    secrets, notify: {
      listen: { port: 0 }, slack: { app: SLACK.app, team: SLACK.team, signingSecret: 'slack-signing', decides: ['high', 'medium', 'change'] },
      channels: [{ kind: 'slack', name: 'approvers', token: 'slack-token', channel: 'C0CHAN', apiUrl: slack.apiUrl }],
    },
  }
}

export interface Clicked {
  readonly member: string
  /** Default `approve`. */
  readonly verdict?: 'approve' | 'deny'
  readonly reason?: string
  /** Default: the app's own. */
  readonly secret?: string
}

/** Presses a button of the message about that approval and posts what Slack would to the notifier at `origin`; the status that it answers with. `at`: epoch ms. */
export async function clickInSlack({ origin, at }: { readonly origin: string, readonly at: number }, slack: SlackServer, approval: string, { member, verdict = 'approve', secret = SLACK.signing, reason }: Clicked): Promise<number> {
  const { digest, ref } = buttonOf(slack, approval)
  const { body, timestamp, signature } = slackClick({ secret, at, approval, digest, ref, verdict, member, ...reason === undefined ? {} : { reason } })
  const response = await fetch(`${origin}/slack/interactivity`, {
    method: 'POST', body, headers: { 'content-type': 'application/x-www-form-urlencoded', 'x-slack-request-timestamp': timestamp, 'x-slack-signature': signature },
  })
  return response.status
}

function buttonOf({ messages }: SlackServer, approval: string): { readonly digest: string, readonly ref: string } {
  const values = messages.items.flatMap(({ blocks }) => blocks).flatMap(({ elements }) => Array.isArray(elements) ? elements as { readonly value?: string }[] : []).map(({ value }) => value)
  const found = values.findLast((value) => value?.includes(approval))
  if (found === undefined) throw new TypeError(`no message has a button about ${approval}`)
  return JSON.parse(found) as { readonly digest: string, readonly ref: string }
}
