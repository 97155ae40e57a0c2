/** An emulator in a container, from an image with the official `gcloud emulators … start` command line. */
import { spawnSync } from 'node:child_process'
import process from 'node:process'
import type { EmulatorName } from './emulator-plan.ts'
import type { StartedEmulator } from './emulator-process.ts'

const READY_MS = 60_000

/** The library is loaded only here: it takes most of a second, which runs without containers need not pay. */
export async function startContainer(name: EmulatorName, image: string): Promise<StartedEmulator> {
  const { FirestoreEmulatorContainer, PubSubEmulatorContainer } = await import('@testcontainers/gcloud')
  const container = name === 'firestore' ? new FirestoreEmulatorContainer(image) : new PubSubEmulatorContainer(image)
  const started = await container.withStartupTimeout(READY_MS).start()
  // For an end that runs no hooks; `-f` of what is gone already is no harm.
  const remove = (): void => void spawnSync('docker', ['rm', '-f', started.getId()], { stdio: 'ignore', timeout: 10_000 })
  process.once('exit', remove)
  return {
    host: started.getEmulatorEndpoint(),
    async stop() {
      await started.stop({ timeout: 0 })
      process.off('exit', remove)
    },
  }
}
