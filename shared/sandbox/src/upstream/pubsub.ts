/** Pub/Sub v1: topics that keep what was published, so that tests can look. */
import { GoogleError, invalid, notFound } from './google-error.ts'
import { isFields, listAt } from './json-body.ts'
import type { Fields } from './json-body.ts'
import type { Exchange, Route } from './routes.ts'
import { PROJECT, pageOf } from './world.ts'
import type { World } from './world.ts'

const PREFIX = 'topic:'
/** Messages kept per topic. */
const MOST_MESSAGES = 1_000

export function addTopic(world: World, id: string, labels: Fields = {}): void {
  world.resources.set(`${PREFIX}projects/${PROJECT.id}/topics/${id}`, { topic: { name: `projects/${PROJECT.id}/topics/${id}`, labels }, messages: [] })
}

/** What was published to a topic, oldest first. */
export function publishedMessages(world: World, id: string): readonly Fields[] {
  return (world.resources.get(`${PREFIX}projects/${PROJECT.id}/topics/${id}`)?.messages ?? []) as readonly Fields[]
}

export function pubsubRoutes(world: World): readonly Route[] {
  const all = '/v1/projects/{project}/topics'
  const one = `${all}/{topic}`
  return [
    { verb: 'GET', template: all, handle: ({ query }) => {
      const topics = [...world.resources].flatMap(([key, value]) => key.startsWith(PREFIX) ? [value.topic] : [])
      const { items, next } = pageOf(topics, query, 'pageSize', 1_000)
      return { json: { topics: items, ...(next === undefined ? {} : { nextPageToken: next }) } }
    } },
    { verb: 'PUT', template: one, handle: (exchange) => {
      const id = exchange.params.topic ?? ''
      if (!/^[A-Za-z][\w.~+%-]{2,254}$/.test(id) || id.startsWith('goog')) throw invalid(`Invalid [topics] name: (name=projects/${PROJECT.id}/topics/${id})`)
      if (world.resources.has(keyOf(exchange))) throw new GoogleError(409, 'alreadyExists', `Resource already exists in the project (resource=${id}).`)
      const labels = exchange.json().labels
      addTopic(world, id, isFields(labels) ? labels : {})
      return { json: topicOf(world, exchange).topic }
    } },
    { verb: 'GET', template: one, handle: (exchange) => ({ json: topicOf(world, exchange).topic }) },
    { verb: 'DELETE', template: one, handle: (exchange) => {
      topicOf(world, exchange)
      world.resources.delete(keyOf(exchange))
      return { json: {} }
    } },
    { verb: 'POST', template: `${one}:publish`, handle: (exchange) => {
      const found = topicOf(world, exchange)
      const fresh = listAt(exchange.json(), 'messages').map((message) => {
        if (!isFields(message) || (message.data === undefined && message.attributes === undefined)) throw invalid('A message needs data or attributes.')
        return { ...message, messageId: String(world.tick()), publishTime: world.timestamp() }
      })
      if (fresh.length === 0) throw invalid('The value for messages is too small. You passed 0 in the request, but the minimum value is 1.')
      world.resources.set(keyOf(exchange), { ...found, messages: [...found.messages as readonly Fields[], ...fresh].slice(-MOST_MESSAGES) })
      return { json: { messageIds: fresh.map(({ messageId }) => messageId) } }
    } },
  ]
}

const keyOf = ({ params }: Exchange): string => `${PREFIX}projects/${params.project}/topics/${params.topic}`

function topicOf(world: World, exchange: Exchange): Fields {
  const found = world.resources.get(keyOf(exchange))
  if (found === undefined) throw notFound(`Resource not found (resource=${exchange.params.topic}).`)
  return found
}
