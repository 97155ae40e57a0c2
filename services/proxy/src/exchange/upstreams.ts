/**
 * Connection pools, one for each upstream origin. Addresses are checked at connect time, after the name was resolved, so that
 * a name cannot be pointed at a private address between check and use (DNS rebinding).
 */
import { lookup } from 'node:dns'
import { checkedLookup, ForbiddenAddress, isForbidden } from '@lockkeeper/service-kit'
import { Pool, type Dispatcher } from 'undici'
import type { Target } from '../targets.ts'

export interface UpstreamSettings {
  readonly headersMs: number
  readonly bodyMs: number
  /** Connections for each origin. Default 256. */
  readonly connections?: number
  /** Ms to connect. Default 10,000. */
  readonly connectMs?: number
  /** Resolves names. Default: the system's resolver. */
  readonly lookup?: typeof lookup
}

export interface Upstreams {
  /** Reads share kept-alive connections; a change takes a fresh one, so that a stale connection never makes its outcome unknown. */
  pool(target: Target, host: string, change: boolean): Dispatcher
  close(): Promise<void>
}

const MAX_ORIGINS = 512

export function createUpstreams(settings: UpstreamSettings): Upstreams {
  const pools = new Map<string, Opened>()
  const open = (origin: string, target: Target, keepAlive: boolean): Pool => new Pool(origin, {
    connections: settings.connections ?? 256,
    pipelining: keepAlive ? 1 : 0,
    headersTimeout: settings.headersMs,
    bodyTimeout: settings.bodyMs,
    keepAliveTimeout: 30_000,
    connect: {
      timeout: settings.connectMs ?? 10_000,
      allowH2: false,
      lookup: namesItsAddress(target) ? settings.lookup : checkedLookup(settings.lookup ?? lookup),
      ...(target.certificateAuthority === undefined ? {} : { ca: target.certificateAuthority }),
    },
  })
  return {
    pool(target, host, change) {
      const key = `${change ? 'c' : 'r'} ${target.name} ${target.upstream ?? host}`
      const known = pools.get(key)
      if (known?.target === target) return known.pool
      // The target was changed meanwhile: another trust, another address. What runs on the old connections ends there.
      if (known !== undefined) retire(pools, key, known)
      const origin = target.upstream ?? `https://${host}`
      // undici does not look up literal addresses, so they are checked here.
      if (!namesItsAddress(target) && isForbidden(new URL(origin).hostname)) throw new ForbiddenAddress(`${host} is a loopback, link-local or private address`)
      if (pools.size >= MAX_ORIGINS) evict(pools)
      const pool = open(origin, target, !change)
      pools.set(key, { target, pool })
      return pool
    },
    async close() {
      await Promise.all([...pools.values()].map(({ pool }) => pool.destroy()))
      pools.clear()
    },
  }
}

function namesItsAddress(target: Target): boolean {
  return target.upstream !== undefined || target.allowPrivateAddresses === true
}

interface Opened { readonly target: Target, readonly pool: Pool }

function evict(pools: Map<string, Opened>): void {
  const [oldest] = pools
  if (oldest !== undefined) retire(pools, ...oldest)
}

function retire(pools: Map<string, Opened>, key: string, { pool }: Opened): void {
  pools.delete(key)
  void pool.close()
}
