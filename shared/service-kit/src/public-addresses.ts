/**
 * Which addresses a public API can live on. Checked at connect time, after the name was resolved, so that a name cannot be pointed
 * at a private address between check and use (DNS rebinding).
 */
import type { lookup, LookupAddress } from 'node:dns'
import { BlockList, isIP } from 'node:net'

/** A loopback, link-local or private address stood where only a public one may. */
export class ForbiddenAddress extends Error {}

/** IANA special-purpose registries (RFC 6890): what no public API lives on. */
const forbidden = new BlockList()
for (const [net, prefix] of [
  ['0.0.0.0', 8], ['10.0.0.0', 8], ['100.64.0.0', 10], ['127.0.0.0', 8], ['169.254.0.0', 16], ['172.16.0.0', 12], ['192.0.0.0', 24], ['192.0.2.0', 24], ['192.88.99.0', 24],
  ['192.168.0.0', 16], ['198.18.0.0', 15], ['198.51.100.0', 24], ['203.0.113.0', 24], ['224.0.0.0', 4], ['240.0.0.0', 4],
] as const) forbidden.addSubnet(net, prefix, 'ipv4')
for (const [net, prefix] of [
  ['::', 96], ['::1', 128], ['::ffff:0:0:0', 96], ['64:ff9b::', 96], ['64:ff9b:1::', 48], ['100::', 64], ['2001::', 23], ['2001:db8::', 32], ['2002::', 16], ['fc00::', 7], ['fe80::', 10], ['fec0::', 10], ['ff00::', 8], ['3fff::', 20], ['5f00::', 16],
] as const) forbidden.addSubnet(net, prefix, 'ipv6')

/** True for a literal address that no public API lives on; false for names. */
export function isForbidden(hostname: string): boolean {
  const address = hostname.replace(/^\[|\]$/g, '')
  const family = isIP(address)
  if (family === 0) return /^[\d.]+$|^0x/i.test(address)
  return forbidden.check(address, family === 6 ? 'ipv6' : 'ipv4')
}

/** What `dns.lookup` gives its caller. */
export type LookupCallback = (error: NodeJS.ErrnoException | null, address: string | LookupAddress[], family?: number) => void

/** Looks a name up and lets through what may be dialled: the very addresses that the socket then connects to. */
export function checkedLookup(resolve: typeof lookup): (hostname: string, options: object, callback: LookupCallback) => void {
  return (hostname, options, callback) => resolve(hostname, { ...options, all: true }, (error, addresses) => {
    if (error !== null) return callback(error, [])
    const allowed = addresses.filter(({ address }) => !isForbidden(address))
    const [first] = allowed
    if (first === undefined) return callback(new ForbiddenAddress(`${hostname} resolves to loopback, link-local or private addresses only`), [])
    if ((options as { all?: boolean }).all === true) callback(null, allowed)
    else callback(null, first.address, first.family)
  })
}
