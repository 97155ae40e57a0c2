/** Tests only: waits for the emulators and makes topics and subscriptions, as terraform does in a project. */
import { setTimeout as sleep } from 'node:timers/promises'
import { createTopology } from '@lockkeeper/adapter-google-cloud/pubsub'
import { EMULATORS, PROJECT_ID } from './places.ts'

const WAIT_MS = 60_000
const POLL_MS = 200

export async function makeTopology(): Promise<void> {
  await Promise.all(Object.values(EMULATORS).map(answering))
  await createTopology({ projectId: PROJECT_ID, emulator: EMULATORS.pubsub })
}

/** Both answer plain HTTP with something as soon as they serve. */
async function answering(host: string): Promise<void> {
  for (const until = performance.now() + WAIT_MS; ;) {
    const answer = await fetch(`http://${host}/`).catch((error: unknown) => error as Error)
    if (!(answer instanceof Error)) return
    if (performance.now() > until) throw new Error(`${host} does not answer`, { cause: answer })
    await sleep(POLL_MS)
  }
}
