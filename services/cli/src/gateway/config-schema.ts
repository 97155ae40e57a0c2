/** lockkeeper.yaml: names, units, defaults. docs/lockkeeper.schema.json and docs/configuration.md are generated from this. */
import { approverIssuerSettingsSchema, issuerSettingsSchema } from '@lockkeeper/auth'
import { z } from 'zod'

const UNITS = { ms: 1, s: 1000, m: 60_000, h: 3_600_000 } as const
const SIZES = { B: 1, KiB: 1024, MiB: 1024 ** 2, GiB: 1024 ** 3 } as const

/** `25s`, `10m`; gives ms. */
const duration = (least: number, most: number) => z.string().regex(/^\d+(?:ms|s|m|h)$/, 'must be a duration such as 25s, 10m or 1h')
  .transform((text) => Number.parseInt(text, 10) * UNITS[text.replace(/\d+/, '') as keyof typeof UNITS])
  .refine((ms) => ms >= least && ms <= most, `must lie between ${least / 1000}s and ${most / 1000}s`)

/** `4MiB`; gives bytes. */
const size = (most: number) => z.string().regex(/^\d+(?:B|KiB|MiB|GiB)$/, 'must be a size such as 64KiB or 4MiB')
  .transform((text) => Number.parseInt(text, 10) * SIZES[text.replace(/\d+/, '') as keyof typeof SIZES])
  .refine((bytes) => bytes <= most, `must be ${most / 1024 ** 2}MiB at most`)

const count = (most: number) => z.number().int().min(1).max(most)
const file = z.string().min(1).max(4096)
const host = z.string().regex(/^(?:\*\.)?(?:[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?\.)+[a-z0-9-]{2,63}$|^(?:\d{1,3}\.){3}\d{1,3}$|^localhost$/, 'must be a lower-case host name, at most with one leading *.')
const serviceAccount = z.string().regex(/^[a-z0-9-]+@[a-z0-9.-]+$/, 'must be a service account e-mail address')

const credential = z.union([
  z.strictObject({ adc: z.literal(true) }),
  z.strictObject({
    impersonate: serviceAccount,
    /** Life of each token. Default 10m, at most 1h. */
    lifetime: duration(60_000, 3_600_000).default(600_000),
    /** Default: cloud-platform. */
    scopes: z.array(z.url()).min(1).max(50).optional(),
    delegates: z.array(serviceAccount).max(10).optional(),
  }),
  z.strictObject({ idToken: z.literal(true), audience: z.string().min(1).max(512).optional() }),
  z.strictObject({ secret: z.string().regex(/^[\w.-]{1,255}$/, 'must be the name of a secret') }),
  z.strictObject({ none: z.literal(true) }),
])

const target = z.strictObject({
  name: z.string().regex(/^[a-z0-9][a-z0-9-]{0,62}$/, 'must be lower-case letters, digits and dashes'),
  hosts: z.array(host).min(1).max(200),
  credential,
  /** Sends the target's traffic to this origin instead. In real mode: https, or `credential: {none: true}`. */
  upstream: z.url({ protocol: /^https?$/ }).optional(),
  /** Real mode: the credential goes to an overridden https upstream too. */
  sendsCredential: z.boolean().default(false),
  kind: z.enum(['google', 'http']).optional(),
  /** Loopback, link-local and private upstream addresses are refused unless this is true. */
  allowPrivateAddresses: z.boolean().default(false),
  /** PEM file that replaces the system's trust for this upstream. */
  certificateAuthority: file.optional(),
})

export const gatewaySchema = z.strictObject({
  apiVersion: z.literal('lockkeeper.dev/v1'),
  kind: z.literal('Gateway'),
  /** `sandbox`: test issuer, fake credentials, loopback upstreams only. The two never mix. */
  mode: z.enum(['real', 'sandbox']),
  listen: z.strictObject({
    address: z.string().default('127.0.0.1'),
    /** 0: any free port. */
    port: z.number().int().min(0).max(65_535).default(8443),
    /** PEM files; needed for the domain door and for any address but loopback. */
    tls: z.strictObject({ certificate: file, key: file }).optional(),
  }).prefault({}),
  doors: z.strictObject({
    path: z.boolean().default(true),
    forward: z.strictObject({ ca: file.default('.lockkeeper/ca'), tunnel: z.array(host).max(100).default([]) }).optional(),
    domain: host.optional(),
  }).prefault({}),
  issuers: z.array(issuerSettingsSchema).min(1).max(50),
  /** Issuers of approvers' ID tokens; never an agents' issuer. */
  approverIssuers: z.array(approverIssuerSettingsSchema).max(20).default([]),
  people: file.optional(),
  /** Who the person at the terminal of `up` is, for decisions by key press. Must be in people.yaml. */
  terminal: z.strictObject({ person: z.string().min(1).max(64) }).optional(),
  targets: z.array(target).min(1).max(200),
  policies: file.default('policies'),
  store: file.default('.lockkeeper/store.sqlite'),
  /** Directory of secrets that targets name; files readable by their owner only. */
  secrets: file.optional(),
  hold: duration(5_000, 55_000).default(25_000),
  isolation: z.enum(['auto', 'none', 'user', 'container']).default('auto'),
  /** Real credentials at isolation level none need this: the agent could read them. */
  acknowledgeNoIsolation: z.boolean().default(false),
  /** Shown to agents whose call waits; `{id}` becomes the approval's id. */
  approvalUrl: z.url({ protocol: /^https$/ }).optional(),
  /** The gateway's own resources, out of every agent's reach. Globs over full resource names; projects are expanded. */
  protected: z.strictObject({
    projects: z.array(z.string().regex(/^[a-z0-9-]{4,30}$|^\d+$/, 'must be a project id or number')).max(20).default([]),
    resources: z.array(z.string().startsWith('//')).max(100).default([]),
  }).prefault({}),
  limits: z.strictObject({
    inspectBody: size(64 * 1024 ** 2).default(4 * 1024 ** 2),
    recordBody: size(4 * 1024 ** 2).default(256 * 1024),
    held: count(10_000).default(500),
    heldPerAgent: count(1_000).default(20),
    pendingPerAgent: count(1_000).default(50),
    inFlight: count(100_000).default(1_000),
  }).prefault({}),
  upstream: z.strictObject({ headers: duration(1_000, 3_600_000).default(120_000), body: duration(1_000, 3_600_000).default(120_000) }).prefault({}),
  log: z.enum(['debug', 'info', 'warn', 'error', 'silent']).default('info'),
})

export type GatewayConfig = z.output<typeof gatewaySchema>
export type CredentialConfig = z.output<typeof credential>
