/** Clicks in Slack as Slack sends them: the form, its time and its signature. */
import { createHmac } from 'node:crypto'
import { SLACK_PARTS, slackButtonValue } from '@lockkeeper/domain/slack-click'

export interface ClickFields {
  readonly secret: string
  /** Epoch ms. */
  readonly at: number
  readonly approval: string
  readonly digest: string
  readonly verdict: 'approve' | 'deny'
  /** Default `ref-1`. */
  readonly ref?: string
  /** Default A0APP, T0TEAM, and the team for the member's own. */
  readonly app?: string
  readonly team?: string
  readonly memberTeam?: string
  readonly member: string
  readonly reason?: string
  /** Members of the payload that replace the usual ones. */
  readonly payload?: Readonly<Record<string, unknown>>
}

export interface SignedClick { readonly body: string, readonly timestamp: string, readonly signature: string }

/** Signs a body as Slack would with that secret. */
export function signClick(secret: string, at: number, body: string): SignedClick {
  const timestamp = String(Math.floor(at / 1000))
  return { body, timestamp, signature: `v0=${createHmac('sha256', secret).update(`v0:${timestamp}:${body}`).digest('hex')}` }
}

export function slackClick({ secret, at, payload = {}, ...fields }: ClickFields): SignedClick {
  return signClick(secret, at, `payload=${encodeURIComponent(JSON.stringify({ ...clickPayload(fields), ...payload }))}`)
}

function clickPayload({ approval, digest, verdict, ref = 'ref-1', app = 'A0APP', team = 'T0TEAM', memberTeam = team, member, reason }: Omit<ClickFields, 'secret' | 'at' | 'payload'>): object {
  return {
    type: 'block_actions', api_app_id: app, token: 'deprecated', trigger_id: '1.2.3', response_url: 'https://hooks.slack.com/actions/T0TEAM/1/x',
    team: { id: team, domain: 'acme' }, user: { id: member, username: 'someone', name: 'someone', team_id: memberTeam }, channel: { id: 'C0CHAN', name: 'approvals' },
    container: { type: 'message', message_ts: '1.000100', channel_id: 'C0CHAN', is_ephemeral: false },
    state: { values: { [SLACK_PARTS.reasonBlock]: { [SLACK_PARTS.reason]: { type: 'plain_text_input', value: reason ?? null } } } },
    actions: [{ type: 'button', block_id: 'b', action_id: SLACK_PARTS[verdict], action_ts: '1.2', text: { type: 'plain_text', text: verdict, emoji: false }, value: slackButtonValue({ approval, digest, verdict, ref }) }],
  }
}
