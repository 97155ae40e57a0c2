/** Settings of token issuers: schema, defaults and checks. Every problem is reported at once, before anything starts. */
import type { Mode } from '@lockkeeper/domain'
import { isRefusal } from '@lockkeeper/domain/errors'
import { isJsonObject, parseStrict, toPlain } from '@lockkeeper/domain/json'
import { z } from 'zod'
import { issuerUrlProblem, urlProblem } from './issuer-url.ts'
import { SIGNING_ALGORITHMS } from './key-set.ts'

const MAX_JWKS_LENGTH = 256 * 1024
const expression = z.string().min(1).max(2000)

const common = {
  /** Names the issuer in policies, records and people.yaml. */
  name: z.string().regex(/^[a-z0-9][a-z0-9-]{0,62}$/, 'must be lower-case letters, digits and dashes'),
  /** Compared with the token's `iss` character by character. */
  issuer: z.string().min(1).max(512),
  /** The token must be meant for one of these. */
  audience: z.union([z.string().min(1).max(512), z.array(z.string().min(1).max(512)).min(1).max(20)]),
  /** Default: all three. HMAC and unsigned tokens have no name here and never will. */
  algorithms: z.array(z.enum(SIGNING_ALGORITHMS)).min(1).default([...SIGNING_ALGORITHMS]),
  /** A key set as JSON text or object, or the URL of one. Reading a file is the caller's. Default: found by discovery. */
  jwks: z.union([z.string().min(1).max(MAX_JWKS_LENGTH), z.looseObject({
    /** JSON Web Keys (RFC 7517). */
    keys: z.array(z.unknown()),
  })]).optional(),
  /** Whether the issuer's discovery document says where its keys are. Default true; false needs `jwks`. */
  discovery: z.boolean().default(true),
  /** CEL over `claims`; each must be true. */
  require: z.array(expression).max(50).default([]),
  /** Ms since `iat` after which a token is refused whatever its `exp` says. Default: none. */
  maxTokenAgeMs: z.number().int().positive().max(24 * 60 * 60_000).optional(),
}

export const issuerSettingsSchema = z.strictObject({
  ...common,
  /** CEL over `claims`, each giving a text. An empty text counts as absent; only `id` must be there. */
  agent: z.strictObject({
    /** The name that policies, records and approvals know the agent by. */
    id: expression,
    /** Default: the token's `jti`, else its subject. */
    run: expression.optional(),
    /** The human the agent works for. Default: GitHub's `actor`; elsewhere the subject, when it is a known Person's. */
    sponsor: expression.optional(),
    /** Further words for policies to select by: name of the label and its expression. */
    labels: z.record(z.string().regex(/^[a-z][a-z0-9_.-]{0,62}$/, 'is no label name'), expression).default({}),
  }),
})

/** Issuers of approvers' ID tokens. Kept apart from agents' issuers: an agent's token must never prove a decision. */
export const approverIssuerSettingsSchema = z.strictObject({
  ...common,
  /** Ms since `iat`. Default 10 min: a decision is signed when it is made. */
  maxTokenAgeMs: z.number().int().positive().max(24 * 60 * 60_000).default(10 * 60_000),
  /**
   * Resolve a Person by e-mail address when no identity has the subject. Default false: only for an issuer that lets nobody
   * choose their own address; the token must say `email_verified: true` as well.
   */
  matchEmail: z.boolean().default(false),
})

export type IssuerSettings = z.input<typeof issuerSettingsSchema>
export type ParsedIssuer = z.output<typeof issuerSettingsSchema>
export type ApproverIssuerSettings = z.input<typeof approverIssuerSettingsSchema>
export type ParsedApproverIssuer = z.output<typeof approverIssuerSettingsSchema>

export interface SettingsProblem { readonly path: readonly (string | number)[], readonly message: string }

/** The parsed settings, or every problem of form, of URLs in this mode, and of issuers that contradict each other. */
export function parseIssuers<T extends ParsedIssuer | ParsedApproverIssuer>(schema: z.ZodType<T>, settings: readonly unknown[], mode: Mode): { readonly issuers: readonly T[] } | { readonly problems: readonly SettingsProblem[] } {
  const problems: SettingsProblem[] = []
  const issuers: T[] = []
  for (const [index, entry] of settings.entries()) {
    const parsed = schema.safeParse(entry)
    if (parsed.success) issuers.push(parsed.data)
    else problems.push(...parsed.error.issues.map(({ path, message }) => ({ path: [index, ...path.map((step) => typeof step === 'symbol' ? String(step) : step)], message })))
  }
  if (problems.length > 0) return { problems }
  for (const [index, issuer] of issuers.entries()) {
    for (const [field, message] of issuerProblems(issuer, issuers.slice(0, index), mode)) problems.push({ path: [index, field], message })
  }
  return problems.length > 0 ? { problems } : { issuers }
}

function issuerProblems(issuer: ParsedIssuer | ParsedApproverIssuer, earlier: readonly (ParsedIssuer | ParsedApproverIssuer)[], mode: Mode): readonly (readonly [string, string])[] {
  const problems: (readonly [string, string])[] = []
  const url = issuerUrlProblem(issuer.issuer, mode)
  if (url !== undefined) problems.push(['issuer', url])
  if (earlier.some(({ name }) => name === issuer.name)) problems.push(['name', 'another issuer has this name'])
  if (issuer.jwks === undefined && !issuer.discovery) problems.push(['jwks', 'is needed where discovery is off'])
  if (issuer.jwks !== undefined) {
    const jwks = readKeysSetting(issuer.jwks, mode)
    if ('problem' in jwks) problems.push(['jwks', jwks.problem])
  }
  const twin = earlier.find((other) => other.issuer === issuer.issuer)
  if (twin !== undefined && JSON.stringify(twin.jwks) !== JSON.stringify(issuer.jwks)) problems.push(['jwks', `differs from that of ${twin.name}, which has the same issuer`])
  return problems
}

/** Where an issuer's keys come from, as its `jwks` says. */
export function readKeysSetting(jwks: string | Readonly<Record<string, unknown>>, mode: Mode): { readonly document: Readonly<Record<string, unknown>> } | { readonly url: string } | { readonly problem: string } {
  if (typeof jwks !== 'string') return { document: jwks }
  if (!jwks.trimStart().startsWith('{')) {
    const problem = urlProblem(jwks, mode)
    return problem === undefined ? { url: jwks } : { problem: `is neither a key set nor a usable URL: it ${problem}` }
  }
  const document = parseStrict(jwks)
  if (isRefusal(document) || !isJsonObject(document)) return { problem: 'is no strict JSON object' }
  const plain = toPlain(document) as Record<string, unknown>
  return Array.isArray(plain.keys) ? { document: plain } : { problem: 'has no `keys` array' }
}

/** All problems in one text, for a TypeError. */
export function describeProblems(problems: readonly SettingsProblem[]): string {
  return problems.map(({ path, message }) => `issuers.${path.join('.')}: ${message}`).join('\n')
}
