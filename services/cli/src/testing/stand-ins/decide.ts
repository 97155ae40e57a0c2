/** Tests only: publishes one decision with its proof, as notifier and console do. It comes by standard input: a proof is no argument. */
import { randomUUID } from 'node:crypto'
import { json } from 'node:stream/consumers'
import { openPubSub } from '@lockkeeper/adapter-google-cloud/pubsub'
import { cloudEvent, TOPICS, type EventData } from '@lockkeeper/domain/events'
import { EMULATORS, PROJECT_ID } from './places.ts'

const quiet = (): void => undefined

export async function decide(): Promise<void> {
  const decision = await json(process.stdin) as EventData<'decision.submitted'>
  const bus = openPubSub({ projectId: PROJECT_ID, emulator: EMULATORS.pubsub, log: { warn: quiet, error: quiet } })
  try {
    await bus.publish(TOPICS.decisions, [cloudEvent('decision.submitted', '/test', randomUUID(), Date.now(), decision)])
  } finally {
    await bus.close()
  }
}
