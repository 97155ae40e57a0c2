/** Tests only: the container that pushes in Pub/Sub's stead. It alone holds the accounts' key. */
import { createPrivateKey } from 'node:crypto'
import { readFile } from 'node:fs/promises'
import { TOPOLOGY } from '@lockkeeper/domain/topology'
import { startPushDelivery } from '@lockkeeper/testkit/push-delivery'
import { createServiceTokens, keysOf } from '../service-tokens.ts'
import { ACCOUNTS, EMULATORS, ORIGINS, PLACES, PROJECT_ID, type InnerService } from './places.ts'

export async function runPusher(): Promise<void> {
  const tokens = createServiceTokens(keysOf(createPrivateKey(await readFile(PLACES.accountsKey))))
  startPushDelivery({
    emulator: EMULATORS.pubsub, projectId: PROJECT_ID, prefix: TOPOLOGY.prefix,
    subscriptions: TOPOLOGY.subscriptions.filter(({ mode, service }) => mode === 'push' && service in ORIGINS),
    endpoint: ({ service }) => ORIGINS[service as InnerService],
    authorization: ({ service, pushPath }) => `Bearer ${tokens.token(ACCOUNTS.pusher, `${ORIGINS[service as InnerService]}${pushPath}`)}`,
  })
}
