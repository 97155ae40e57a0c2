/** Where calls may go and with whose credential: the words of lockkeeper.yaml's `targets`, and of targets.yaml. */
import { z } from 'zod'
import { API_VERSION } from './document.ts'
import { parseGlob } from './glob.ts'

const UNITS = { ms: 1, s: 1_000, m: 60_000, h: 3_600_000 } as const

/** `25s`, `10m`; gives ms. */
export const durationSetting = (least: number, most: number) => z.string().regex(/^\d+(?:ms|s|m|h)$/, 'must be a duration such as 25s, 10m or 1h')
  .transform((text) => Number.parseInt(text, 10) * UNITS[text.replace(/\d+/, '') as keyof typeof UNITS])
  .refine((ms) => ms >= least && ms <= most, `must lie between ${least / 1000}s and ${most / 1000}s`)

export const hostSchema = z.string().regex(/^(?:\*\.)?(?:[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?\.)+[a-z0-9-]{2,63}$|^(?:\d{1,3}\.){3}\d{1,3}$|^localhost$/, 'must be a lower-case host name, at most with one leading *.')
/** A glob over full resource names. */
export const resourceGlobSchema = z.string().startsWith('//').refine((text) => !('problem' in parseGlob(text)), 'a glob knows * and ** only, and at most 16 of them')
const serviceAccount = z.string().regex(/^[a-z0-9-]+@[a-z0-9.-]+$/, 'must be a service account e-mail address')

const downscoped = {
  /** Calls of Cloud Storage get a token that is good for the buckets they name and for what their method does there; with `object` only for the objects they name. */
  downscope: z.union([z.boolean(), z.literal('object')]).default(false),
}

export const credentialSchema = z.union([
  z.strictObject({
    /** Application default credentials of the gateway's own process: key file, metadata server or workload identity. */
    adc: z.literal(true),
    ...downscoped,
  }),
  z.strictObject({
    /** Short-lived tokens of this service account, minted with the process's own credentials. */
    impersonate: serviceAccount,
    /** Life of each token. Default 10m, at most 1h. */
    lifetime: durationSetting(60_000, 3_600_000).default(600_000),
    /** Default: cloud-platform. */
    scopes: z.array(z.url()).min(1).max(50).optional(),
    /** Service accounts in between, each allowed to mint for the next. Default: none. */
    delegates: z.array(serviceAccount).max(10).optional(),
    ...downscoped,
  }),
  z.strictObject({
    /** Google-signed ID tokens, as Cloud Run and Identity-Aware Proxy ask for. */
    idToken: z.literal(true),
    /** Whom the ID token is meant for. Default: `https://` and the called host. */
    audience: z.string().min(1).max(512).optional(),
  }),
  z.strictObject({
    /** Name of a secret, a file in `secrets` or, without that folder, the variable `LOCKKEEPER_SECRET_<NAME>`: a token that is sent as it is, or a service account's key. */
    secret: z.string().regex(/^[\w.-]{1,255}$/, 'must be the name of a secret'),
  }),
  z.strictObject({
    /** Calls go out without a credential. */
    none: z.literal(true),
  }),
])

export const targetSchema = z.strictObject({
  /** Names the target in policies, locks and records. */
  name: z.string().regex(/^[a-z0-9][a-z0-9-]{0,62}$/, 'must be lower-case letters, digits and dashes'),
  /** Exact hosts, or one leading wildcard: `*.googleapis.com`. Exact names win, then the longer wildcard. */
  hosts: z.array(hostSchema).min(1).max(200),
  /** What the gateway puts into the target's calls; agents never see it. */
  credential: credentialSchema,
  /** Sends the target's traffic to this origin instead. In real mode: https, or `credential: {none: true}`. */
  upstream: z.url({ protocol: /^https?$/ }).optional(),
  /** Real mode: the credential goes to an overridden https upstream too. */
  sendsCredential: z.boolean().default(false),
  /** `google`: methods come from the catalog. `http`: the verb is the method, the path the resource. Default: `google` where all hosts are under googleapis.com. */
  kind: z.enum(['google', 'http']).optional(),
  /** Loopback, link-local and private upstream addresses are refused unless this is true. */
  allowPrivateAddresses: z.boolean().default(false),
  /** PEM file that replaces the system's trust for this upstream. */
  certificateAuthority: z.string().min(1).max(4096).optional(),
})

/** In a published set nothing is a file of somebody's machine: the certificates themselves stand there. */
const publishedTarget = targetSchema.extend({
  certificateAuthority: z.string().max(64 * 1024).regex(/^-----BEGIN CERTIFICATE-----[\s\S]*-----END CERTIFICATE-----\s*$/, 'must be certificates in PEM').optional().describe('PEM certificates that replace the system\'s trust for this upstream.'),
})

/** targets.yaml. */
export const targetsDocumentSchema = z.strictObject({
  apiVersion: z.literal(API_VERSION),
  kind: z.literal('Targets'),
  targets: z.array(publishedTarget).min(1).max(200),
})

export type CredentialConfig = z.output<typeof credentialSchema>
export type TargetConfig = z.output<typeof targetSchema>
/** As it is written: what is published, so that each reader parses it by itself. */
export type TargetsDocument = z.input<typeof targetsDocumentSchema>
