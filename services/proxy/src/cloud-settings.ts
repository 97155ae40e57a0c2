/** The proxy's own settings file in the Google Cloud edition: the words of lockkeeper.yaml where it is the same thing. */
import { resolve } from 'node:path'
import { checkIssuerSettings, issuerSettingsSchema } from '@lockkeeper/auth'
import { durationSetting, hostSchema, resourceGlobSchema, targetProblems, targetSchema } from '@lockkeeper/policy-engine'
import { blobsSchema, identitySchema, readPeopleFile, secretsSchema, serviceSettings, signerSchema, trustedKeySchema, type PathProblem } from '@lockkeeper/service-kit/server'
import { z } from 'zod'

const database = z.string().regex(/^(?:[a-z][a-z0-9-]{2,61}[a-z0-9]|\(default\))$/, 'must be a database id')
const count = (most: number) => z.number().int().min(1).max(most)

export const proxySettingsSchema = z.strictObject({
  ...serviceSettings,
  kind: z.literal('Proxy'),
  /** Databases of the services that write them; this service only reads them. */
  databases: z.strictObject({ policy: database, approval: database }),
  /** Where the policy service's bundles lie; read only. */
  blobs: blobsSchema,
  /** Attests this instance's own key for records. */
  signer: signerSchema,
  /** Keys that may have signed the policies in force. */
  policyKeys: z.array(trustedKeySchema).min(1).max(10),
  secrets: secretsSchema,
  /** Name of the secret that seals upload sessions: 32 bytes in base64, the same on every instance. */
  sessionKey: z.string().min(1).max(128).default('session-key'),
  /** The approval service. */
  approval: z.strictObject({
    origin: z.url({ protocol: /^https?$/ }).refine((text) => new URL(text).origin === text, 'must be an origin without a path'),
    /** Audience of the ID token that is sent along. Default: the origin. */
    audience: z.string().min(1).max(512).optional(),
  }),
  /** Who this service is to the others. */
  identity: identitySchema,
  /** Ways in for agents. TLS ends before this process. */
  doors: z.strictObject({ path: z.boolean().default(true), domain: hostSchema.optional() }).prefault({}),
  /** Who vouches for agents. */
  issuers: z.array(issuerSettingsSchema).min(1).max(50),
  /** YAML file of the persons that sponsors in tokens resolve to; the approval service has the same. */
  people: z.string().min(1).max(4096).optional(),
  /** Where calls may go, and with whose credential. Default: what the policy service has published. */
  targets: z.array(targetSchema).min(1).max(200).optional(),
  /** How long a call that needs approval is held open. */
  hold: durationSetting(5_000, 55_000).default(25_000),
  /** Shown to agents whose call waits; `{id}` becomes the approval's id. */
  approvalUrl: z.url({ protocol: /^https$/ }).optional(),
  /** The gateway's own resources, out of every agent's reach. `project` is among them by itself. */
  protected: z.strictObject({
    projects: z.array(z.string().regex(/^[a-z0-9-]{4,30}$|^\d+$/, 'must be a project id or number')).max(20).default([]),
    resources: z.array(resourceGlobSchema).max(100).default([]),
  }).prefault({}),
  limits: z.strictObject({
    /** Calls held open at once. */
    held: count(10_000).default(500),
    heldPerAgent: count(1_000).default(20),
    pendingPerAgent: count(1_000).default(50),
    /** Calls in progress at once; Cloud Run's concurrency bounds them too. */
    inFlight: count(100_000).default(1_000),
  }).prefault({}),
  upstream: z.strictObject({ headers: durationSetting(1_000, 3_600_000).default(120_000), body: durationSetting(1_000, 3_600_000).default(120_000) }).prefault({}),
})

export type ProxyCloudSettings = z.output<typeof proxySettingsSchema>

export function proxyProblems(settings: ProxyCloudSettings, directory: string): readonly PathProblem[] {
  const { mode, issuers, targets = [], approval, doors, people } = settings
  const read = people === undefined ? { persons: [] } : readPeopleFile(resolve(directory, people))
  const problems: PathProblem[] = [
    ...checkIssuerSettings(issuers, mode).map(({ path, message }) => ({ path: ['issuers', ...path], message })),
    ...('problems' in read ? read.problems.map((message) => ({ path: ['people'], message })) : []),
    ...targetProblems(targets, mode).map(({ path, message }) => ({ path: ['targets', ...path], message })),
  ]
  targets.forEach(({ certificateAuthority }, index) => {
    if (certificateAuthority !== undefined) problems.push({ path: ['targets', index, 'certificateAuthority'], message: 'is a file of one machine; it is not taken here' })
  })
  if (mode === 'real' && !approval.origin.startsWith('https:')) problems.push({ path: ['approval', 'origin'], message: 'must be https in real mode: an ID token goes there' })
  if (!doors.path && doors.domain === undefined) problems.push({ path: ['doors'], message: 'no door is open: name path or domain' })
  return problems
}
