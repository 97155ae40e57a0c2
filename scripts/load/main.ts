/**
 * `npm run load [-- --edition embedded|cloud] [--calls 500] [--releases 200]`: calls held at once, how fast an approval releases one,
 * how fast SIGTERM answers all. The cloud edition runs on the emulators, where they can be had. A short form is part of the tests.
 */
import { parseArgs } from 'node:util'
import { firestoreEmulator, pubsubEmulator, stopEmulators } from '@lockkeeper/testkit/emulators'
import { openCloudSubject, openEmbeddedSubject, type OpenedSubject } from '../../services/cli/src/testing/load/load-subjects.ts'
import { measureLoad } from '../../services/cli/src/testing/load/measure-load.ts'

const { values } = parseArgs({ options: { edition: { type: 'string', default: 'embedded' }, calls: { type: 'string', default: '500' }, releases: { type: 'string', default: '200' } } })
let subject: OpenedSubject | undefined
try {
  subject = await opened()
  const numbers = await measureLoad(subject, { calls: Number(values.calls), releases: Number(values.releases) })
  process.stdout.write(`${JSON.stringify({ edition: values.edition, startMs: subject.startMs, ...numbers }, undefined, 2)}\n`)
} finally {
  await subject?.close()
  await stopEmulators()
}

async function opened(): Promise<OpenedSubject> {
  if (values.edition === 'embedded') return openEmbeddedSubject()
  if (values.edition !== 'cloud') throw new TypeError('--edition is embedded or cloud')
  const [firestore, pubsub] = await Promise.all([firestoreEmulator(), pubsubEmulator()])
  if (!firestore.available) throw new Error(`NOT RUN: no Firestore emulator: ${firestore.why}`)
  if (!pubsub.available) throw new Error(`NOT RUN: no Pub/Sub emulator: ${pubsub.why}`)
  return openCloudSubject({ firestore: firestore.host, pubsub: pubsub.host, projectId: firestore.projectId })
}
