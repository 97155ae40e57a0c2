/** What of an unsound lockkeeper.yaml can be checked all the same, so that every problem is named at once. */
import { gatewaySchema, type GatewayConfig } from './config-schema.ts'

/**
 * Each part that parses by itself, the default of one that does not, nothing for one that has no default. Not for starting
 * anything: what was left out is a problem that has been named already.
 */
export function soundParts(raw: unknown): GatewayConfig {
  const given = typeof raw === 'object' && raw !== null ? raw as Readonly<Record<string, unknown>> : {}
  const parts = Object.fromEntries(Object.entries(gatewaySchema.shape).map(([name, schema]) => {
    const parsed = schema.safeParse(given[name])
    return [name, parsed.success ? parsed.data : schema.safeParse(undefined).data]
  })) as Partial<GatewayConfig>
  // Which upstreams are right depends on the mode: without one there is nothing to check them by.
  return { ...parts, mode: parts.mode ?? 'sandbox', issuers: parts.issuers ?? [], targets: parts.mode === undefined ? [] : parts.targets ?? [] } as GatewayConfig
}
