/**
 * `npm run chaos -- --calls 20000 [--edition embedded|cloud] [--seed S] [--kills N] [--parts audit,proxy-a]`: agents call, an approver decides, processes are
 * killed with SIGKILL and started again; then the upstream's own log is compared with the audit log. Ends with 1 where they differ.
 * The cloud edition runs on the emulators, where they can be had. A short form is part of the tests.
 */
import { parseArgs } from 'node:util'
import { firestoreEmulator, pubsubEmulator, stopEmulators } from '@lockkeeper/testkit/emulators'
import { openCloudChaos } from '../../services/cli/src/testing/chaos/chaos-cloud.ts'
import type { ChaosEdition } from '../../services/cli/src/testing/chaos/chaos-edition.ts'
import { openEmbeddedChaos } from '../../services/cli/src/testing/chaos/chaos-embedded.ts'
import { runChaos } from '../../services/cli/src/testing/chaos/chaos-run.ts'
import { startChaosUpstream } from '../../services/cli/src/testing/chaos/chaos-upstream.ts'
import { seeded } from '../../services/cli/src/testing/chaos/planned-calls.ts'

/** Calls between two kills, unless `--kills` says otherwise. */
const CALLS_PER_KILL = 500
const AGENTS = 48
/** A run this long shares its machine: how soon calls end is not what it judges. */
const PATIENCE_MS = 600_000
/** The whole log is read again and again until nothing differs any more. */
const SETTLED_WITHIN_MS = 600_000

const { values } = parseArgs({ options: { calls: { type: 'string', default: '2000' }, edition: { type: 'string', default: 'embedded' }, seed: { type: 'string' }, kills: { type: 'string' }, parts: { type: 'string' } } })
const calls = count(values.calls, 'calls')
const seed = values.seed === undefined ? Math.floor(performance.timeOrigin) % 1_000_000 : count(values.seed, 'seed')
const kills = values.kills === undefined ? Math.max(2, Math.round(calls / CALLS_PER_KILL)) : count(values.kills, 'kills')
const random = seeded(seed)
process.stdout.write(`${values.edition} edition, ${calls} calls, ${kills} kills, --seed ${seed}\n`)
const upstream = await startChaosUpstream(random)
let edition: ChaosEdition | undefined
try {
  edition = await opened(upstream.origin)
  const { violations, facts } = await runChaos(edition, upstream, { calls, kills, agents: AGENTS, random, patienceMs: PATIENCE_MS, onProgress: (text) => void process.stdout.write(`  ${text}\n`) })
  for (const [name, value] of Object.entries(facts)) process.stdout.write(`${name}: ${value}\n`)
  process.stdout.write(violations.length === 0 ? 'upstream and audit log tell the same\n' : `${violations.length} violations:\n${violations.slice(0, 50).join('\n')}\n`)
  process.exitCode = violations.length === 0 ? 0 : 1
} finally {
  await edition?.close()
  await upstream.close()
  await stopEmulators()
}

async function opened(origin: string): Promise<ChaosEdition> {
  if (values.edition === 'embedded') return openEmbeddedChaos(origin)
  if (values.edition !== 'cloud') throw new TypeError('--edition is embedded or cloud')
  const [firestore, pubsub] = await Promise.all([firestoreEmulator(), pubsubEmulator()])
  if (!firestore.available) throw new Error(`NOT RUN: no Firestore emulator: ${firestore.why}`)
  if (!pubsub.available) throw new Error(`NOT RUN: no Pub/Sub emulator: ${pubsub.why}`)
  return openCloudChaos({ firestore: firestore.host, pubsub: pubsub.host, projectId: firestore.projectId, upstream: origin, settledWithinMs: SETTLED_WITHIN_MS, ...values.parts === undefined ? {} : { parts: values.parts.split(',') } })
}

function count(text: string, name: string): number {
  const value = Number(text)
  if (!Number.isSafeInteger(value) || value < 0) throw new TypeError(`--${name} is a whole number`)
  return value
}
