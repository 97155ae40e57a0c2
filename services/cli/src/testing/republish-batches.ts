/** Tests only: a bus that delivers at least once and does so: every record batch is published a second time. */
import { TOPICS } from '@lockkeeper/domain/events'
import { TOPOLOGY } from '@lockkeeper/domain/topology'

export interface Republishing {
  /** Resolves with the number of messages that were published again. */
  stop(): Promise<number>
}

interface Pulled { readonly ackId: string, readonly message: { readonly data?: string, readonly attributes?: Readonly<Record<string, string>> } }

const COPIED = 'copied'

/** From now on, on the emulator at `host` (`HOST:PORT`). */
export async function republishBatches(host: string, projectId: string): Promise<Republishing> {
  const project = `http://${host}/v1/projects/${projectId}`
  const topic = `${TOPOLOGY.prefix}${TOPICS.records}`
  const ask = async <T>(verb: string, url: string, body: object): Promise<T> => {
    const answer = await fetch(url, { method: verb, body: JSON.stringify(body), headers: { 'content-type': 'application/json' } })
    if (!answer.ok) throw new Error(`${url} answered ${answer.status}`)
    return await answer.json() as T
  }
  const subscription = `${project}/subscriptions/copier`
  await ask('PUT', subscription, { topic: `projects/${projectId}/topics/${topic}`, ackDeadlineSeconds: 30 })
  let stopping = false
  const work = async (): Promise<number> => {
    for (let copied = 0; ;) {
      const { receivedMessages = [] } = await ask<{ readonly receivedMessages?: readonly Pulled[] }>('POST', `${subscription}:pull`, { maxMessages: 100, returnImmediately: true })
      const fresh = receivedMessages.filter(({ message }) => message.attributes?.[COPIED] === undefined)
      if (fresh.length > 0) await ask('POST', `${project}/topics/${topic}:publish`, { messages: fresh.map(({ message: { data, attributes } }) => ({ data, attributes: { ...attributes, [COPIED]: 'yes' } })) })
      if (receivedMessages.length > 0) await ask('POST', `${subscription}:acknowledge`, { ackIds: receivedMessages.map(({ ackId }) => ackId) })
      copied += fresh.length
      if (stopping && receivedMessages.length === 0) return copied
      await new Promise((resolve) => setTimeout(resolve, 20))
    }
  }
  const working = work()
  return {
    stop() {
      stopping = true
      return working
    },
  }
}
