/** The catalog: tables loaded on demand, matching and checking synchronous afterwards. */
import type { JsonObject } from '@lockkeeper/domain/json'
import type { Method, MethodId } from '@lockkeeper/domain'
import type { Refusal } from '@lockkeeper/domain/errors'
import { checkFields } from './body-fields.ts'
import { knownHosts, LEGACY_SERVICES, normaliseHost } from './hosts.ts'
import { buildEntries, routesOf, type MethodEntry, type Route } from './method-entries.ts'
import { matchRequest, type Match, type Request } from './request-matcher.ts'
import { addRoute, createTrie, type Trie } from './segment-trie.ts'
import { loadTables, SERVICES } from './tables.ts'

export interface Catalog {
  /** Reads the tables of the hosts named, default all. Must have resolved before anything else is asked of those hosts. TypeError for an unknown host. */
  load(hosts?: readonly string[]): Promise<void>
  /** Refuses with METHOD_UNKNOWN, REQUEST_AMBIGUOUS or REQUEST_INVALID. TypeError for a known host that was not loaded. */
  match(request: Request): Match | Refusal
  /**
   * The body in Discovery's spelling. Refuses a field that the method does not have (FIELD_UNKNOWN; of a read it passes), a field in
   * both spellings (REQUEST_AMBIGUOUS), and a value of the wrong JSON kind (REQUEST_INVALID). Maps, Struct and `any` pass as they are.
   */
  checkBody(method: Method, body: JsonObject): JsonObject | Refusal
  /** By id, the newest version unless it is named (`run.projects.locations.services.get@v1`). Undefined if unknown, not loaded, or of another host. */
  method(id: MethodId, host?: string): Method | undefined
  /** Methods of the loaded hosts. */
  methods(): Iterable<Method>
  /** Every host name that `match` takes, regional forms included. */
  hosts(): readonly string[]
}

interface Loaded {
  readonly tries: Map<string, Trie<Route>>
  /** By `id@version` and by `id` for the newest version. */
  readonly entries: Map<string, MethodEntry>
}

export function createCatalog(): Catalog {
  const loaded: Loaded = { tries: new Map(), entries: new Map() }
  const loading = new Map<string, Promise<void>>()
  return {
    async load(hosts) {
      await Promise.all(servicesOf(hosts).map((service) => {
        const running = loading.get(service) ?? loadService(loaded, service)
        loading.set(service, running)
        // A failed read is tried again by the next load, not remembered.
        return running.catch((error: unknown) => {
          loading.delete(service)
          throw error
        })
      }))
    },
    match: (request) => matchRequest(request, (service) => trieOf(loaded, service)),
    checkBody(method, body) {
      const entry = loaded.entries.get(keyOf(method))
      if (entry === undefined) throw new TypeError(`the catalog has no loaded method ${keyOf(method)}`)
      return checkFields(entry, body)
    },
    method(id, host) {
      const method = loaded.entries.get(id)?.method
      return method === undefined || host === undefined || normaliseHost(host)?.host === method.host ? method : undefined
    },
    * methods() {
      for (const [key, { method }] of loaded.entries) if (key === keyOf(method)) yield method
    },
    hosts: knownHosts,
  }
}

function keyOf(method: Method): string {
  return `${method.id}@${method.version}`
}

function servicesOf(hosts: readonly string[] | undefined): readonly string[] {
  if (hosts === undefined) return SERVICES
  return [...new Set(hosts.flatMap((host) => {
    const where = normaliseHost(host)
    if (where === undefined) throw new TypeError(`no API host: ${host}`)
    return where.service === 'www' ? [...LEGACY_SERVICES] : [where.service]
  }))]
}

function trieOf(loaded: Loaded, service: string): Trie<Route> {
  const trie = loaded.tries.get(service)
  if (trie === undefined) throw new TypeError(`the tables of ${service} have not been loaded`)
  return trie
}

async function loadService(loaded: Loaded, service: string): Promise<void> {
  const trie = createTrie<Route>()
  const entries = (await loadTables(service)).flatMap(buildEntries)
  for (const entry of entries) {
    for (const route of routesOf(entry)) addRoute(trie, route)
    loaded.entries.set(keyOf(entry.method), entry)
    loaded.entries.set(entry.method.id, entry)
  }
  loaded.tries.set(service, trie)
}
