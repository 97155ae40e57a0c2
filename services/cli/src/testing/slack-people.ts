/** Tests only: approvers with Slack identities, and their clicks as Slack would send them. */
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
