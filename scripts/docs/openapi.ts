/** docs/openapi/: the services' APIs as OpenAPI 3.1 documents, made of the operations that check the requests. */
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { APPROVAL_OPERATIONS } from '../../services/approval/src/api/operations.ts'
import { AUDIT_OPERATIONS } from '../../services/audit/src/api/audit-operations.ts'
import { GATEWAY_OPERATIONS, SANDBOX_OPERATIONS } from '../../services/cli/src/admin/admin-operations.ts'
import { POLICY_OPERATIONS } from '../../services/policy/src/api/policy-operations.ts'
import { CONSOLE_OPERATIONS } from '../../services/console/src/console-operations.ts'
import { openApiDocument, type Api } from '../../shared/service-kit/src/openapi/index.ts'
import { DEAD_LETTER_OPERATIONS } from '../../shared/service-kit/src/server/dead-letter-operations.ts'

const SECURITY = 'In the Google Cloud edition every operation wants an OIDC ID token of one of the configured callers, meant for this service. In the embedded edition the same paths lie on the admin socket, whose file mode is the lock; no token is asked for there.'
const SOCKET = 'They lie on the admin socket, whose file mode (0600) is the lock; no token is asked for.'
const ERRORS = 'Every error is `application/problem+json` (RFC 9457) whose `reason` is one of those in docs/errors.md; what is malformed names its fields in `errors`. Unknown fields are refused.'
const CALLERS: readonly Api['always'][number][] = ['TOKEN_MISSING', 'TOKEN_INVALID', 'CALLER_REFUSED', 'ISSUER_UNAVAILABLE', 'OVERLOADED']
const OPERATOR = 'OIDC ID token of an operator, of the console or of an automation, as `operators` of the service names them.'

export type ApiName = 'approval' | 'policy' | 'audit' | 'gateway' | 'console'
/** `socketOnly`: of the embedded edition alone. `security`: what is said of who may ask, where it is not what the services say. */
type Part = Pick<Api, 'tags' | 'callers' | 'operations' | 'always'> & { readonly about: string, readonly socketOnly?: true, readonly security?: string }
const EVENTS = { events: 'Events that the service gave up on.' }

const APIS: Readonly<Record<ApiName, Part>> = {
  approval: {
    about: 'Requests for approval, decisions with their proof, grants, reviews, load and locks; claims and receipts for proxies.',
    tags: { approvals: 'Calls that wait for persons, and what became of them.', grants: 'Rights to patterns of calls.', reviews: 'What break-glass leaves to be looked at.', load: 'How much is asked of whom.', locks: 'The kill switch.', passkeys: 'Passkeys of persons, in the embedded edition.', proxies: 'For proxies alone.', ...EVENTS },
    callers: { operator: OPERATOR, proxy: 'OIDC ID token of a proxy\'s service account, as `proxies` of the service names them.' },
    always: [...CALLERS, 'APPROVAL_UNAVAILABLE'], operations: [...APPROVAL_OPERATIONS, ...DEAD_LETTER_OPERATIONS],
  },
  policy: {
    about: 'Sets of policies: what is in force, what a set would change, and pushing one.',
    tags: { policy: 'What is in force, and what it says of a call.', sets: 'Whole sets, as files.' }, callers: { operator: OPERATOR }, always: [...CALLERS, 'INTERNAL'], operations: POLICY_OPERATIONS,
  },
  audit: {
    about: 'The log of all calls: search, sessions, proofs and verification.',
    tags: { records: 'Records and what belongs to them.', log: 'The log as a whole.', ...EVENTS }, callers: { operator: OPERATOR }, always: [...CALLERS, 'AUDIT_UNAVAILABLE'], operations: [...AUDIT_OPERATIONS, ...DEAD_LETTER_OPERATIONS],
  },
  gateway: {
    about: 'The embedded edition\'s own paths, beside those of its services: its state, deciding at its terminal, tokens in the sandbox.',
    tags: { gateway: 'The gateway as a whole.', terminal: 'Deciding where the gateway runs.', sandbox: 'With `up --sandbox` alone.' }, callers: {}, always: ['INTERNAL'], socketOnly: true, security: SOCKET,
    operations: [...GATEWAY_OPERATIONS, ...SANDBOX_OPERATIONS].map((each) => ({ ...each, caller: 'anyone' as const })),
  },
  console: {
    about: 'What the console\'s own page asks. It is for that page and changes with it: automations use the services\' APIs.',
    tags: { sessions: 'Who is signed in.', passkeys: 'Passkeys, where they prove decisions (embedded edition).', calls: 'What waits, what was decided, and deciding.', rights: 'Grants, reviews and locks.', looking: 'Runs, and how much is asked of whom.' },
    callers: { session: { cookie: '__Host-lockkeeper-session', about: 'Of a person who signed in (without the prefix on plain http, which is on loopback alone).' } },
    always: ['REQUEST_INVALID', 'REQUEST_AMBIGUOUS', 'INTERNAL'], security: 'A session\'s cookie says who asks; what changes anything needs the session\'s token in `x-lockkeeper-csrf` and comes from the console\'s own origin.', operations: CONSOLE_OPERATIONS,
  },
}

export function operationsOf(name: ApiName): Api['operations'] {
  return APIS[name].operations
}

/** File from the root → content. */
export function openApiFiles(root: string): readonly (readonly [file: string, content: string])[] {
  const { version } = JSON.parse(readFileSync(join(root, 'package.json'), 'utf8')) as { readonly version: string }
  return (Object.keys(APIS) as readonly ApiName[]).map((name) => {
    const { about, socketOnly, security = SECURITY, ...part } = APIS[name]
    const servers = [
      ...socketOnly === true ? [] : [{ url: `https://${name}.example.com`, description: `The ${name} service of the Google Cloud edition.` }],
      ...name === 'console' ? [{ url: 'http://localhost:8445', description: 'The embedded edition.' }] : [{ url: 'http://admin', description: 'The embedded edition, over the unix socket .lockkeeper/admin.sock.' }],
    ]
    const document = openApiDocument({ title: socketOnly === true ? 'Lockkeeper, embedded edition' : `Lockkeeper ${name} service`, version, description: `${about}\n\n${security}\n\n${ERRORS}`, servers, ...part })
    return [`docs/openapi/${name}.json`, `${JSON.stringify(document, null, 2)}\n`] as const
  })
}
