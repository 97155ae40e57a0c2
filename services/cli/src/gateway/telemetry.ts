/** Telemetry of the embedded edition: all services in one process, one sender. */
import type { Clock } from '@lockkeeper/domain'
import type { SecretSource } from '@lockkeeper/domain/ports'
import type { Log } from '@lockkeeper/service-kit'
import { readHeaders, startTelemetry, type Telemetry } from '@lockkeeper/service-kit/telemetry'
import { VERSION } from '../version.ts'
import type { GatewayConfig } from './config-schema.ts'
import { onlySecrets } from './notifier.ts'

/** Undefined where the configuration has no `telemetry`. */
export function gatewayTelemetry({ telemetry, mode }: GatewayConfig, { secrets, instance, clock, log }: { readonly secrets: SecretSource, readonly instance: string, readonly clock: Clock, readonly log: Log }): Promise<Telemetry | undefined> {
  const name = telemetry?.headersSecret
  const own = name === undefined ? undefined : onlySecrets(secrets, [name])
  return startTelemetry({
    serviceName: 'lockkeeper-gateway', version: VERSION, instance, mode, endpoint: telemetry?.otlp, sampleRatio: telemetry?.sampleRatio ?? 0, clock, log,
    ...own === undefined || name === undefined ? {} : { headers: async () => readHeaders((await own.access(name)).value) },
  })
}
