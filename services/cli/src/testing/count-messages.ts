/** Tests only: how many events were published to a topic of the emulator since this was begun. */
import { setTimeout as sleep } from 'node:timers/promises'
import { TOPOLOGY } from '@lockkeeper/domain/topology'

export interface MessageCounter {
  /** Resolves once so many were published in all. */
  until(count: number, withinMs: number): Promise<void>
}

export async function countMessages(host: string, projectId: string, topic: string): Promise<MessageCounter> {
  const subscription = `http://${host}/v1/projects/${projectId}/subscriptions/counter-of-${topic}`
  const ask = async <T>(verb: string, url: string, body: object): Promise<T> => {
    const answer = await fetch(url, { method: verb, body: JSON.stringify(body), headers: { 'content-type': 'application/json' } })
    if (!answer.ok) throw new Error(`${url} answered ${answer.status}`)
    return await answer.json() as T
  }
  await ask('PUT', subscription, { topic: `projects/${projectId}/topics/${TOPOLOGY.prefix}${topic}`, ackDeadlineSeconds: 60 })
  /** By their own ids: a message may be delivered twice. */
  const seen = new Set<string>()
  return {
    async until(count, withinMs) {
      for (const end = performance.now() + withinMs; seen.size < count; await sleep(100)) {
        if (performance.now() > end) throw new Error(`${seen.size} events were published instead of ${count}`)
        const { receivedMessages = [] } = await ask<{ readonly receivedMessages?: readonly { readonly ackId: string, readonly message: { readonly messageId: string } }[] }>('POST', `${subscription}:pull`, { maxMessages: 500, returnImmediately: true })
        for (const { message } of receivedMessages) seen.add(message.messageId)
        if (receivedMessages.length > 0) await ask('POST', `${subscription}:acknowledge`, { ackIds: receivedMessages.map(({ ackId }) => ackId) })
      }
    },
  }
}
