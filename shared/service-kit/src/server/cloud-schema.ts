/**
 * Settings that the services of the Google Cloud edition share. What stands in for Google on this machine (`file`, `directory`,
 * `tokenFile`, `emulators`) has these names everywhere and is refused in real mode (invariant 14).
 */
import { serviceIssuerSchema } from '@lockkeeper/auth'
import { z } from 'zod'
import { LOG_LEVELS } from '../logger.ts'
import { telemetrySchema } from '../telemetry/telemetry-schema.ts'

const path = z.string().min(1).max(4096)
// A name in a container's network, this machine, or where an engine puts a container.
const hostPort = z.string().regex(/^(?:(?:\d{1,3}\.){3}\d{1,3}|[a-z0-9-]{1,63}):\d{1,5}$/, 'must be host:port')
const email = z.string().regex(/^[^\s@,]{1,200}@[a-zA-Z0-9.-]{1,200}$/, 'must be an e-mail address')
const kmsVersion = z.string().regex(/^projects\/[\w:.-]+\/locations\/[\w-]+\/keyRings\/[\w-]+\/cryptoKeys\/[\w-]+\/cryptoKeyVersions\/\d+$/, 'must be the full name of a key version')

/** What every service's file begins with. */
export const serviceSettings = {
  /** Version of this file's form. */
  apiVersion: z.literal('lockkeeper.dev/v1'),
  /** `sandbox`: emulators, made-up credentials. The two never mix. */
  mode: z.enum(['real', 'sandbox']),
  /** The project that the gateway's own topics and databases are in. */
  project: z.string().regex(/^[a-z][a-z0-9-]{4,28}[a-z0-9]$/, 'must be a project id'),
  /** Sandbox only, and needed there. */
  emulators: z.strictObject({ firestore: hostPort, pubsub: hostPort }).optional(),
  /** Where traces and metrics go, over OTLP/HTTP: a collector beside the service. Without it there are none. */
  telemetry: telemetrySchema.optional(),
  /** Least severe lines that are written to standard error. */
  log: z.enum(LOG_LEVELS).default('info'),
}

/** The key that this service signs with. */
export const signerSchema = z.union([
  z.strictObject({ kms: kmsVersion }),
  z.strictObject({ file: path }),
])

/** A key that is trusted: by its version in KMS, or as it is. */
export const trustedKeySchema = z.union([
  z.strictObject({ kms: kmsVersion }),
  z.strictObject({ file: path }),
  z.strictObject({ keyId: z.string().min(1).max(512), algorithm: z.enum(['Ed25519', 'ES256']), jwk: z.record(z.string(), z.string()) }),
])

export const blobsSchema = z.union([
  z.strictObject({
    bucket: z.string().regex(/^[a-z0-9][a-z0-9._-]{1,220}[a-z0-9]$/, 'must be a bucket\'s name'),
    /** Put before every key, with a `/` at its end, so that services can share a bucket. */
    prefix: z.string().regex(/^(?:[a-z0-9._-]{1,200}\/)*$/, 'must be segments with a / after each').default(''),
  }),
  z.strictObject({ directory: path }),
])

export const secretsSchema = z.union([
  z.strictObject({
    /** By the names that the settings use: the full name of the secret, and its pinned version. */
    secretManager: z.record(z.string().regex(/^[A-Za-z0-9][\w.-]{0,127}$/), z.strictObject({ secret: z.string().regex(/^projects\/[a-z0-9-]+\/secrets\/[\w-]{1,255}$/, 'must be projects/PROJECT/secrets/SECRET'), version: z.union([z.number().int().positive(), z.literal('latest')]) })),
  }),
  z.strictObject({ directory: path }),
])

/** Who may call one of the service's interfaces: a Google-signed ID token for the audience, of one of these addresses. */
export const callersSchema = z.strictObject({
  /** Issuers of the tokens. Default: Google. */
  issuers: z.array(serviceIssuerSchema).min(1).max(10).prefault([{}]),
  /** The one audience: the service's own URL. */
  audience: z.string().min(1).max(512),
  allowed: z.array(email).min(1).max(200),
})

/** The one account that Pub/Sub pushes as; the audience of each endpoint is `origin` and its path. */
export const pusherSchema = z.strictObject({
  issuers: z.array(serviceIssuerSchema).min(1).max(10).prefault([{}]),
  /** The service's own URL, without a path. */
  origin: z.url({ protocol: /^https?$/ }).refine((text) => new URL(text).origin === text, 'must be an origin without a path'),
  account: email,
})

/** ID tokens of this service's own account: from the metadata server, or for the sandbox from a file that holds one. */
export const identitySchema = z.union([
  z.strictObject({ metadata: z.literal(true) }),
  z.strictObject({ tokenFile: path }),
])

export type SignerSetting = z.output<typeof signerSchema>
export type TrustedKeySetting = z.output<typeof trustedKeySchema>
export type BlobsSetting = z.output<typeof blobsSchema>
export type SecretsSetting = z.output<typeof secretsSchema>
export type CallersSetting = z.output<typeof callersSchema>
export type PusherSetting = z.output<typeof pusherSchema>
export type IdentitySetting = z.output<typeof identitySchema>
