/**
 * What a click on a button of ours says, read from the form that Slack posts. One reader for who carries the click (the notifier)
 * and who believes it (the approval service), so that both see the same decision in the same bytes. It checks no signature.
 * Source: docs.slack.dev, "block_actions payload".
 */
import { z } from 'zod'
import { isRefusal } from './errors.ts'
import { parseStrict, toPlain } from './json.ts'

/** Ids that a message of ours gives to its parts. */
export const SLACK_PARTS = { approve: 'lockkeeper.approve', deny: 'lockkeeper.deny', reasonBlock: 'lockkeeper.reason', reason: 'reason' } as const

const buttonValue = z.strictObject({
  v: z.literal(1),
  approval: z.string().max(64),
  digest: z.string().max(128),
  verdict: z.enum(['approve', 'deny']),
  /** Names the message; nobody can guess it who has not seen the message. */
  ref: z.string().max(64),
})
export type SlackButtonValue = z.infer<typeof buttonValue>

export interface ReadSlackClick extends SlackButtonValue {
  readonly app: string
  readonly team: string
  /** Workspace or organisation of the member who clicked; another one in shared channels. */
  readonly memberTeam: string
  readonly member: string
  /** What was typed into the message's reason field. */
  readonly reason?: string
}

/** Slack adds members as it likes; those named here are the ones that decide. */
const payload = z.looseObject({
  type: z.literal('block_actions'),
  api_app_id: z.string(),
  team: z.looseObject({ id: z.string() }),
  user: z.looseObject({ id: z.string(), team_id: z.string() }),
  actions: z.tuple([z.looseObject({ type: z.literal('button'), action_id: z.string(), value: z.string().max(2000) })]),
  state: z.looseObject({ values: z.record(z.string(), z.record(z.string(), z.looseObject({ value: z.string().nullish() }))) }).optional(),
})

export function slackButtonValue(value: Omit<SlackButtonValue, 'v'>): string {
  return JSON.stringify({ v: 1, ...value })
}

/** Undefined for whatever is no click on exactly one button of ours. JSON is read strictly: a repeated key has no second reading. */
export function readSlackClick(body: string): ReadSlackClick | undefined {
  const fields = [...new URLSearchParams(body)]
  if (fields.length !== 1 || fields[0]?.[0] !== 'payload') return undefined
  const read = payload.safeParse(strictJson(fields[0][1]))
  if (!read.success) return undefined
  const { api_app_id: app, team, user, actions: [action], state } = read.data
  const value = buttonValue.safeParse(strictJson(action.value))
  if (!value.success || action.action_id !== SLACK_PARTS[value.data.verdict]) return undefined
  const reason = state?.values[SLACK_PARTS.reasonBlock]?.[SLACK_PARTS.reason]?.value?.trim()
  return { ...value.data, app, team: team.id, memberTeam: user.team_id, member: user.id, ...reason === undefined || reason === '' ? {} : { reason } }
}

function strictJson(text: string): unknown {
  const json = parseStrict(text)
  return isRefusal(json) ? undefined : toPlain(json)
}
