/** Which API a host name stands for. Only names of Google's own tables; anything else is no API host. */
import regionalHosts from '../generated/hosts.json' with { type: 'json' }

export interface ApiHost {
  /** The host without its location: `run.googleapis.com`. */
  readonly host: string
  /** `run`; `www` for the legacy host that several APIs share. */
  readonly service: string
  readonly location?: string
}

/** APIs that still answer at www.googleapis.com; the path names which. */
export const LEGACY_SERVICES: ReadonlySet<string> = new Set(['bigquery', 'compute', 'storage'])
const LEGACY_HOST = 'www.googleapis.com'
const DOMAIN = 'googleapis.com'

const table: ReadonlyMap<string, ApiHost> = buildTable()

function buildTable(): Map<string, ApiHost> {
  const hosts = new Map<string, ApiHost>([[LEGACY_HOST, { host: LEGACY_HOST, service: 'www' }]])
  for (const [service, { before, rep }] of Object.entries(regionalHosts)) {
    const host = `${service}.${DOMAIN}`
    hosts.set(host, { host, service })
    for (const location of before.split(' ').filter(Boolean)) hosts.set(`${location}-${host}`, { host, service, location })
    for (const location of rep.split(' ').filter(Boolean)) hosts.set(`${service}.${location}.rep.${DOMAIN}`, { host, service, location })
  }
  return hosts
}

/**
 * `storage.googleapis.com`, `us-central1-run.googleapis.com`, `run.us-central1.rep.googleapis.com`, `www.googleapis.com`;
 * letters in any case. Undefined for every other name: mTLS hosts, virtual-hosted buckets, a port, a trailing dot, unknown locations.
 */
export function normaliseHost(host: string): ApiHost | undefined {
  return table.get(host) ?? table.get(host.toLowerCase())
}

export function knownHosts(): readonly string[] {
  return [...table.keys()]
}
