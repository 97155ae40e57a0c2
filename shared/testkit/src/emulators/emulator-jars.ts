/** Where an installed Google Cloud SDK keeps its emulators, and how they are started without gcloud: its wrapper leaves children behind. */
import { join } from 'node:path'

interface Folders {
  exists(path: string): boolean
  list(folder: string): readonly string[]
}

/** Short runs: a small heap, no second compiler, one collecting thread. */
const JVM = ['-Xmx768m', '-XX:+UseSerialGC', '-XX:TieredStopAtLevel=1', '-Duser.language=en'] as const

/** Arguments for java up to `--port`, or undefined where the component is not installed. */
export function emulatorJar(name: 'firestore' | 'pubsub', sdkRoot: string, folders: Folders): readonly string[] | undefined {
  if (name === 'firestore') {
    const jar = join(sdkRoot, 'platform/cloud-firestore-emulator/cloud-firestore-emulator.jar')
    return folders.exists(jar) ? [...JVM, '-cp', jar, 'com.google.cloud.datastore.emulator.firestore.CloudFirestore', 'start', '--host=127.0.0.1'] : undefined
  }
  const folder = join(sdkRoot, 'platform/pubsub-emulator/lib')
  const jar = folders.list(folder).find(file => /^cloud-pubsub-emulator-.*-all\.jar$/.test(file))
  return jar === undefined ? undefined : [...JVM, '-jar', join(folder, jar), '--host=127.0.0.1']
}
