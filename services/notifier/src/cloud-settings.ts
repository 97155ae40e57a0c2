/** The notifier's own settings file in the Google Cloud edition. */
import { resolve } from 'node:path'
import { callersSchema, pusherSchema, readPeopleFile, secretsSchema, serviceSettings, type PathProblem } from '@lockkeeper/service-kit/server'
import { z } from 'zod'
import { notifyProblems, notifySchema, slackDecides } from './settings.ts'

const REQUEST_PAGE = '/a/{id}'

export const notifierCloudSettingsSchema = z.strictObject({
  ...serviceSettings,
  kind: z.literal('Notifier'),
  /** This service's own database: what was told to whom. */
  database: z.string().min(1).max(63),
  /** Tokens, webhook addresses and passwords of the channels. The signing secret of Slack is the approval service's alone. */
  secrets: secretsSchema,
  /** YAML file of the persons who may be told. */
  people: z.string().min(1).max(4096),
  /** Channels, as in lockkeeper.yaml; Slack's callbacks come in at this service's own port, so `listen` is left out. */
  notify: notifySchema.omit({ listen: true, slack: true }).extend({
    /** The same as the approval service's `slack.decides`. Without it messages in Slack have no buttons. */
    slack: z.strictObject({ decides: slackDecides }).optional(),
  }),
  /** Page of a request; `{id}` becomes the approval's id. */
  approvalUrl: z.url({ protocol: /^https$/ }).optional(),
  /** Secret of 32 bytes in base64 that the console has too. With it the links of mails open one request for one person once; `approvalUrl` is then the console's `…/a/{id}`. */
  mailLinkKey: z.string().min(1).max(128).optional(),
  /** People who may see deliveries. */
  operators: callersSchema,
  /** Who delivers facts. */
  pusher: pusherSchema,
})

/** Where the console opens links of mails, from where it shows requests; undefined where that is no page of the console. */
export function mailLinkPage(approvalUrl: string | undefined): string | undefined {
  return approvalUrl?.endsWith(REQUEST_PAGE) === true ? `${approvalUrl.slice(0, -REQUEST_PAGE.length)}/open/{token}` : undefined
}

export type NotifierCloudSettings = z.output<typeof notifierCloudSettingsSchema>

export function notifierProblems({ notify, mode, people, mailLinkKey, approvalUrl }: NotifierCloudSettings, directory: string): readonly PathProblem[] {
  const read = readPeopleFile(resolve(directory, people))
  return [
    ...notifyProblems({ channels: notify.channels }, mode).map(({ path, message }) => ({ path: ['notify', ...path], message })),
    ...mailLinkKey !== undefined && mailLinkPage(approvalUrl) === undefined ? [{ path: ['mailLinkKey'], message: 'is for links that the console opens: approvalUrl must be its …/a/{id}' }] : [],
    ...('problems' in read ? read.problems.map((message) => ({ path: ['people'], message })) : []),
  ]
}
