/** The console's own settings file in the Google Cloud edition: the words of lockkeeper.yaml where it is the same thing. */
import { resolve } from 'node:path'
import { approverIssuerSettingsSchema, checkApproverIssuerSettings, serviceIssuerSchema } from '@lockkeeper/auth'
import { identitySchema, readPeopleFile, secretsSchema, serviceSettings, type PathProblem } from '@lockkeeper/service-kit/server'
import { z } from 'zod'
import { consoleSchema } from './settings.ts'

const origin = z.url({ protocol: /^https?$/ }).refine((text) => new URL(text).origin === text, 'must be an origin without a path')

/** Identity-Aware Proxy's signed header: its issuer, its keys, its one algorithm. */
const IAP = { issuer: 'https://cloud.google.com/iap', jwks: 'https://www.gstatic.com/iap/verify/public_key-jwk', algorithms: ['ES256' as const], emailVerified: false }

export const consoleCloudSettingsSchema = z.strictObject({
  ...serviceSettings,
  kind: z.literal('Console'),
  /** This service's own database: who is signed in, for all its instances. */
  database: z.string().min(1).max(63),
  /** Where people open the page; https but on loopback in the sandbox. */
  origin,
  /** YAML file of the persons who may sign in. */
  people: z.string().min(1).max(4096),
  /** Issuers of approvers' ID tokens; the same as the approval service's. */
  approverIssuers: z.array(approverIssuerSettingsSchema).min(1).max(20),
  /** Clients of those issuers, for sign-in and for the fresh sign-in that proves a decision. The first one proves. */
  signIn: consoleSchema.shape.signIn.unwrap().min(1),
  /** Secrets of those clients. */
  secrets: secretsSchema.optional(),
  /** Secret of 32 bytes in base64 that the notifier has too. With it links of mails open one request for one person once. */
  mailLinkKey: z.string().min(1).max(128).optional(),
  /** Where the console stands behind Identity-Aware Proxy, whose signed header then says who is there. */
  iap: z.strictObject({
    /** `/projects/NUMBER/global/backendServices/ID`, or of a Cloud Run service `/projects/NUMBER/locations/REGION/services/NAME`. */
    audience: z.string().startsWith('/projects/').max(512),
    /** Default: Google's. */
    issuers: z.array(serviceIssuerSchema).min(1).max(1).prefault([IAP]),
  }).optional(),
  /** The services that the console asks, with ID tokens of its own account for their origins. */
  services: z.strictObject({ approval: origin, audit: origin }),
  /** Who the console is to them. `{service}` in a file's name becomes `approval` or `audit`. */
  identity: identitySchema,
  /** Group whose members may set and lift locks and revoke grants; every known person may look. */
  operators: consoleSchema.shape.operators,
})

export type ConsoleCloudSettings = z.output<typeof consoleCloudSettingsSchema>

const LOOPBACK = /^http:\/\/(?:127\.0\.0\.1|localhost|\[::1\])(?::\d+)?$/
/** A name without a dot: of a neighbour in a network of containers. */
const NEIGHBOUR = /^http:\/\/[a-z0-9-]{1,63}(?::\d+)?$/

export function consoleProblems({ approverIssuers, signIn, secrets, mode, people, ...rest }: ConsoleCloudSettings, directory: string): readonly PathProblem[] {
  const read = readPeopleFile(resolve(directory, people))
  const places: readonly (readonly [readonly PropertyKey[], string])[] = [[['origin'], rest.origin], [['services', 'approval'], rest.services.approval], [['services', 'audit'], rest.services.audit]]
  return [
    ...checkApproverIssuerSettings(approverIssuers, mode).map(({ path, message }) => ({ path: ['approverIssuers', ...path], message })),
    ...('problems' in read ? read.problems.map((message) => ({ path: ['people'], message })) : []),
    ...places.flatMap(([path, place]) => place.startsWith('https://') || (mode === 'sandbox' && (LOOPBACK.test(place) || (path[0] === 'services' && NEIGHBOUR.test(place)))) ? [] : [{ path, message: 'must be https: sessions and tokens travel there' }]),
    ...rest.mailLinkKey !== undefined && secrets === undefined ? [{ path: ['secrets'], message: 'is needed where there is a mailLinkKey' }] : [],
    ...signIn.flatMap(({ issuer, clientId, clientSecret }, index): readonly PathProblem[] => {
      const known = approverIssuers.find(({ name }) => name === issuer)
      return [
        ...known === undefined ? [{ path: ['signIn', index, 'issuer'], message: `${issuer} is not among approverIssuers` }] : [],
        ...known !== undefined && ![known.audience].flat().includes(clientId) ? [{ path: ['signIn', index, 'clientId'], message: `must be an audience of the approver issuer ${issuer}` }] : [],
        ...clientSecret !== undefined && secrets === undefined ? [{ path: ['secrets'], message: 'is needed where a client has a secret' }] : [],
      ]
    }),
  ]
}
