/** lockkeeper.yaml: names, units, defaults. docs/lockkeeper.schema.json and docs/configuration.md are generated from this. */
import { fatigueSchema, groupClaimSchema, priceSchema } from '@lockkeeper/approval'
import { approverIssuerSettingsSchema, issuerSettingsSchema } from '@lockkeeper/auth'
import { consoleSchema } from '@lockkeeper/console'
import { notifySchema } from '@lockkeeper/notifier'
import { durationSetting, hostSchema, resourceGlobSchema, targetSchema } from '@lockkeeper/policy-engine'
import { telemetrySettings } from '@lockkeeper/service-kit/telemetry'
import { z } from 'zod'

const SIZES = { B: 1, KiB: 1024, MiB: 1024 ** 2, GiB: 1024 ** 3 } as const

/** `4MiB`; gives bytes. */
const size = (most: number) => z.string().regex(/^\d+(?:B|KiB|MiB|GiB)$/, 'must be a size such as 64KiB or 4MiB')
  .transform((text) => Number.parseInt(text, 10) * SIZES[text.replace(/\d+/, '') as keyof typeof SIZES])
  .refine((bytes) => bytes <= most, `must be ${most / 1024 ** 2}MiB at most`)

const count = (most: number) => z.number().int().min(1).max(most)
const file = z.string().min(1).max(4096)

export const gatewaySchema = z.strictObject({
  /** Version of this file's form. */
  apiVersion: z.literal('lockkeeper.dev/v1'),
  /** What the file describes. */
  kind: z.literal('Gateway'),
  /** `sandbox`: test issuer, fake credentials, loopback upstreams only. The two never mix. */
  mode: z.enum(['real', 'sandbox']),
  /** The agent port. */
  listen: z.strictObject({
    /** Address to listen at; any but loopback needs `tls`. */
    address: z.string().default('127.0.0.1'),
    /** 0: any free port. */
    port: z.number().int().min(0).max(65_535).default(8443),
    /** PEM files; needed for the domain door and for any address but loopback. */
    tls: z.strictObject({
      /** PEM file: the certificate and those between it and its root. */
      certificate: file,
      /** PEM file: the private key. */
      key: file,
    }).optional(),
  }).prefault({}),
  /** Ways in for agents; at least one. */
  doors: z.strictObject({
    /** The host of the call is the first part of the path: `http://GATEWAY/storage.googleapis.com/…`. */
    path: z.boolean().default(true),
    /** The gateway as HTTPS proxy (CONNECT), for clients that keep Google's names. */
    forward: z.strictObject({
      /** Folder of the authority whose certificates agents trust; made at the first start, for the targets' hosts only. */
      ca: file.default('.lockkeeper/ca'),
      /** Hosts passed through unseen, such as a package registry: recorded, never judged. */
      tunnel: z.array(hostSchema).max(100).default([]),
    }).optional(),
    /** A domain of your own whose names stand for Google's: `storage.DOMAIN`. Needs `listen.tls`. */
    domain: hostSchema.optional(),
  }).prefault({}),
  /** Who vouches for agents: OIDC issuers of their tokens. */
  issuers: z.array(issuerSettingsSchema).min(1).max(50),
  /** Issuers of approvers' ID tokens; never an agents' issuer. */
  approverIssuers: z.array(approverIssuerSettingsSchema).max(20).default([]),
  /** Groups that approvers' own identity providers name, for rules to name as reviewers. */
  groupClaims: z.array(groupClaimSchema).max(20).default([]),
  /** When one rule asks for more than its share of approvals, its owner is told once a day. */
  fatigue: fatigueSchema.prefault({}),
  /** Cards tell by it what a BigQuery query would cost; without it, bytes alone. */
  bigqueryPricePerTiB: priceSchema.optional(),
  /** YAML file of the persons who may decide, with their groups and identities. */
  people: file.optional(),
  /** Who the person at the terminal of `up` is, for decisions by key press. Must be in people.yaml. */
  terminal: z.strictObject({
    /** Id of the person. */
    person: z.string().min(1).max(64),
  }).optional(),
  /** Where calls may go, and with whose credential. Any other host is refused. Default: they are published with the policies, as `targets.yaml`. */
  targets: z.array(targetSchema).max(200).default([]),
  /** Folder of policies and their cases; watched, so that a change is in force within seconds. Or `{ pushed: true }`. */
  policies: z.union([
    file,
    z.strictObject({
      /** Policies are no files here: `lockkeeper policy push` puts a whole set in force. */
      pushed: z.literal(true),
    }),
  ]).default('policies'),
  /** SQLite file of approvals, locks and events. Records and bodies lie beside it. */
  store: file.default('.lockkeeper/store.sqlite'),
  /** Directory of secrets that targets name; files readable by their owner only. */
  secrets: file.optional(),
  /** How long a call that needs approval is held open before it is answered with 428. */
  hold: durationSetting(5_000, 55_000).default(25_000),
  /** What keeps agents started by `lockkeeper run` from the gateway's files. `auto`: the strongest that this machine allows. */
  isolation: z.enum(['auto', 'none', 'user', 'container']).default('auto'),
  /** Real credentials at isolation level none need this: the agent could read them. */
  acknowledgeNoIsolation: z.boolean().default(false),
  /** Page of a request, shown to agents whose call waits and to those whom `notify` tells; `{id}` becomes the approval's id. */
  approvalUrl: z.url({ protocol: /^https$/ }).optional(),
  /** Who is told what waits, and where. Without it nobody is told outside the gateway. */
  notify: notifySchema.optional(),
  /** The web page for approvers, at `http://localhost:PORT` of this machine. Without it there is none. */
  console: consoleSchema.optional(),
  /** The gateway's own resources, out of every agent's reach. Globs over full resource names; projects are expanded. */
  protected: z.strictObject({
    /** Project ids and numbers. */
    projects: z.array(z.string().regex(/^[a-z0-9-]{4,30}$|^\d+$/, 'must be a project id or number')).max(20).default([]),
    /** Globs, such as `//storage.googleapis.com/projects/_/buckets/audit-*`. */
    resources: z.array(resourceGlobSchema).max(100).default([]),
  }).prefault({}),
  /** What one instance takes. */
  limits: z.strictObject({
    /** JSON bodies above this are refused, because they could not be judged. */
    inspectBody: size(64 * 1024 ** 2).default(4 * 1024 ** 2),
    /** Bodies above this are not kept beside their record. */
    recordBody: size(2 * 1024 ** 2).default(256 * 1024),
    /** Calls held open at once. */
    held: count(10_000).default(500),
    /** The same, of one agent. */
    heldPerAgent: count(1_000).default(20),
    /** Calls of one agent that wait for approval, held or not. */
    pendingPerAgent: count(1_000).default(50),
    /** Calls in progress at once. */
    inFlight: count(100_000).default(1_000),
  }).prefault({}),
  /** How long upstreams are waited for. */
  upstream: z.strictObject({
    /** Until the answer's headers. */
    headers: durationSetting(1_000, 3_600_000).default(120_000),
    /** Between two parts of its body. */
    body: durationSetting(1_000, 3_600_000).default(120_000),
  }).prefault({}),
  /** Where traces and metrics go, over OTLP/HTTP. Without it there are none. */
  telemetry: z.strictObject({
    /** Base URL of an OTLP/HTTP receiver, such as `http://127.0.0.1:4318` for a collector beside the gateway. https in real mode, but for loopback. */
    otlp: telemetrySettings.otlp,
    /** Share of traces that are kept, 0 to 1. Traces of calls that wait for a person are always kept. */
    sampleRatio: telemetrySettings.sampleRatio,
    /** Name of the secret that holds headers for the receiver, one `Name: value` a line. */
    headersSecret: z.string().min(1).max(128).optional(),
  }).optional(),
  /** Least severe lines that are written to standard error. */
  log: z.enum(['debug', 'info', 'warn', 'error', 'silent']).default('info'),
})

export type GatewayConfig = z.output<typeof gatewaySchema>
