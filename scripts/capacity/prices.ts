/**
 * List prices in US dollars, in Belgium or the EU multi-region, without discounts, free tiers or tax. They are Google's public lists as
 * the authors knew them on the date below; nobody looked them up while this was written. Check them on the pages named before you budget.
 */

export interface Price {
  readonly dollars: number
  /** Of so many bytes, seconds or things. */
  readonly each: number
  readonly per: string
  readonly page: string
}

export const PRICES_OF = '2025-06-30'

/** Euros for a dollar, by that date's order of magnitude. */
export const EUROS = 0.9

const RUN = 'https://cloud.google.com/run/pricing'
const FIRESTORE = 'https://cloud.google.com/firestore/pricing'
const STORAGE = 'https://cloud.google.com/storage/pricing'
const BALANCER = 'https://cloud.google.com/load-balancing/pricing'
const ARMOR = 'https://cloud.google.com/armor/pricing'

const GIB = 1024 ** 3

export const PRICES = {
  cpu: { dollars: 0.000018, each: 1, per: 'vCPU and second, CPU always allocated', page: RUN },
  memory: { dollars: 0.000002, each: 1, per: 'GiB of memory and second', page: RUN },
  read: { dollars: 0.06, each: 100_000, per: '100,000 documents read, eur3', page: FIRESTORE },
  write: { dollars: 0.18, each: 100_000, per: '100,000 documents written, eur3', page: FIRESTORE },
  pubsub: { dollars: 40, each: 1024 ** 4, per: 'TiB published, and again for each delivery', page: 'https://cloud.google.com/pubsub/pricing' },
  blob: { dollars: 0.01, each: 1_000, per: '1,000 objects written, EU', page: STORAGE },
  storage: { dollars: 0.026, each: GIB, per: 'GiB and month, EU', page: STORAGE },
  signature: { dollars: 0.15, each: 10_000, per: '10,000 signatures of an HSM key', page: 'https://cloud.google.com/kms/pricing' },
  balancer: { dollars: 0.008, each: GIB, per: 'GiB through the load balancer, each way', page: BALANCER },
  rule: { dollars: 0.025, each: 3_600, per: 'hour of a forwarding rule', page: BALANCER },
  armor: { dollars: 0.75, each: 1_000_000, per: 'million requests through Cloud Armor Standard', page: ARMOR },
  egress: { dollars: 0.085, each: GIB, per: 'GiB to agents outside Google', page: 'https://cloud.google.com/vpc/network-pricing' },
  log: { dollars: 0.5, each: GIB, per: 'GiB of Cloud Logging', page: 'https://cloud.google.com/stackdriver/pricing' },
} as const satisfies Readonly<Record<string, Price>>

/** Euros for one: a byte, a second, a document. */
export function eurosFor(name: keyof typeof PRICES): number {
  const { dollars, each } = PRICES[name]
  return dollars / each * EUROS
}
