/**
 * Slack's Web API as far as the notifier uses it, with its published rules: docs.slack.dev/reference/methods (chat.postMessage,
 * chat.postEphemeral, chat.update, auth.test) and docs.slack.dev/reference/block-kit. What breaks a rule is answered as Slack does, and is in `broken`.
 */
import { collector, type Collector } from '../collector.ts'
import { blockProblems } from './slack-rules.ts'
import { startProviderServer, type ProviderAnswer, type ProviderRequest, type ProviderServer } from './provider-server.ts'

export interface SlackMessage {
  readonly channel: string
  readonly ts: string
  readonly text: string
  readonly blocks: readonly Readonly<Record<string, unknown>>[]
  /** 1 when posted; one more with each update. */
  readonly version: number
}

export interface SlackServer extends Omit<ProviderServer, 'requests'> {
  /** For `apiUrl`. */
  readonly apiUrl: string
  readonly requests: Collector<ProviderRequest>
  /** Every message as it was posted and as it was changed, in order. */
  readonly messages: Collector<SlackMessage>
  /** What one member alone was shown. */
  readonly answers: Collector<{ readonly channel: string, readonly user: string, readonly text: string, readonly blocks: unknown }>
  /** Rules that were broken. */
  readonly broken: readonly string[]
  /** Value of the button with that action id in the newest version of the last message. */
  button(actionId: string): string | undefined
}

type Fields = Readonly<Record<string, unknown>>

export async function startSlackServer(token: string): Promise<SlackServer> {
  const messages = collector<SlackMessage>()
  const answers: SlackServer['answers'] = collector()
  const broken: string[] = []
  const no = (error: string): ProviderAnswer => ({ status: 200, body: JSON.stringify({ ok: false, error }) })
  const yes = (fields: object): ProviderAnswer => ({ status: 200, body: JSON.stringify({ ok: true, ...fields }) })

  function answer({ method, path, headers, body }: ProviderRequest): ProviderAnswer {
    if (method !== 'POST') return { status: 405 }
    if (headers['authorization'] !== `Bearer ${token}`) return no(headers['authorization'] === undefined ? 'not_authed' : 'invalid_auth')
    if (headers['content-type'] !== 'application/json; charset=utf-8') return no('invalid_json')
    const fields = JSON.parse(body) as Fields
    switch (path) {
      case '/api/auth.test': return yes({ team_id: 'T0TEAM', bot_id: 'B0BOT' })
      case '/api/chat.postMessage': return post(fields)
      case '/api/chat.update': return update(fields)
      case '/api/chat.postEphemeral': return answerOne(fields)
      default: return no('unknown_method')
    }
  }

  function post(fields: Fields): ProviderAnswer {
    if (typeof fields['channel'] !== 'string' || !/^[CGDU][A-Z0-9]+$/.test(fields['channel'])) return no('channel_not_found')
    const refused = rulesOf(fields)
    if (refused !== undefined) return refused
    // A message to a member is one in the conversation with them.
    const channel = fields['channel'].replace(/^U/, 'D')
    const ts = `${1_700_000_000 + messages.items.length}.000100`
    messages.add({ channel, ts, text: String(fields['text']), blocks: fields['blocks'] as Fields[], version: 1 })
    return yes({ channel, ts })
  }

  function answerOne({ channel, user, text, blocks }: Fields): ProviderAnswer {
    if (typeof channel !== 'string' || !/^[CGD][A-Z0-9]+$/.test(channel)) return no('channel_not_found')
    if (typeof user !== 'string' || !/^[UW][A-Z0-9]+$/.test(user)) return no('user_not_in_channel')
    const refused = rulesOf({ text, blocks })
    if (refused !== undefined) return refused
    answers.add({ channel, user, text: String(text), blocks })
    return yes({ message_ts: '1700000000.000200' })
  }

  function update(fields: Fields): ProviderAnswer {
    const before = messages.items.findLast(({ channel, ts }) => channel === fields['channel'] && ts === fields['ts'])
    if (before === undefined) return no('message_not_found')
    const refused = rulesOf(fields)
    if (refused !== undefined) return refused
    messages.add({ ...before, text: String(fields['text']), blocks: fields['blocks'] as Fields[], version: before.version + 1 })
    return yes({ channel: before.channel, ts: before.ts, text: fields['text'] })
  }

  function rulesOf({ text, blocks }: Fields): ProviderAnswer | undefined {
    const problems = [...typeof text !== 'string' || text === '' ? ['no_text'] : text.length > 4000 ? ['text is over 4,000 characters'] : [], ...blockProblems(blocks)]
    broken.push(...problems)
    return problems.length === 0 ? undefined : { status: 200, body: JSON.stringify({ ok: false, error: 'invalid_blocks', response_metadata: { messages: problems } }) }
  }

  const server = await startProviderServer(answer)
  return {
    ...server, apiUrl: `${server.origin}/api/`, messages, answers, broken,
    button(actionId) {
      const elements = (messages.items.at(-1)?.blocks ?? []).flatMap((block) => Array.isArray(block['elements']) ? block['elements'] as Fields[] : [])
      return elements.find((element) => element['action_id'] === actionId)?.['value'] as string | undefined
    },
  }
}
