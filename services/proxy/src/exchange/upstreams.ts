/**
 * Connection pools, one for each upstream origin. Addresses are checked at connect time, after the name was resolved, so that
 * a name cannot be pointed at a private address between check and use (DNS rebinding).
 */
import { lookup, type LookupAddress } from 'node:dns'
import { BlockList, isIP } from 'node:net'
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

export class ForbiddenAddress extends Error {}

export function createUpstreams(settings: UpstreamSettings): Upstreams {
  const pools = new Map<string, Pool>()
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
      if (known !== undefined) return known
      const origin = target.upstream ?? `https://${host}`
      // undici does not look up literal addresses, so they are checked here.
      if (!namesItsAddress(target) && isForbidden(new URL(origin).hostname)) throw new ForbiddenAddress(`${host} is a loopback, link-local or private address`)
      if (pools.size >= MAX_ORIGINS) evict(pools)
      const pool = open(origin, target, !change)
      pools.set(key, pool)
      return pool
    },
    async close() {
      await Promise.all([...pools.values()].map((pool) => pool.destroy()))
      pools.clear()
    },
  }
}

function namesItsAddress(target: Target): boolean {
  return target.upstream !== undefined || target.allowPrivateAddresses === true
}

function evict(pools: Map<string, Pool>): void {
  const [oldest] = pools
  if (oldest === undefined) return
  pools.delete(oldest[0])
  void oldest[1].close()
}

/** IANA special-purpose registries (RFC 6890): what no public API lives on. */
const forbidden = new BlockList()
for (const [net, prefix] of [
  ['0.0.0.0', 8], ['10.0.0.0', 8], ['100.64.0.0', 10], ['127.0.0.0', 8], ['169.254.0.0', 16], ['172.16.0.0', 12], ['192.0.0.0', 24], ['192.0.2.0', 24], ['192.88.99.0', 24],
  ['192.168.0.0', 16], ['198.18.0.0', 15], ['198.51.100.0', 24], ['203.0.113.0', 24], ['224.0.0.0', 4], ['240.0.0.0', 4],
] as const) forbidden.addSubnet(net, prefix, 'ipv4')
for (const [net, prefix] of [
  ['::', 96], ['::1', 128], ['64:ff9b::', 96], ['64:ff9b:1::', 48], ['100::', 64], ['2001::', 23], ['2001:db8::', 32], ['2002::', 16], ['fc00::', 7], ['fe80::', 10], ['fec0::', 10], ['ff00::', 8], ['3fff::', 20], ['5f00::', 16],
] as const) forbidden.addSubnet(net, prefix, 'ipv6')

/** True for a literal address that no public API lives on; false for names. */
export function isForbidden(hostname: string): boolean {
  const address = hostname.replace(/^\[|\]$/g, '')
  const family = isIP(address)
  if (family === 0) return /^[\d.]+$|^0x/i.test(address)
  return forbidden.check(address, family === 6 ? 'ipv6' : 'ipv4')
}

type LookupCallback = (error: NodeJS.ErrnoException | null, address: string | LookupAddress[], family?: number) => void

/** Looks a name up and lets through what may be dialled: the very addresses that the socket then connects to. */
function checkedLookup(resolve: typeof lookup): (hostname: string, options: object, callback: LookupCallback) => void {
  return (hostname, options, callback) => resolve(hostname, { ...options, all: true }, (error, addresses) => {
    if (error !== null) return callback(error, [])
    const allowed = addresses.filter(({ address }) => !isForbidden(address))
    const [first] = allowed
    if (first === undefined) return callback(new ForbiddenAddress(`${hostname} resolves to loopback, link-local or private addresses only`), [])
    if ((options as { all?: boolean }).all === true) callback(null, allowed)
    else callback(null, first.address, first.family)
  })
}
