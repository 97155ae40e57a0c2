/**
 * A Google Chat space's incoming webhook with its published rules: developers.google.com/workspace/chat/api/reference/rest
 * (spaces.messages.create, cards v2). It takes messages and nothing else: none is ever changed.
 */
import { collector, type Collector } from '../collector.ts'
import { startProviderServer, type ProviderAnswer, type ProviderRequest, type ProviderServer } from './provider-server.ts'

type Fields = Readonly<Record<string, unknown>>
export interface ChatMessage { readonly thread: string, readonly card: Fields, readonly requestId: string }

export interface ChatServer extends ProviderServer {
  /** The webhook's address, secrets and all. */
  readonly webhook: string
  /** Each message once, though it be sent twice under one request id. */
  readonly messages: Collector<ChatMessage>
  readonly broken: readonly string[]
}

const MOST_BYTES = 32_000
const WIDGETS = ['decoratedText', 'textParagraph', 'buttonList', 'divider', 'image']

export async function startChatServer(): Promise<ChatServer> {
  const messages = collector<ChatMessage>()
  const broken: string[] = []

  function answer({ method, path, headers, body }: ProviderRequest): ProviderAnswer {
    const url = new URL(path, 'http://chat')
    if (method !== 'POST' || url.pathname !== '/v1/spaces/AAAA/messages') return { status: 404 }
    if (url.searchParams.get('key') !== 'k-1' || url.searchParams.get('token') !== 't-1') return { status: 401 }
    const message = JSON.parse(body) as Fields
    const problems = problemsOf(message, url, headers, body)
    broken.push(...problems)
    if (problems.length > 0) return { status: 400, body: JSON.stringify({ error: { code: 400, status: 'INVALID_ARGUMENT', message: problems.join('; ') } }) }
    const requestId = url.searchParams.get('requestId') ?? ''
    const thread = String((message['thread'] as Fields)['threadKey'])
    if (!messages.items.some((known) => known.requestId === requestId)) messages.add({ thread, requestId, card: ((message['cardsV2'] as Fields[])[0] as Fields)['card'] as Fields })
    return { status: 200, body: JSON.stringify({ name: `spaces/AAAA/messages/${requestId}` }) }
  }

  const server = await startProviderServer(answer)
  return { ...server, webhook: `${server.origin}/v1/spaces/AAAA/messages?key=k-1&token=t-1`, messages, broken }
}

function problemsOf(message: Fields, url: URL, headers: Readonly<Record<string, string>>, body: string): readonly string[] {
  const strange = Object.keys(message).filter((name) => !['text', 'cardsV2', 'thread', 'fallbackText'].includes(name))
  const [withId] = message['cardsV2'] as readonly Fields[]
  const card = withId?.['card'] as Fields | undefined
  const widgets = ((card?.['sections'] ?? []) as readonly Fields[]).flatMap((section) => section['widgets'] as readonly Fields[])
  return [
    ...headers['content-type'] === 'application/json; charset=UTF-8' ? [] : ['content type'],
    ...Buffer.byteLength(body) > MOST_BYTES ? [`over ${MOST_BYTES} bytes`] : [], ...strange.map((name) => `unknown field ${name}`),
    ...url.searchParams.get('messageReplyOption') === 'REPLY_MESSAGE_FALLBACK_TO_NEW_THREAD' ? [] : ['without messageReplyOption the thread is ignored'],
    ...typeof (message['thread'] as Fields | undefined)?.['threadKey'] === 'string' ? [] : ['no thread key'],
    ...typeof withId?.['cardId'] === 'string' && typeof (card?.['header'] as Fields | undefined)?.['title'] === 'string' ? [] : ['a card has an id and a title'],
    ...widgets.length >= 1 && widgets.length <= 100 ? [] : ['1 to 100 widgets'], ...widgets.flatMap(widgetProblems),
  ]
}

function widgetProblems(widget: Fields): readonly string[] {
  const [name, ...more] = Object.keys(widget)
  if (name === undefined || more.length > 0 || !WIDGETS.includes(name)) return [`a widget is one of ${WIDGETS.join(', ')}`]
  const value = widget[name] as Fields
  if (name === 'textParagraph' || name === 'decoratedText') return typeof value['text'] === 'string' && value['text'] !== '' ? [] : [`${name} has a text`]
  const buttons = (value['buttons'] ?? []) as readonly Fields[]
  return buttons.every((button) => typeof button['text'] === 'string' && URL.canParse(String(((button['onClick'] as Fields)['openLink'] as Fields)['url']))) ? [] : ['a button of a webhook opens a link']
}
